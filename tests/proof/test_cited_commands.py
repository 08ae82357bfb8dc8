"""Commands that analysts cite are run by okstra, once, after everybody has answered; only what it saw counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.names import TaskKey
from okstra_ctl.worktrees import proofs
from support.okstra import Ended, Okstra, Project
from support.rehearsal import finding, install, led, part, report_of, result
from support.repos import Repo
from support.sealed import sealed_environment

KEY = "AKIA" + "IOSFODNN7ABCDEFG"
CITED = {
    "both cite exit 1 of a command that exits 0": "command `sh ok.sh` exit 1",
    "it fails": "command `sh bug.sh` exit 1",
    "it never ends": "command `sleep 30` exit 1",
    "it is not there": "command `no-such-program --help` exit 2",
    "now so, now so": "command `sh now.sh` exit 1",
    "true by itself": "command `false` exit 1",
    "it talks": "command `cat secret.txt; sh bug.sh` exit 1",
    "it writes": "command `touch made && test ! -e made.before && mv made made.before` exit 0",
    "it leaves": "command `curl -s http://localhost:1` exit 7",
    "refuted by a lie": "src.txt:1 `one`",
    "refuted by a run": "src.txt:2 `two`",
    "refuted by words": "src.txt:3 `three`",
}
TITLES = list(CITED)


def answers(**entries: str) -> str:
    text = "".join(f"### {item.replace('_', '-')} {entry}\n" for item, entry in entries.items())
    return f"---\ntask-key: {{{{TASK_KEY}}}}\nworker: {{{{WORKER_ID}}}}\nmodel: rehearsal\n---\n## Verdicts\n{text}"


def no(basis: str, evidence: str = "") -> str:
    line = f"\n- evidence: {evidence}" if evidence else ""
    return f"DISAGREE\n- basis: {basis}\n- reason: because{line}"


YES = "AGREE\n- reason: because"
LIE, RUN = "command `sh bug.sh` exit 0", "command `sh ok.sh; sh ok.sh` exit 0"


class Scene(NamedTuple):
    """A led run, before and after it was resumed; by title, its findings."""

    project: Project
    first: Ended
    ended: Ended
    counts: tuple[str, str]
    findings: dict[str, dict[str, Any]]

    def prompt(self, worker: str, number: int) -> str:
        (path,) = Path(self.ended.data["run_dir"]).glob(f"prompts/{worker}-round-{number}-*.md")
        return path.read_text()

    def record(self) -> dict[str, dict[str, Any]]:
        (path,) = Path(self.ended.data["run_dir"]).glob("state/evidence-*.json")
        rows: list[dict[str, Any]] = json.loads(path.read_text())["commands"]
        return {row["command"]: row for row in rows}


def items(verdicts: dict[str, str]) -> str:
    return answers(**{f"G_{number:03d}": verdicts.get(title, YES) for number, title in enumerate(TITLES, 1)})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    base = tmp_path_factory.mktemp("cited")
    (base / "home").mkdir()
    environment = sealed_environment(base / "home")
    repo = Repo.init(base / "project", environment)
    count, toggle = base / "count", base / "toggle"
    repo.commit(
        {
            "ok.sh": f"echo ok >> {count}\n",
            "bug.sh": f"echo bug >> {count}\necho it breaks\nexit 1\n",
            "now.sh": f"if [ -e {toggle} ]; then rm {toggle}; exit 1; fi\ntouch {toggle}\n",
            "secret.txt": f"key = {KEY}\n",
            "src.txt": "one\ntwo\nthree\n",
        },
        "feat: it",
    )
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    project = Project(repo, okstra)
    own = [finding("high", title, evidence) for title, evidence in CITED.items()]
    disputed = {"refuted by a lie": no("evidence", LIE), "refuted by a run": no("evidence", RUN)}
    disputed["refuted by words"] = no("logic", RUN)
    numbers = {title: f"G_{TITLES.index(title) + 1:03d}" for title in disputed}
    again = {numbers[title]: entry for title, entry in disputed.items()}
    withdrawn = {number: no("logic") for number in numbers.values()}
    gap = finding("medium", "nobody looked", "command `sh ok.sh && test -e src.txt` exit 1")
    parts = [
        part({"result": result(gap)}, role="critic"),
        part({"result": result(*own)}, worker="rehearsal-a", round="", role="analyst"),
        part({"result": result(own[0])}, worker="rehearsal-b", round="", role="analyst"),
        part({"result": items(disputed).replace(f"### G-001 {YES}\n", "")}, worker="rehearsal-b", round="1"),
        part({"result": answers(**again)}, worker="rehearsal-b", round="2"),
        part({"result": answers(**withdrawn)}, worker="rehearsal-a", round="2"),
    ]
    evidence = {"execute": "always", "timeout": 1}
    install(project, *parts, part({"fault": "silent"}, role="report-writer"), evidence=evidence)
    first = led(project, "error-analysis", "--critic", "rehearsal")
    before = count.read_text()
    install(project, *parts, evidence=evidence)
    ended = okstra("resume", first.data["run_id"], "--json")
    assert ended.status == 0, ended
    data = {**first.data, **ended.data}
    ended = Ended(0, json.dumps({**ended.envelope, "data": data}), ended.stderr)
    found = {one["title"]: one for one in report_of(ended)["findings"]}
    yield Scene(project, first, ended, (before, count.read_text()), found)


def told(line: dict[str, Any]) -> tuple[str, list[int]]:
    return line["status"], line.get("exits", [])


@pytest.mark.parametrize(
    ("title", "status", "exits", "class_", "mark"),
    [
        ("both cite exit 1 of a command that exits 0", "contradicted", [0, 0], "contested", "not-shown"),
        ("it fails", "verified", [1, 1], "consensus", "shown"),
        ("nobody looked", "contradicted", [0, 0], "contested", "not-shown"),
        ("it never ends", "not-run", [], "consensus", "not-shown"),
        ("it is not there", "not-run", [127], "consensus", "not-shown"),
        ("now so, now so", "flaky", [0, 1], "consensus", "not-shown"),
        ("true by itself", "not-run", [], "consensus", "not-shown"),
        ("it talks", "verified", [1], "consensus", "shown"),
        ("it writes", "verified", [0], "consensus", "shown"),
        ("it leaves", "not-run", [], "consensus", "not-shown"),
    ],
)
def test_a_finding_counts_for_what_okstra_saw(
    scene: Scene, title: str, status: str, exits: list[int], class_: str, mark: str
) -> None:
    found = scene.findings[title]
    assert told(found["evidence"][0]) == (status, exits), found["evidence"]
    assert (found["class"], found["mark"], found["status"]) == (class_, mark, "open")
    assert next(iter(found)) == "mark"


def test_why_a_command_was_not_run_is_told(scene: Scene) -> None:
    notes = {title: one["evidence"][0]["note"] for title, one in scene.findings.items()}
    assert notes["it never ends"] == "stopped after 1 s"
    assert notes["it is not there"] == "exit 127: the command, or one that it calls, is not there"
    assert notes["true by itself"] == "it comes out the same whatever the code does"
    assert notes["it leaves"] == "`curl -s` reaches outside the checkout"


def test_a_true_finding_that_is_refuted_by_a_made_up_exit_stays_open(scene: Scene) -> None:
    lied = scene.findings["refuted by a lie"]
    assert (lied["class"], lied["status"], lied["closed_by"]) == ("refuted", "open", "")
    (ballot, *_) = [one for one in lied["verdicts"] if one["worker"] == "rehearsal-b"]
    assert told(ballot["evidence"][0]) == ("contradicted", [1, 1])


def test_a_command_that_okstra_saw_closes_and_words_do_not(scene: Scene) -> None:
    closed = scene.findings["refuted by a run"]
    assert (closed["status"], "sh ok.sh; sh ok.sh" in closed["closed_by"]) == ("closed", True)
    words = scene.findings["refuted by words"]
    assert (words["class"], words["status"]) == ("refuted", "open")


def test_each_command_is_run_once_and_twice_where_a_worker_is_contradicted(scene: Scene) -> None:
    """`sh bug.sh` is cited as 1 and as 0, `sh ok.sh` as 1; beside them each other command runs one of the scripts."""
    before, after = scene.counts
    assert before == after, "a resume runs nothing again"
    assert sorted(before.split()) == ["bug"] * 3 + ["ok"] * 6
    record = scene.record()
    assert record["sh bug.sh"]["exits"] == [1, 1]
    gap = "sh ok.sh && test -e src.txt"
    assert set(record) == {gap} | {
        line.split("`")[1] for line in [*CITED.values(), LIE, RUN] if "`" in line and ":" not in line[:9]
    }


def test_nobody_is_told_an_outcome_before_its_own_verdict(scene: Scene) -> None:
    """In round 1 the commands stand without their outcome; in round 2 all have answered, and see it."""
    first = scene.prompt("rehearsal-b", 1)
    assert "sh bug.sh" in first
    assert not [line for line in first.splitlines() if "command `" in line and "checked by okstra" in line]
    assert "src.txt:1 `one` [checked by okstra: verified]" in first
    second = scene.prompt("rehearsal-a", 2)
    assert "command `sh bug.sh` exit 0 [checked by okstra: contradicted; okstra saw exit 1, twice]" in second


def test_what_a_command_printed_is_kept_without_secrets(scene: Scene) -> None:
    (line,) = scene.findings["it talks"]["evidence"]
    assert "[hidden: " in line["output"]
    assert "it breaks" in line["output"]
    run = Path(scene.ended.data["run_dir"])
    assert [path for path in run.rglob("*") if path.is_file() and KEY in path.read_text(errors="replace")] == []


def test_the_report_says_first_what_was_shown_and_shows_what_was_printed(scene: Scene) -> None:
    (page,) = Path(scene.ended.data["run_dir"]).glob("reports/*.md")
    parts = {block.split("\n")[0]: block for block in page.read_text().split("### ")}
    fails = next(block for head, block in parts.items() if "it fails" in head)
    assert fails.split("\n")[2] == "- Seen by okstra: **shown**"
    assert "`sh bug.sh` exit 1 (verified: okstra saw exit 1, twice)" in fails
    assert "    - `it breaks`" in fails
    ends = next(block for head, block in parts.items() if "it never ends" in head)
    assert "**agreed on, not shown**" in ends
    (html,) = Path(scene.ended.data["run_dir"]).glob("reports/*.html")
    assert html.read_text().index("agreed on, not shown") > 0


def test_the_record_of_the_run_is_in_order(scene: Scene) -> None:
    scene.project.okstra.ok("check", "run", scene.ended.data["run_id"])


def _executed_once_the_checkouts_are_free(project: Project, run: str) -> Ended:
    """Another command uses them at first: that it waits is shown, not kept quiet."""
    with proofs.leased(HomePaths(str(project.home)), TaskKey.parse(project.task_key), wait=0.0):
        begun = project.okstra.start("check", "evidence", run, "--execute", "--json")
        assert begun.stderr is not None
        assert begun.stderr.readline() == "okstra: waits: another command uses this task's checkouts\n"
    stdout, stderr = begun.communicate(timeout=60)
    return Ended(begun.returncode, stdout, stderr)


def test_by_hand_every_command_is_run_anew_and_the_record_stays(scene: Scene) -> None:
    run = scene.ended.data["run_id"]
    recorded = scene.project.okstra("check", "evidence", run, "--json")
    record, count = scene.record(), Path(scene.project.repo.path.parent / "count")
    was = count.read_text()
    executed = _executed_once_the_checkouts_are_free(scene.project, run)
    assert recorded.status == executed.status == 4
    assert executed.codes == ["evidence-contradicted"]
    rows = {(row["worker"], row["finding"], row["evidence"]): row for row in executed.data["evidence"]}
    assert rows["rehearsal-b", "G-010", LIE]["status"] == "contradicted"
    assert rows["rehearsal-a", "F-002", CITED["it fails"]]["exits"] == [1, 1]
    assert "it breaks" in rows["rehearsal-a", "F-002", CITED["it fails"]]["output"]
    same = {name: (row["status"], row["told"]) for name, row in rows.items()}
    before = {(row["worker"], row["finding"], row["evidence"]): row for row in recorded.data["evidence"]}
    assert same == {name: (row["status"], row["told"]) for name, row in before.items()}
    assert count.read_text() == was * 2
    assert scene.record() == record
    scene.project.okstra.ok("check", "run", run)
