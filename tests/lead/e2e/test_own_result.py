"""What counts as a worker's answer is what that worker left, and nobody else's file in its place."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from support.clients_on_path import client
from support.live_runs import LiveRun
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import events_of, executed, finding, install, led, led_args, part, report_of, result
from support.voices import install_voices

RESULTS = '"$(dirname "$OKSTRA_DRAFT")"/../worker-results'
B = "rehearsal-b-worker-error-analysis-001.md"


def forged(place: str) -> dict[str, Any]:
    """A step in which a worker writes rehearsal-b's result, word for word as b would."""
    text = result(finding("high", "It breaks", "README.md:1")).replace("{{WORKER_ID}}", "rehearsal-b")
    return {"run": f"mkdir -p {RESULTS}\ncat >{place} <<'E'\n{text}E\n"}


OWN = {"result": result(finding("high", "It breaks", "README.md:1"))}


def row_of(ended: Ended, worker: str) -> dict[str, Any]:
    (row,) = [one for one in report_of(ended)["execution"] if one["worker"] == worker]
    return dict(row)


def dispatched(ended: Ended) -> list[str]:
    return [row["worker"] for row in events_of(ended) if row["event"] == "dispatched"]


def test_an_analyst_that_writes_the_others_result_speaks_for_itself_alone(project: Project) -> None:
    install(
        project,
        part(forged(f"{RESULTS}/{B}"), OWN, worker="rehearsal-a", round=""),
        part({"wait": 1}, {"say": "nothing to say"}, worker="rehearsal-b", round=""),
    )
    ended = led(project, "error-analysis")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    assert (row_of(ended, "rehearsal-b")["outcome"], row_of(ended, "rehearsal-b")["state"]) == (
        "invalid-result",
        "unavailable",
    )
    (found,) = report_of(ended)["findings"]
    assert [one["worker"] for one in found["raised_by"]] == ["rehearsal-a"]
    assert found["class"] == "single-source"
    assert report_of(ended)["gates"]["convergence"]["gate"] == "aborted-non-result"


def test_a_result_that_lies_there_before_its_worker_was_asked_is_no_answer(project: Project) -> None:
    """One at a time: b is asked when a has ended."""
    install(
        project,
        part(forged(f"{RESULTS}/{B}"), OWN, worker="rehearsal-a", round=""),
        part({"fault": "crash"}, worker="rehearsal-b", round=""),
        maxParallelWorkers=1,
    )
    ended = led(project, "error-analysis")
    assert ended.status == 1, ended
    assert row_of(ended, "rehearsal-b")["outcome"] == "error"
    assert [one["class"] for one in report_of(ended)["findings"]] == ["single-source"]
    again = project.okstra("resume", ended.data["run_id"], "--json")
    assert again.status == 1, again
    assert dispatched(ended).count("rehearsal-b") == 2, "the forged file was not taken for its answer"


def test_a_result_that_is_changed_while_the_run_goes_on_changes_no_finding_and_is_named(project: Project) -> None:
    wait = f"until [ -e {RESULTS}/{B} ]; do sleep 0.05; done"
    install(
        project,
        part({"run": wait}, forged(f"{RESULTS}/{B}"), {"result": result()}, worker="rehearsal-a", round=""),
        part({"result": result()}, worker="rehearsal-b", round=""),
    )
    ended = led(project, "error-analysis")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    assert report_of(ended)["findings"] == []
    record = report_of(ended)["gates"]["record"]
    assert record["gate"] == "failed"
    assert record["note"].startswith(f"result-changed {B}")


def test_nobody_is_told_where_another_leaves_its_result(project: Project, tmp_path: Path) -> None:
    """b writes down what it was told, when a has been asked too: nothing of it stands in a file that a may read."""
    told = f"""cd {tmp_path} && dirname "$OKSTRA_RESULT" >$OKSTRA_WORKER_ID
ls -ld "$(dirname "$OKSTRA_RESULT")" | cut -c 1-10 >$OKSTRA_WORKER_ID.mode
cp -r "$(dirname "$OKSTRA_DRAFT")/.." seen
"""
    install(
        project,
        part({"run": told}, {"result": result()}, role="analyst", round=""),
        maxParallelWorkers=1,
    )
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    drops = [(tmp_path / name).read_text().strip() for name in ("rehearsal-a", "rehearsal-b")]
    assert len(set(drops)) == 2
    assert {(tmp_path / f"{name}.mode").read_text().strip() for name in ("rehearsal-a", "rehearsal-b")} == {
        "drwx------"
    }
    names = [Path(drop).name.encode() for drop in drops]
    readable = [path for path in (tmp_path / "seen").rglob("*") if path.is_file() and "drops-" not in str(path)]
    assert any("prompts" in str(path) for path in readable)
    assert [path for path in readable if any(name in path.read_bytes() for name in names)] == []
    assert not Path(ended.data["run_dir"], "drops-001").exists(), "all was taken over"


def test_a_result_counts_on_by_its_digest_and_one_that_was_changed_is_asked_for_again(project: Project) -> None:
    install(
        project,
        part({"result": result(finding("low", "It is so"))}, worker="rehearsal-a", round=""),
        part({"fault": "crash"}, role="report-writer"),
    )
    ended = led(project, "error-analysis")
    assert ended.status == 1, ended
    folder = Path(ended.data["run_dir"]) / "worker-results"
    (row,) = [
        row
        for row in events_of(ended)
        if row["event"] == "ended" and row["worker"] == "rehearsal-b" and not row["label"]
    ]
    assert row["sha256"] == hashlib.sha256((folder / B).read_bytes()).hexdigest()
    first = dispatched(ended)
    assert project.okstra("resume", ended.data["run_id"], "--json").status == 1
    assert dispatched(ended)[len(first) :] == ["report-writer"]
    (folder / B).write_text((folder / B).read_text().replace("(none)\n", "(none)\n\n", 1))
    checked = project.okstra("check", "run", ended.data["run_id"], "--json")
    assert {(one["id"], Path(one["file"]).name) for one in checked.data["findings"]} == {
        ("result-changed", B),
        ("seal-differs", B),
    }
    assert project.okstra("resume", ended.data["run_id"], "--json").status == 1
    assert "rehearsal-b" in dispatched(ended)[len(first) + 1 :]
    assert "rehearsal-a" not in dispatched(ended)[len(first) + 1 :]


def test_a_report_that_somebody_changed_is_named(project: Project) -> None:
    ended = led(project, "error-analysis")
    path = next(Path(ended.data["run_dir"]).glob("reports/*.data.json"))
    assert project.okstra("check", "run", ended.data["run_id"], "--json").status == 0
    data = json.loads(path.read_text())
    data["verdict"]["direction"] = "Ship it."
    path.write_text(json.dumps(data))
    checked = project.okstra("check", "run", ended.data["run_id"], "--json")
    assert ("result-changed", str(path)) in {(one["id"], one["file"]) for one in checked.data["findings"]}


def test_a_wait_takes_a_forged_file_for_no_result(project: Project) -> None:
    hang = part(forged(f"{RESULTS}/{B}"), {"fault": "hang"}, worker="rehearsal-a", round="")
    install(project, hang, part({"fault": "hang"}, worker="rehearsal-b", round=""))
    live = LiveRun(project, "error-analysis", project.okstra.start(*led_args(project, "error-analysis")))
    live.wait_for_processes(2)
    forged_file = project.task_root / "runs" / "error-analysis" / "worker-results" / B
    while not forged_file.exists():
        assert live.process.poll() is None
    waited = project.okstra("wait", live.run, "--timeout", "0", "--json")
    assert waited.data["states"] == {"rehearsal-a": "missing", "rehearsal-b": "missing"}
    live.process.terminate()
    live.ended()


def in_session(project: Project, *more: str) -> tuple[Ended, Path]:
    """A run that a session of Claude Code leads, and the file that its agent leaves where results are filed."""
    folder = project.repo.path.parent / "clients"
    folder.mkdir()
    for name in ("claude", "codex"):  # which answer what okstra asks before it leads, and end without a word
        client(folder, name)
    project.okstra.environment["PATH"] = f"{folder}{os.pathsep}{project.okstra.environment['PATH']}"
    run = project.run_phase("error-analysis", "--workers", "claude,codex", *more)
    text = OWN["result"]
    facts = {"TASK_KEY": project.task_key, "PHASE": "error-analysis", "WORKER_ID": "claude", "COMMIT": "c" * 40}
    for name, value in facts.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    path = Path(run.data["run_dir"]) / "worker-results" / "claude-worker-error-analysis-001.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace("provider: rehearsal", "provider: claude"))
    return run, path


def test_what_an_agent_of_the_leading_session_filed_is_taken_over_by_the_resume(project: Project) -> None:
    run, path = in_session(project)
    (prompt,) = Path(run.data["run_dir"]).glob("prompts/claude-prompt-*.md")
    assert f"**Filed as:** `{path}`" in prompt.read_text()
    waited = project.okstra("wait", run.data["run_id"], "--timeout", "0", "--json")
    assert waited.data["states"] == {"claude": "valid", "codex": "missing"}
    ended = project.okstra("resume", run.data["run_id"], "--json")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    (taken,) = [row for row in events_of(run) if row["event"] == "taken"]
    assert (taken["worker"], taken["sha256"]) == ("claude", hashlib.sha256(path.read_bytes()).hexdigest())
    assert dispatched(run) == ["codex", "report-writer"]


def test_what_appears_there_once_okstra_leads_is_nobodys(project: Project) -> None:
    run, path = in_session(project)
    text = path.read_text()
    path.unlink()
    for times in (1, 2):
        ended = project.okstra("resume", run.data["run_id"], "--json")
        assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
        assert dispatched(run).count("claude") == times
        path.write_text(text)
    assert [row for row in events_of(run) if row["event"] == "taken"] == []


ODD = {
    "a FIFO": 'mkfifo "$1"',
    "a folder": 'mkdir "$1" && touch "$1/x"',
    "300 MB": 'truncate -s 300M "$1"',
    "a link to itself": 'ln -s "$1" "$1"',
    "a link elsewhere": 'cp "$0" "$1.real" && ln -s "$1.real" "$1"',
    "an endless device": 'ln -s /dev/zero "$1"',
    "a socket": "python3 -c 'import socket, sys, os; os.chdir(os.path.dirname(sys.argv[1])); "
    'socket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))\' "$1"',
}


def odd(kind: str, place: str) -> dict[str, Any]:
    script = ODD[kind].replace('"$0"', '"$(pwd)/README.md"')
    return {"run": f'set -- {place}; mkdir -p "$(dirname "$1")"; rm -rf "$1"; {script}'}


@pytest.mark.parametrize("kind", ODD)
def test_whatever_a_worker_leaves_for_a_result_the_run_names_it_and_goes_on(project: Project, kind: str) -> None:
    install(
        project,
        part(odd(kind, '"$OKSTRA_RESULT"'), worker="rehearsal-b", round=""),
        part({"result": result(finding("low", "It is so"))}, worker="rehearsal-a", round=""),
    )
    ended = led(project, "error-analysis")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    row = row_of(ended, "rehearsal-b")
    assert (row["outcome"], row["state"]) == ("invalid-result", "unreadable")
    errors = (Path(ended.data["run_dir"]) / "logs" / "errors-001.jsonl").read_text()
    assert "it was left at " in errors
    install(project)
    resumed = project.okstra("resume", ended.data["run_id"], "--json")
    assert resumed.status == 0, resumed
    assert stat.S_ISREG((Path(ended.data["run_dir"]) / "worker-results" / B).lstat().st_mode)


WROTE = part(
    {"run": "mkdir -p stage-1 && echo x >stage-1/it.py && git add -A && git commit -q -m work"},
    {"result": executed(1, 2)},
    role="executor",
)
PASSES = part({"result": result(verdict="pass")}, role="verifier")
A_FOLDER = odd("a folder", '"$OKSTRA_RESULT"')


@pytest.mark.parametrize(
    ("phase", "before", "broken"),
    [
        (
            "error-analysis",
            [part(OWN, worker="rehearsal-a", round="")],
            part(A_FOLDER, worker="rehearsal-b", round="1"),
        ),
        ("error-analysis", [], part(A_FOLDER, role="report-writer")),
        ("implementation-planning", [], part(A_FOLDER, worker="rehearsal-b", round="plan")),
        ("implementation", [], part(A_FOLDER, role="executor")),
        ("implementation", [WROTE], part(A_FOLDER, worker="rehearsal-b-verifier")),
        ("implementation", [WROTE, PASSES], part(A_FOLDER, role="report-writer")),
    ],
    ids=["verdicts", "report", "verdicts on a plan", "work", "verification", "report of a stage"],
)
def test_whatever_stands_for_any_answer_of_a_run_the_run_ends_and_goes_on(
    project: Project, phase: str, before: list[dict[str, Any]], broken: dict[str, Any]
) -> None:
    if phase == "implementation":
        project.adopt(independent(1))
    install(project, *before, broken)
    ended = led(project, phase)
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    install(project, WROTE, PASSES)
    resumed = project.okstra("resume", ended.data["run_id"], "--json")
    assert resumed.status == 0, resumed


@pytest.mark.parametrize("place", [f"{RESULTS}/{B}", f"{RESULTS}/../logs/rehearsal-b-001.log"], ids=["result", "log"])
@pytest.mark.parametrize("kind", ["a FIFO", "a folder", "a link to itself"])
def test_what_one_worker_puts_in_the_way_of_another_stops_nothing(project: Project, kind: str, place: str) -> None:
    install(project, part(odd(kind, place), OWN, worker="rehearsal-a", round=""), maxParallelWorkers=1)
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    assert row_of(ended, "rehearsal-b")["outcome"] == "completed"


@pytest.mark.parametrize("name", ["md", "html", "data.json"])
def test_a_folder_where_the_report_belongs_is_set_aside(project: Project, name: str) -> None:
    place = f"{RESULTS}/../reports/final-report-error-analysis-001.{name}"
    install(project, part(odd("a folder", place), {"result": result()}, worker="rehearsal-a", round=""))
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    reports = Path(ended.data["run_dir"]) / "reports"
    assert (reports / f"final-report-error-analysis-001.{name}").is_file()
    assert (reports / f"final-report-error-analysis-001.{name}.attempt-1").is_dir()


def test_the_log_of_a_worker_that_was_replaced_by_a_pipe_does_not_stop_the_run(project: Project) -> None:
    own_log = odd("a FIFO", f'{RESULTS}/../logs/"$OKSTRA_WORKER_ID"-001.log')
    install(project, part(own_log, {"result": result()}, worker="rehearsal-b", round=""))
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended


@pytest.mark.stress
def test_a_worker_that_prints_more_than_okstra_reads_of_a_file_stops_no_run(project: Project) -> None:
    install_voices(project, ("alpha", "beta"))
    path = project.home / "config.json"
    config = json.loads(path.read_text())
    client = config["providers"]["beta"]["argv"][1]
    loud = {"family": "beta", "argv": ["sh", "-c", f"head -c 70000000 /dev/zero | tr '\\0' 'x'; exec sh '{client}'"]}
    path.write_text(json.dumps({"providers": {**config["providers"], "beta": loud}}))
    ended = led(project, "error-analysis", "--workers", "alpha,beta")
    assert ended.status == 0, ended
    assert row_of(ended, "beta")["outcome"] == "completed"
