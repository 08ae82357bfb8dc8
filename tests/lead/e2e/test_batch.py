"""`okstra batch`: several runs side by side, each reported at its end, and nothing started when a line is wrong."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from support.faults import eventually
from support.okstra import Project
from support.plans import independent
from support.rehearsal import install, part, result

EVENTS = "t-*/runs/*/state/events-*.jsonl"
REHEARSED = "--provider rehearsal --lead auto"
NEW = "--task-type error-analysis --task-group core --task-id T-{} --task-brief {}"


@pytest.fixture
def brief(project: Project) -> Path:
    path = project.repo.path.parent / "brief.md"
    path.write_text("# It breaks\n")
    return path


def listed(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "runs.txt"
    path.write_text("\n".join(lines))
    return path


def test_each_line_is_a_run_of_its_own(project: Project, brief: Path, tmp_path: Path) -> None:
    install(project)
    runs = listed(tmp_path, "# two tasks", NEW.format(1, brief), "", f"okstra run {NEW.format(2, brief)}  # the other")
    ended = project.okstra("batch", runs, "--jobs", "2", "--with", REHEARSED, "--json")
    assert ended.status == 0, ended
    assert [(one["line"], one["run_id"], one["ok"]) for one in ended.data["runs"]] == [
        (2, "demo:core:T-1/error-analysis/001", True),
        (4, "demo:core:T-2/error-analysis/001", True),
    ]
    assert {row["status"] for row in project.okstra.ok("list", "--json").data["runs"]} == {"completed"}
    assert "2 of 2" in ended.stderr


def test_one_that_fails_stops_no_other(project: Project, brief: Path, tmp_path: Path) -> None:
    install(project)
    runs = listed(tmp_path, "--task-key demo:core:T-9 --task-type implementation", NEW.format(1, brief))
    ended = project.okstra("batch", runs, "--with", REHEARSED, "--json")
    assert (ended.status, ended.codes) == (1, ["batch-failed"])
    assert [one["ok"] for one in ended.data["runs"]] == [False, True]


def test_every_wrong_line_is_told_and_nothing_is_started(project: Project, brief: Path, tmp_path: Path) -> None:
    runs = listed(tmp_path, NEW.format(1, brief), "--no-such-flag", "--task-key demo:core:T-3", "'open")
    ended = project.okstra("batch", runs, "--json")
    assert (ended.status, ended.codes) == (2, ["usage"])
    assert "line 4" in ended.envelope["errors"][0]["message"]
    runs.write_text(runs.read_text().replace("'open", "--task-type error-analysis --all-ready"))
    ended = project.okstra("batch", runs, "--json")
    assert all(f"line {number}" in ended.envelope["errors"][0]["message"] for number in (2, 3, 4)), ended
    assert project.okstra.ok("list", "--json").data["runs"] == []


@pytest.mark.parametrize(
    ("args", "code", "where", "hint"),
    [
        ((), "input-missing", "", "okstra work --runs FILE; or --task-key KEY …, or --ready-stages KEY"),
        (("missing.txt",), "not-found", "missing.txt", ""),
        (("--task-key", "demo:core:T-1", "--jobs", "0"), "usage", "", ""),
    ],
)
def test_nothing_to_start_is_an_error(
    project: Project, args: tuple[str, ...], code: str, where: str, hint: str
) -> None:
    ended = project.okstra("batch", *args, "--json")
    assert (ended.status, ended.codes) == (2, [code]), ended
    (error,) = ended.envelope["errors"]
    assert (error["where"], error["try"]) == (where, hint), error


def test_all_ready_stages_of_a_plan(project: Project) -> None:
    project.adopt(independent(3))
    dry = project.okstra.ok("batch", "--ready-stages", project.task_key, "--dry-run").stdout
    assert [line.split("--stage ")[1][0] for line in dry.splitlines()] == ["1", "2", "3"]
    ended = project.okstra("batch", "--ready-stages", project.task_key, "--with=--render-only", "--json")
    assert ended.status == 0, ended
    assert [one["said"] for one in ended.data["runs"]] == ["prepared"] * 3
    assert sorted(row["stage"] for row in project.ledger) == [1, 2, 3]
    again = project.okstra("batch", "--ready-stages", project.task_key, "--json")
    assert (again.status, again.codes) == (3, ["no-stage-ready"])


def test_stopped_it_leaves_runs_that_can_be_resumed(project: Project, brief: Path, tmp_path: Path) -> None:
    install(project, part({"fault": "hang"}, worker="rehearsal-a"))
    runs = listed(tmp_path, *(NEW.format(number, brief) for number in (1, 2, 3)))
    process = project.okstra.start("batch", runs, "--jobs", "2", "--with", REHEARSED, "--json")
    begun = project.task_root.parent
    eventually(lambda: sum('"dispatched"' in path.read_text() for path in begun.glob(EVENTS)) == 2, 30)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    install(project, part({"result": result()}, worker="rehearsal-a"))
    rows = project.okstra.ok("list", "--json").data["runs"]
    assert {row["status"] for row in rows} == {"interrupted"}
    assert len(rows) == 2
    for row in rows:
        project.okstra.ok("resume", row["run_id"])
