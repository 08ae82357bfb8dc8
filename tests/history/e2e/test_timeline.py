"""What was: a task's history, how long runs took, and opening their reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.faults import Scene, eventually
from support.okstra import Okstra, Project
from support.rehearsal import install, led, part
from support.repos import Repo
from support.sealed import ROOT, sealed_environment
from support.terminal import Terminal

_OKSTRA = str(ROOT / "bin" / "okstra")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A completed run, a stage done, a stage given back, a failed run."""
    folder = tmp_path_factory.mktemp("lived") / "scene"
    (folder / "home").mkdir(parents=True)
    project = _project(folder)
    Repo.init(folder / "project", project.repo.environment)
    project.okstra.ok("setup", "--project-id", "demo", "--yes")
    assert led(project, "error-analysis").status == 0
    project.adopt({1: (), 2: ()})
    first, second = project.run_stage(), project.run_stage()
    assert project.finish(first).status == 0
    project.okstra.ok("stage", "release", "--run", second.data["run_id"], "--note", "later")
    install(project, part({"fault": "garbage"}, role="analyst"))
    assert led(project, "improvement-discovery").status == 1
    kept = Scene(folder)
    kept.keep()
    return kept


@pytest.fixture
def task(scene: Scene) -> Project:
    """That task, as it was."""
    scene.restore()
    return _project(scene.folder)


def _project(folder: Path) -> Project:
    environment = sealed_environment(folder / "home")
    repo = Repo(folder / "project", environment)
    return Project(repo, Okstra(environment, repo.path))


def test_history_tells_runs_and_what_came_of_them_in_order(task: Project) -> None:
    told = task.okstra.ok("history", "--task-key", task.task_key, "--json").data
    assert [(run["task_type"], run["stage"], run["outcome"]) for run in told["runs"]] == [
        ("error-analysis", None, "completed"),
        ("implementation", 1, "completed"),
        ("implementation", 2, "released"),
        ("improvement-discovery", None, "failed"),
    ]
    assert [event["event"] for event in told["events"]] == [
        *("prepared", "completed", "prepared", "prepared", "done", "released", "prepared", "failed"),
    ]
    assert [event["at"] for event in told["events"]] == sorted(event["at"] for event in told["events"])
    assert all(run["seconds"] is not None for run in told["runs"])
    text = task.okstra.ok("history", "--task-key", task.task_key).stdout
    assert "implementation/stage-2/001" in text
    assert "failed" in task.okstra.ok("history", "--task-key", task.task_key, "--runs").stdout


def test_history_is_found_from_anywhere_and_names_damaged_lines(task: Project, tmp_path: Path) -> None:
    timeline = task.task_root / "history" / "timeline.jsonl"
    timeline.write_text("{\n" + timeline.read_text())
    told = task.okstra.ok("history", "--task-key", task.task_key, "--json", cwd=tmp_path).data
    assert (len(told["runs"]), told["damaged_lines"]) == (4, [1])


def test_history_tells_fix_cycles(project: Project) -> None:
    assert project.run_phase("final-verification").status == 0
    manifest = project.task_root / "task-manifest.json"
    finished = {**json.loads(manifest.read_text()), "finished_by": f"{project.task_key}/final-verification/001"}
    manifest.write_text(json.dumps(finished))
    again = project.run_phase("error-analysis", "--fix-cycle", "yes")
    assert again.status == 0, again
    told = project.okstra.ok("history", "--task-key", project.task_key, "--json").data
    (cycle,) = told["fix_cycles"]
    assert [run["fix_cycle"] for run in told["runs"]] == ["", cycle["id"]]
    assert cycle["id"] in project.okstra.ok("history", "--task-key", project.task_key).stdout


def test_a_task_that_is_not_there_has_no_history(task: Project) -> None:
    assert task.okstra("history", "--task-key", "demo:core:none", "--json").codes == ["task-unknown"]
    assert task.okstra("open", "demo:core:none", "--json").codes == ["task-unknown"]
    assert task.okstra("open", f"{task.task_key}/error-analysis/777", "--json").codes == ["not-found"]


@pytest.mark.parametrize(("by", "names"), [("project", ["demo"]), ("task", [Project.task_key])])
def test_time_is_summed_up(task: Project, by: str, names: list[str]) -> None:
    told = task.okstra.ok("time-summary", "--by", by, "--json").data
    assert [one["name"] for one in told["sums"]] == names
    assert (told["total"]["runs"], told["total"]["counted"]) == (4, 4)
    assert told["total"]["from_prepared"] == 2  # a person's stages: nobody recorded a start
    assert told["total"]["unknown"] == 0


def test_time_by_phase_by_day_and_since(task: Project) -> None:
    by_phase = {one["name"]: one["runs"] for one in task.okstra.ok("time-summary", "--json").data["sums"]}
    assert by_phase == {"error-analysis": 1, "implementation": 2, "improvement-discovery": 1}
    days = task.okstra.ok("time-summary", "--by", "day", "--since", "2d", "--json").data
    assert sum(one["runs"] for one in days["sums"]) == 4
    assert task.okstra.ok("time-summary", "--since", "2999-01-01").stdout == "no runs\n"
    assert "nobody recorded their start" in task.okstra.ok("time-summary").stderr


def test_open_prints_the_newest_report_and_else_the_folder(task: Project) -> None:
    report = task.task_root / "runs" / "error-analysis" / "reports" / "final-report-error-analysis-001.html"
    run = f"{task.task_key}/error-analysis/001"
    assert task.okstra.ok("open", run).stdout == f"{report}\n"
    stage = task.okstra.ok("open", f"{task.task_key}/implementation/stage-1/001", "--json").data
    assert stage["kind"] == "run-folder"
    assert stage["path"] == str(task.task_root / "runs" / "implementation" / "stage-1")
    assert task.okstra.ok("open", task.task_key, "--json").data["kind"] == "report"
    report.unlink()
    rest = task.okstra.ok("open", run, "--print").stdout.strip()
    assert rest == str(report.parent.parent)


def test_open_opens_at_a_terminal(task: Project, tmp_path: Path) -> None:
    seen, browser = tmp_path / "seen", tmp_path / "my browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{seen}"\n')
    browser.chmod(0o755)
    environment = {**task.okstra.environment, "BROWSER": f"'{browser}' --at=%s", "TERM": "xterm"}
    run = f"{task.task_key}/error-analysis/001"
    assert Terminal([_OKSTRA, "open", run], task.repo.path, environment).end() == 0
    eventually(lambda: seen.read_text().endswith("final-report-error-analysis-001.html\n"))
    assert seen.read_text().startswith("--at=/")
    seen.unlink()
    assert Terminal([_OKSTRA, "open", run, "--print"], task.repo.path, environment).end() == 0
    assert not seen.exists()


def test_a_listing_at_a_terminal_has_colours_and_its_width(task: Project) -> None:
    environment = {**task.okstra.environment, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    environment.pop("COLUMNS", None)
    shown = _at_terminal(task, environment, "list", columns=56)
    assert "\x1b[31mfailed" in shown
    assert "…" not in shown and f"{task.task_key}/improvement-discovery/001" in shown, "it is whole at any width"
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        for command in ("list", "status"):
            assert "\x1b[" not in _at_terminal(task, {**environment, **plain}, command)
    newest_first = _at_terminal(task, {**environment, "TERM": "dumb"}, "list")
    piped_last = task.okstra.ok("list").stdout.split("\n")[-2].split()[0]
    assert piped_last in newest_first.split("\n")[1], "at a terminal the newest stands first"
    status = _at_terminal(task, environment, "status", columns=56)
    as_a_shell_reads = " ".join(status.replace("\\\r\n", " ").split())
    assert f"okstra resume {task.task_key}/improvement-discovery/001" in as_a_shell_reads
    piped = task.okstra.ok("list", COLUMNS="40", TERM="xterm").stdout
    assert "\x1b[" not in piped
    assert f"{task.task_key}/improvement-discovery/001" in piped


def _at_terminal(task: Project, environment: dict[str, str], command: str, *, columns: int = 80) -> str:
    terminal = Terminal([_OKSTRA, command], task.repo.path, environment, columns=columns)
    assert terminal.end() == 0
    return terminal.all_written
