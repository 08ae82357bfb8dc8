"""`okstra check run`: a good record of every phase passes; for each check there is one that it finds fault with."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from okstra_ctl.checks.record_rules import CHECKS
from okstra_ctl.names import RunId
from okstra_ctl.paths import ProjectFiles, RunFiles
from support.led_phases import analysed, led_phase
from support.okstra import Ended, Okstra, Project
from support.phases import TASK_TYPES
from support.rehearsal import install, led, part
from support.repos import Repo
from support.sealed import ROOT, sealed_environment

FOREIGN = "demo:core:T-1/error-analysis/999"


class Led(NamedTuple):
    """A run, and where its files are."""

    okstra: Okstra
    run: str
    files: RunFiles

    def check(self, *more: str) -> Ended:
        return self.okstra("check", "run", self.run, *more, "--json")

    def ids(self, *more: str) -> set[str]:
        """What is found, but for what the seal finds with every change."""
        return {one["id"] for one in self.check(*more).data["findings"]} - {"seal-differs"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Led]:
    """Good runs by task type, of one project. What a test breaks it puts right again."""
    tmp = tmp_path_factory.mktemp("runs")
    (tmp / "home").mkdir()
    environment = sealed_environment(tmp / "home")
    repo = Repo.init(tmp / "project", environment)
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    project = Project(repo, okstra)
    made = {"error-analysis": analysed(project)}
    for task_type in ("implementation-planning", "implementation", "final-verification"):
        made[task_type] = led_phase(project, task_type)
        assert made[task_type].status == 0, made[task_type]
    return {name: _led(project, ended) for name, ended in made.items()}


def _led(project: Project, ended: Ended) -> Led:
    run = RunId.parse(ended.data["run_id"])
    files = ProjectFiles(str(project.repo.path)).task(run.task).run_of(run)
    return Led(project.okstra, str(run), files)


@pytest.fixture
def mended() -> Iterator[Callable[[str], Path]]:
    """Takes note of a file, and puts it back after the test."""
    before: dict[Path, bytes | None] = {}

    def noted(path: str) -> Path:
        file = Path(path)
        before.setdefault(file, file.read_bytes() if file.exists() else None)
        return file

    yield noted
    for file, data in before.items():
        file.rmdir() if file.is_dir() else file.unlink(missing_ok=True)
        if data is not None:
            file.write_bytes(data)


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_a_run_of_every_phase_is_in_order(project: Project, task_type: str) -> None:
    ended = led_phase(project, task_type)
    assert ended.status == 0, ended
    checked = project.okstra("check", "run", ended.data["run_id"], "--json")
    assert checked.data["findings"] == []
    assert checked.status == 0
    assert checked.data["checked"] >= 7


def test_runs_that_did_not_end_well_are_in_order_too(project: Project) -> None:
    prepared = project.run_phase("requirements-discovery")
    project.okstra.ok("check", "run", prepared.data["run_id"])
    install(project, part({"fault": "garbage"}, worker="rehearsal-a", attempt=["1", "2"]))
    failed = led(project, "error-analysis")
    assert failed.codes == ["run-failed"]
    project.okstra.ok("check", "run", failed.data["run_id"])
    install(project, part({"fault": "crash"}, role="report-writer"))
    unwritten = led(project, "implementation-planning")
    assert unwritten.codes == ["run-failed"]
    project.okstra.ok("check", "run", unwritten.data["run_id"])


def test_a_run_with_a_critic_and_with_answers_is_in_order(project: Project) -> None:
    answers = project.repo.path.parent / "answers.md"
    answers.write_text("## C-001\n> Which?\n\nBoth.\n")
    ended = led(project, "error-analysis", "--critic", "rehearsal", "--clarification-response", str(answers))
    project.okstra.ok("check", "run", ended.data["run_id"])


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


Break = Callable[[RunFiles, Callable[[str], Path]], None]


def data(change: Callable[[dict[str, Any]], object]) -> Break:
    return lambda files, note: changed(note(files.report_data), change)


def manifest(change: Callable[[dict[str, Any]], object]) -> Break:
    return lambda files, note: changed(note(files.manifest), change)


def text(name: str, old: str, new: str) -> Break:
    def replace(files: RunFiles, note: Callable[[str], Path]) -> None:
        path = note(getattr(files, name) if hasattr(files, name) else files.worker_result("rehearsal-a"))
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))

    return replace


def removed(name: str) -> Break:
    return lambda files, note: note(getattr(files, name)).unlink()


def event(**fields: object) -> Break:
    def append(files: RunFiles, note: Callable[[str], Path]) -> None:
        path = note(files.events)
        row = {"v": 1, "at": "2026-01-01T00:00:00Z", "run_id": "demo:core:T-1/error-analysis/001", **fields}
        path.write_text(path.read_text() + json.dumps(row) + "\n")

    return append


def extra_finding(document: dict[str, Any]) -> None:
    document["findings"].append({**document["findings"][0], "id": "G-099"})


def another_worker(document: dict[str, Any]) -> None:
    document["execution"][0]["model_observed"] = "a-better-model"


def of_another_run(document: dict[str, Any]) -> None:
    document["run_id"] = FOREIGN


def blocked(document: dict[str, Any]) -> None:
    document["verdict"]["token"] = "ready-for-approval"
    document["gates"]["plan"]["gate"] = "blocked-by-disagreement"


OPEN = {"event": "dispatched", "worker": "rehearsal-a", "label": "round-9", "attempt": 1, "token": "0" * 32}
BREACH = {"kind": "ref", "what": "x", "detail": "y", "undo": ""}
INVENTED = {"command": "make test", "exit": 1, "status": "verified", "found_lines": None, "note": "", "exits": [1]}
PROVEN = {
    **{"mark": "proven", "run_id": "demo:core:T-1/error-analysis/001", "finding": "G-001", "severity": "high"},
    **{"title": "t", "status": "closed"},
    "commands": [{"command": "make test", "before": "exit 1", "after": "exit 0"}],
}
A, P, S, F = "error-analysis", "implementation-planning", "implementation", "final-verification"
BAD: list[tuple[str, str, Break]] = [
    ("file-missing", A, removed("team_state")),
    ("file-missing", A, removed("convergence")),
    ("file-unreadable", A, lambda files, note: note(files.convergence).write_text("{") and None),
    ("schema-broken", A, lambda files, note: changed(note(files.team_state), lambda one: one.pop("workers"))),
    ("schema-broken", A, manifest(lambda one: one.update(seq="one"))),
    ("row-broken", A, event(event="no-such-event")),
    ("row-broken", A, lambda files, note: note(files.events).open("a").write("{torn") and None),
    (
        "identity-foreign",
        A,
        lambda files, note: changed(note(files.team_state), lambda one: one.update(run_id=FOREIGN)),
    ),
    ("identity-foreign", A, event(event="round-done", round=3, run_id=FOREIGN)),
    ("result-missing", A, lambda files, note: note(files.worker_result("rehearsal-b")).unlink()),
    ("result-broken", A, text("worker result", "### F-001 [high]", "### F-001 [awful]")),
    ("result-changed", A, text("worker result", "### F-001 [high]", "### F-001 [low]")),
    ("result-changed", A, data(lambda one: one["verdict"].update(direction="Ship it."))),
    ("event-open", A, event(**OPEN)),
    ("finding-lost", A, data(lambda one: one.update(findings=[]))),
    ("finding-added", A, data(extra_finding)),
    ("finding-changed", A, data(lambda one: one["findings"][0].update({"class": "consensus"}))),
    ("mark-unearned", A, data(lambda one: one["findings"][0].update(mark="shown"))),
    ("mark-unearned", A, data(lambda one: one["findings"][0]["evidence"].append(INVENTED))),
    ("mark-unearned", F, data(lambda one: one.update(proofs=[PROVEN]))),
    ("gate-changed", A, manifest(lambda one: one["gates"].update(convergence="failed"))),
    ("gate-changed", A, data(lambda one: one["gates"]["convergence"].update(gate="passed-with-dissent"))),
    ("outcome-unearned", A, data(lambda one: one["gates"]["report"].update(gate="failed"))),
    ("execution-changed", A, data(another_worker)),
    ("execution-changed", A, data(lambda one: one["execution"][1].update(outcome="timeout"))),
    ("usage-changed", A, data(lambda one: one.update(usage=None))),
    ("isolation-changed", A, data(lambda one: one["isolation"]["breaches"].append(BREACH))),
    ("answer-lost", A, lambda files, note: _answer(note(files.user_response))),
    ("token-unknown", A, data(lambda one: one["verdict"].update(token="perfect"))),
    ("token-unearned", F, data(lambda one: one["gates"]["checks"].update(gate="failed"))),
    ("token-unearned", P, data(blocked)),
    ("part-empty", A, data(lambda one: one["phase"].update(symptom=" "))),
    ("plan-broken", P, text("report", "| 1 | Write rehearsal.txt | (none) |", "| 1 | Write rehearsal.txt | 1 |")),
    ("check-unrecorded", S, removed("exit_check")),
    ("check-unrecorded", F, lambda files, note: changed(note(files.qa), lambda one: one["checks"][0].update(exit=1))),
    ("commit-missing", S, data(lambda one: one.update(commits=[]))),
    ("page-missing", A, removed("report_html")),
    ("page-stale", A, text("report_html", "disagrees", "agrees")),
    ("page-stale", A, text("report", "contested", "consensus")),
    ("seal-differs", A, removed("guard_rules")),
    ("seal-chain", A, lambda files, note: seal_changed(note(seals(files)))),
    ("seal-unreadable", A, lambda files, note: unreadable(note(seals(files)))),
]


def seals(files: RunFiles) -> str:
    """The project's seals, in the home beside it."""
    project = Path(files.dir).parents[5]
    return str(project.parent / "home" / ".okstra" / "seals" / "demo.jsonl")


def seal_changed(path: Path) -> None:
    first, _, rest = path.read_text().partition("\n")
    path.write_text(first.replace('"completed"', '"failed"') + "\n" + rest)


def unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _answer(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("## C-007\nYes.\n")


@pytest.mark.parametrize(("id_", "task_type", "spoil"), BAD, ids=[f"{id_}-{n}" for n, (id_, _, _) in enumerate(BAD)])
def test_what_is_wrong_is_found(
    runs: dict[str, Led], mended: Callable[[str], Path], id_: str, task_type: str, spoil: Break
) -> None:
    led_run = runs[task_type]
    assert led_run.ids() == set()
    spoil(led_run.files, mended)
    checked = led_run.check("--only", CHECKS[id_].group)
    assert (checked.status, checked.codes) == (4, ["run-invalid"])
    (first, *_) = [one for one in checked.data["findings"] if one["id"] == id_]
    assert first["line"] >= 1
    assert first["message"]
    named = {"plan-broken": "PLAN", "seal-chain": "FILE", "seal-unreadable": "FILE"}
    assert named.get(id_, led_run.run) in first["remedy"]
    assert {CHECKS[one["id"]].group for one in checked.data["findings"]} == {CHECKS[id_].group}


def test_every_check_has_a_bad_example() -> None:
    assert {id_ for id_, _, _ in BAD} == set(CHECKS)


def test_a_fault_of_the_data_is_shown_where_it_stands(runs: dict[str, Led], mended: Callable[[str], Path]) -> None:
    led_run = runs[A]
    data(lambda one: one["verdict"].update(token="perfect"))(led_run.files, mended)
    (found,) = led_run.check("--only", "phase").data["findings"]
    lines = Path(found["file"]).read_text().splitlines()
    assert '"token": "perfect"' in lines[found["line"] - 1]


def test_a_page_of_another_version_is_no_fault(runs: dict[str, Led], mended: Callable[[str], Path]) -> None:
    led_run = runs[A]
    data(lambda one: one.update(okstra_version="0.0.9"))(led_run.files, mended)
    for name in ("report", "report_html"):
        mended(getattr(led_run.files, name))
    led_run.okstra.ok("report", "render", led_run.run)
    text("report_html", "disagrees", "objects")(led_run.files, mended)
    assert led_run.ids() == {"result-changed"}, "the data was, but not the page that was made of it"


def validator(led_run: Led, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = ROOT / "validators" / name
    command = [sys.executable, str(path)] if path.suffix == ".py" else [str(path)]
    return subprocess.run(
        [*command, *words],
        cwd=led_run.okstra.cwd,
        env=dict(led_run.okstra.environment),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("validate-run.py", removed("team_state")),
        ("validate-workflow.sh", removed("team_state")),
        ("validate-report-views.py", removed("report_html")),
        ("validate-implementation-plan-stages.py", data(lambda one: one["phase"].update(rollback=""))),
    ],
)
def test_a_validator_is_a_door_to_it(
    runs: dict[str, Led], mended: Callable[[str], Path], name: str, spoil: Break
) -> None:
    led_run = runs[P]
    good = validator(led_run, name, led_run.run)
    assert good.returncode == 0, good
    assert good.stdout.startswith("ok: ")
    spoil(led_run.files, mended)
    assert validator(led_run, name, led_run.run).returncode == 4
    assert validator(led_run, name).returncode == 2


def test_the_plan_validator_takes_a_plan_too(runs: dict[str, Led], mended: Callable[[str], Path]) -> None:
    led_run = runs[P]
    name = "validate-implementation-plan-stages.py"
    assert validator(led_run, name, led_run.files.report).returncode == 0
    plan = mended(led_run.files.report)
    plan.write_text(plan.read_text().replace("## 5.5 Stage Map", "## 5.5 Something"))
    assert "S1" in validator(led_run, name, led_run.files.report).stdout
