"""A run has one status and one next step, whoever is asked: list, show, status, stage list, worktree list, board."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from okstra_ctl.status import BAD, tone_of
from support.live_runs import LiveRun
from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, install, led, part

_HANG = part({"fault": "hang"}, role="executor")
_HANG_ANALYST = part({"fault": "hang"}, role="analyst")
_FAILS = part({"fault": "crash"}, role=["executor", "analyst"])
_BUILDS = part(
    {"write": {"path": "stage-1/it.py", "content": "# 1\n"}},
    {"commit": "feat: it"},
    {"result": executed(1, 2)},
    role="executor",
)


def _prepared(project: Project) -> str:
    return str(project.run_stage().data["run_id"])


def _failed(project: Project) -> str:
    install(project, _FAILS)
    ended = led(project, "implementation")
    assert ended.status == 1, ended
    return str(ended.data["run_id"])


def _left(number: signal.Signals, task_type: str) -> Callable[[Project], str]:
    def play(project: Project) -> str:
        install(project, _HANG, _HANG_ANALYST)
        live = LiveRun.start(project, task_type)
        live.wait_for_processes(1)
        os.kill(live.process.pid, number)
        live.ended()
        return live.run

    return play


def _done(project: Project) -> str:
    install(project, _BUILDS)
    ended = led(project, "implementation")
    assert ended.status == 0, ended
    return str(ended.data["run_id"])


def _prepared_again_after_it_failed(project: Project) -> str:
    return str(project.okstra.ok("rerun", _failed(project), "--render-only", "--json").data["run_id"])


def _analysis_prepared(project: Project) -> str:
    return str(project.run_phase("error-analysis").data["run_id"])


def _analysis_failed(project: Project) -> str:
    install(project, _FAILS)
    ended = led(project, "error-analysis")
    assert ended.status == 1, ended
    return str(ended.data["run_id"])


def _analysis_done(project: Project) -> str:
    return str(led(project, "error-analysis").data["run_id"])


_STAGE = "okstra stage done --run {run}"
_TABLE: dict[str, tuple[Callable[[Project], str], str, str]] = {
    "a stage, prepared": (_prepared, "reserved", _STAGE),
    "a stage, failed": (_failed, "failed", "okstra resume {run}"),
    "a stage, stopped": (_left(signal.SIGINT, "implementation"), "interrupted", "okstra resume {run}"),
    "a stage, killed": (_left(signal.SIGKILL, "implementation"), "interrupted", "okstra resume {run}"),
    "a stage, done": (_done, "completed", ""),
    "a stage, prepared anew": (_prepared_again_after_it_failed, "reserved", _STAGE),
    "a phase, prepared": (_analysis_prepared, "prepared", "okstra resume {run}"),
    "a phase, failed": (_analysis_failed, "failed", "okstra resume {run}"),
    "a phase, stopped": (_left(signal.SIGINT, "error-analysis"), "interrupted", "okstra resume {run}"),
    "a phase, killed": (_left(signal.SIGKILL, "error-analysis"), "interrupted", "okstra resume {run}"),
    "a phase, done": (_analysis_done, "completed", ""),
}


def told(project: Project, run: str) -> dict[str, tuple[str, str]]:
    """What each command says of the run: its status, and what is next."""
    ok = project.okstra.ok

    def of(rows: list[dict[str, Any]]) -> tuple[str, str] | None:
        return next(((row["status"], row["next"]) for row in rows if row["run_id"] == run), None)

    shown = ok("show", run, "--json").data
    board = ok("board", "--json").data
    found: dict[str, tuple[str, str] | None] = {
        "list": of(ok("list", "--json").data["runs"]),
        "show": (shown["status"], shown["next"]),
        "status": of(ok("status", "--json").data["runs"]),
        "board": of([one for project_ in board["projects"] for task in project_["tasks"] for one in task["runs"]]),
    }
    plan = next(iter(project.task_root.glob("runs/implementation-planning/reports/*.md")), None)
    if plan is not None and "/stage-" in run:
        row = of(ok("stage", "list", "--plan", str(plan), "--json").data["stages"])
        if row is not None:  # the run holds its stage
            found["stage list"] = ("completed" if row[0] == "done" else row[0], row[1])
            (worktree,) = [one for one in ok("worktree", "list", "--json").data["worktrees"] if one["run_id"] == run]
            found["worktree list"] = ("completed" if worktree["status"] == "done" else worktree["status"], row[1])
    return {name: one for name, one in found.items() if one is not None}


@pytest.mark.parametrize("name", _TABLE)
def test_all_commands_say_the_same(project: Project, name: str) -> None:
    play, status, step = _TABLE[name]
    project.adopt(independent(1))
    run = play(project)
    found = told(project, run)
    assert found == dict.fromkeys(found, (status, step.format(run=run)))
    assert {"list", "show"} <= found.keys()
    assert ("stage list" in found) == name.startswith("a stage")
    assert ("status" in found, "board" in found) == (status != "completed", status != "completed")


@pytest.mark.parametrize("play", [_failed, _left(signal.SIGINT, "implementation")], ids=["failed", "stopped"])
def test_a_run_that_a_later_one_took_the_stage_from_is_nobodys_work(
    project: Project, play: Callable[[Project], str]
) -> None:
    project.adopt(independent(1))
    first = play(project)
    second = project.okstra.ok("rerun", first, "--render-only", "--json")
    for is_done in (False, True):
        if is_done:
            assert project.finish(second).status == 0
        found = told(project, first)
        assert {name: step for name, (_, step) in found.items()} == {"list": "", "show": ""}, found
        refused = project.okstra("resume", first, "--json")
        assert (refused.status, refused.codes) == (3, ["stage-not-held"]), refused
        assert second.data["run_id"] in refused.envelope["errors"][0]["try"]


def test_a_run_that_goes_on_is_running_everywhere(project: Project) -> None:
    project.adopt(independent(1))
    install(project, _HANG)
    live = LiveRun.start(project, "implementation")
    live.wait_for_processes(1)
    try:
        found = told(project, live.run)
        assert found == dict.fromkeys(found, ("running", f"okstra wait {live.run}"))
        assert set(found) == {"list", "show", "status", "board", "stage list", "worktree list"}
    finally:
        os.kill(live.process.pid, signal.SIGINT)
        live.ended()


def test_a_resumed_run_is_no_longer_what_it_had_ended_as(project: Project) -> None:
    project.adopt(independent(1))
    run = _failed(project)
    install(project, _BUILDS)
    assert project.okstra("resume", run, "--json").status == 0
    found = told(project, run)
    assert found == dict.fromkeys(found, ("completed", ""))


def test_a_stage_whose_run_failed_is_not_given_out(project: Project) -> None:
    project.adopt(independent(1))
    run = _failed(project)
    refused = project.run_stage("1")
    assert (refused.status, refused.codes) == (3, ["stage-failed"]), refused
    assert f"okstra resume {run}" in refused.envelope["errors"][0]["try"]


def test_show_ends_with_status_reason_and_next(project: Project) -> None:
    project.adopt(independent(1))
    run = _failed(project)
    lines = project.okstra.ok("show", run).stdout.splitlines()[-3:]
    assert [line.split()[0] for line in lines] == ["status", "reason", "next"]
    assert lines[0].split()[1] == "failed"
    assert "execution failed" in lines[1]
    assert lines[2].endswith(f"okstra resume {run}")


def test_a_led_run_answers_what_is_next_after_it(project: Project) -> None:
    data = led(project, "error-analysis").data
    assert data["outcome"] == "completed" and data["next"] == [data["next_step"]]


def test_a_run_that_fails_says_why_at_once(project: Project) -> None:
    project.adopt(independent(1))
    install(project, part({"result": executed(1, 2)}, role="executor"))  # and commits nothing
    ended = led(project, "implementation")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    assert "execution failed (there is no commit beyond the stage's base)" in ended.envelope["errors"][0]["message"]


def test_a_run_that_was_stopped_says_so(project: Project) -> None:
    run = _left(signal.SIGINT, "error-analysis")(project)
    assert "was stopped" in project.okstra.ok("show", run, "--json").data["reason"]


def test_stage_done_and_integrate_say_what_is_next(project: Project) -> None:
    project.adopt(independent(2))
    first, second = project.run_stage(), project.run_stage()
    assert f"okstra stage done --run {second.data['run_id']}" in project.finish(first).data["next"]
    key = project.task_key
    done = project.finish(second)
    assert done.data["next"] == f"okstra integrate --task-key {key}"
    assert project.okstra.ok("show", second.data["run_id"], "--json").data["task_next"] == done.data["next"]
    merged = project.okstra.ok("integrate", "--task-key", key)
    assert merged.stdout.splitlines()[-1].endswith(f"okstra next {key.rpartition(':')[2]}")


@pytest.mark.parametrize("status", ["failed", "contract-violated"])
def test_what_went_wrong_is_red(status: str) -> None:
    assert tone_of(status) == BAD


def test_a_failed_run_and_its_stage_are_red_on_the_page(project: Project) -> None:
    project.adopt(independent(1))
    _failed(project)
    page = project.repo.path.parent / "board.html"
    project.okstra.ok("board", "--html", str(page))
    badges = [part.split(">")[0] for part in page.read_text().split("<span ") if ">failed<" in part[:200]]
    assert badges
    assert all("bad" in badge for badge in badges), badges
