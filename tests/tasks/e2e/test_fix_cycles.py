"""A finished task is opened again on a person's word only, and its runs until it is accepted are one fix cycle."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from support.led_phases import led_phase
from support.okstra import Ended, Project
from support.rehearsal import led
from support.sealed import ROOT


@pytest.fixture
def finished(project: Project) -> Project:
    """A project whose task was accepted."""
    ended = led_phase(project, "final-verification")
    assert ended.data["token"] == "accepted", ended
    return project


def _rows(project: Project) -> list[tuple[str, str, str]]:
    path = project.task_root / "history" / "fix-cycles.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(row["id"], row["event"], row["run_id"].removeprefix(f"{project.task_key}/")) for row in rows]


def _events(project: Project) -> list[tuple[str, str]]:
    path = project.task_root / "history" / "timeline.jsonl"
    return [(row["event"], row["note"]) for row in map(json.loads, path.read_text().splitlines())]


def test_a_finished_task_is_not_worked_on_by_accident(finished: Project) -> None:
    for more in ((), ("--dry-run",)):
        refused = finished.run_phase("error-analysis", *more)
        assert (refused.status, refused.codes) == (3, ["task-finished"]), refused
        assert "--fix-cycle yes" in refused.stderr
        assert "--fix-cycle no" in refused.stderr
    assert not (finished.task_root / "runs" / "error-analysis").exists()
    assert finished.run_phase("final-verification").status == 0
    assert finished.run_phase("release-handoff").codes == ["nothing-chosen"]  # not that the task is finished


def test_a_cycle_from_its_opening_to_its_end(finished: Project) -> None:
    opened = finished.run_phase("error-analysis", "--fix-cycle", "yes")
    assert (opened.status, opened.data["warnings"]) == (0, []), opened
    assert finished.run_phase("implementation-planning").status == 0
    assert finished.run_phase("error-analysis", "--fix-cycle", "no").status == 0
    shown = finished.okstra.ok("show", opened.data["run_id"], "--json")
    assert (shown.data["fix_cycle"]["id"], shown.data["fix_cycle"]["closed_by"]) == ("fc-001", "")
    assert "fc-001 (open)" in finished.okstra.ok("show", opened.data["run_id"]).stdout
    accepted = led(finished, "final-verification")
    assert accepted.status == 0, accepted
    assert _rows(finished) == [
        ("fc-001", "opened", "error-analysis/001"),
        ("fc-001", "run", "error-analysis/001"),
        ("fc-001", "run", "implementation-planning/001"),
        ("fc-001", "run", "final-verification/002"),
        ("fc-001", "closed", "final-verification/002"),
    ]
    assert [event for event in _events(finished) if event[0].startswith("fix-")] == [
        ("fix-cycle-opened", "fc-001"),
        ("fix-cycle-closed", "fc-001"),
    ]
    page = (finished.task_root / "task-index.md").read_text()
    assert "| fc-001 |" in page
    assert f"- finished by `{accepted.data['run_id']}`" in page
    assert finished.run_phase("error-analysis").codes == ["task-finished"]


def test_going_on_without_a_cycle_is_asked_once(finished: Project) -> None:
    assert finished.run_phase("error-analysis", "--fix-cycle", "no").status == 0
    assert finished.run_phase("implementation-planning").status == 0
    assert _rows(finished) == []


def test_a_rerun_takes_the_word_as_well(finished: Project) -> None:
    earlier = finished.run_phase("error-analysis", "--fix-cycle", "no")
    assert led(finished, "final-verification").status == 0
    again = finished.okstra("rerun", earlier.data["run_id"], "--render-only", "--fix-cycle", "yes", "--json")
    assert again.status == 0, again
    assert _rows(finished)[-1] == ("fc-001", "run", "error-analysis/002")


def test_there_is_nothing_to_open_in_a_task_that_goes_on(project: Project) -> None:
    prepared = project.run_phase("error-analysis", "--fix-cycle", "yes")
    assert prepared.status == 0
    assert any("not finished" in warning for warning in prepared.data["warnings"])
    assert _rows(project) == []


def test_a_conditional_acceptance_finishes_nothing(project: Project) -> None:
    ended = led(project, "final-verification")
    assert ended.data["token"] != "accepted", ended
    assert project.run_phase("error-analysis").status == 0


def test_torn_and_foreign_rows_are_passed_over(finished: Project) -> None:
    path = finished.task_root / "history" / "fix-cycles.jsonl"
    path.write_bytes(b'[]\n{"v": 1, "id": 3}\n\xff\xfe\n{"v": 1, "id": "fc-007", "event": "opened", "run_id": "x"')
    opened = finished.run_phase("error-analysis", "--fix-cycle", "yes")
    assert opened.data["warnings"] == []
    last = [json.loads(line) for line in path.read_bytes().splitlines()[3:]]
    assert [(row["id"], row["event"]) for row in last] == [("fc-001", "opened"), ("fc-001", "run")]
    assert b"fc-007" in path.with_name("fix-cycles.jsonl.torn").read_bytes()


def test_cycles_that_can_not_be_read_are_told(finished: Project) -> None:
    """Where they decide, the run is refused; where the run stands already, it is a warning."""
    path = finished.task_root / "history" / "fix-cycles.jsonl"
    path.mkdir()
    assert finished.run_phase("error-analysis").status == 65
    prepared = finished.run_phase("error-analysis", "--fix-cycle", "no")
    assert prepared.status == 0
    assert str(path) in " ".join(prepared.data["warnings"])


def _at_a_terminal(project: Project, answer: str) -> Ended:
    """`okstra run` with a terminal as its stdin, where a person types."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        done = subprocess.run(
            [ROOT / "bin" / "okstra", *("run", "--task-key", project.task_key, "--task-type", "error-analysis")],
            cwd=project.repo.path,
            env=project.okstra.environment,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("answer", ["y\n", "\n"])
def test_a_person_at_a_terminal_is_asked(finished: Project, answer: str) -> None:
    ended = _at_a_terminal(finished, answer + "n\n")  # and then says no to the run itself
    assert "open it again, as a fix cycle?" in ended.stderr, ended
    assert (ended.status, "prepare error-analysis" in ended.stderr) == (3, True)
    assert _rows(finished) == []
    assert not Path(finished.task_root, "runs", "error-analysis").exists()
