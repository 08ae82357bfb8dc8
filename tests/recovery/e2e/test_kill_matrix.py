"""Commands killed, starved of space or of their git in the middle: the next command puts it right.

The points are found by running each command once under a preload that numbers every change to the file
system, of okstra's and of git's processes alike. The ordinary run strikes at a sample of them. The long form
(`-m stress`) kills at each, and strikes with the other faults at points spread over all; `OKSTRA_KILL_ALL=1`
has it strike with every fault at each. One row of it: `make stress PYTEST_ARGS='-k "every_point and gc-group"'`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from support import crash_stages, crash_worktrees, invariants, kill_matrix
from support.crash import FAULTS, STAGE, Play, points_for, strike_each, strike_twice, took
from support.faults import Preload, sample, seeded

ROWS = {**crash_stages.ROWS, **crash_worktrees.ROWS}
KILLED_EVERYWHERE = "group"
SPREAD = 16  # points of a fault that does not strike everywhere
TWICE = (5, 10)  # points of the command, and of each repair


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path, Preload.build(tmp_path))


@pytest.mark.parametrize(
    ("command", "fault", "count"),
    [
        *(("first run", "group", 2), ("first run", "full", 2), ("later run", "git", 2), ("later run", "torn", 2)),
        *(("recovery", "group", 2), ("stage done", "group", 2), ("stage release", "leader", 2)),
        *(("worktree remove", "group", 2), ("task worktree remove", "enospc", 2), ("proven task remove", "group", 1)),
        *(("rerun", "group", 2), ("rerun, worktree lost", "group", 2), ("worktree restore", "group", 2)),
        *(("gc", "group", 2), ("drop", "group", 2), ("integrate", "leader", 2), ("reconcile --apply", "group", 2)),
    ],
)
def test_a_sample_of_points(play: Play, command: str, fault: str, count: int) -> None:
    dice = seeded()
    row = ROWS[command]
    row.prepare(play)
    seen, wrong = strike_each(play, command, row, fault, sample(dice, points_for(play, fault), count))
    assert not wrong, f"{len(wrong)} of {seen} points\n" + "\n".join(wrong[:8])


@pytest.mark.parametrize(
    "command", ["first run", "later run", "rerun", "rerun, worktree lost", "worktree restore", "stage release"]
)
def test_ctrl_c_when_the_registry_was_just_written(play: Play, command: str) -> None:
    """What stands in the registry decides whether the command takes back what it began."""
    row = ROWS[command]
    row.prepare(play)
    points = [point for point in play.points if point.operation == "rename" and "registry.json" in point.path]
    assert points
    seen, wrong = strike_each(play, command, row, "interrupt", points)
    assert not wrong, f"{len(wrong)} of {seen} points\n" + "\n".join(wrong[:8])


def _id(name: str) -> str:
    return name.replace(", ", "-").replace(" --", "-").replace(" ", "-")


@pytest.mark.stress
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", ROWS, ids=_id)
def test_every_point(play: Play, command: str, fault: str) -> None:
    begin, dice, row = time.monotonic(), seeded(), ROWS[command]
    row.prepare(play)
    points = points_for(play, fault)
    everywhere = fault == KILLED_EVERYWHERE or os.environ.get("OKSTRA_KILL_ALL")
    chosen = points if everywhere else sample(dice, points, SPREAD)
    seen, wrong = strike_each(play, command, row, fault, chosen)
    _tell(command, fault, len(points), seen, wrong, begin)


@pytest.mark.stress
@pytest.mark.parametrize("command", ROWS, ids=_id)
def test_the_repair_is_killed_as_well(play: Play, command: str) -> None:
    begin, dice, row = time.monotonic(), seeded(), ROWS[command]
    row.prepare(play)
    first = sample(dice, points_for(play, "group"), TWICE[0])
    found, seen, wrong = strike_twice(play, command, row, first, lambda points: sample(dice, points, TWICE[1]))
    _tell(command, "twice", found, seen, wrong, begin)


def _tell(command: str, fault: str, points: int, struck: int, wrong: list[str], begin: float) -> None:
    order = [*ROWS, *kill_matrix.OF_QUARANTINES]
    seconds = took(begin)
    kill_matrix.record(command, fault, points=points, struck=struck, wrong=len(wrong), seconds=seconds, order=order)
    assert not wrong, f"{len(wrong)} of {struck} points\n" + "\n".join(wrong[:8])


def test_a_stage_whose_done_row_is_written_stays_done(play: Play) -> None:
    """Killed between the row and the claim: the row is what counts; releasing must not undo it."""
    ROWS["stage done"].prepare(play)
    numbers = {point.path.rsplit("/", 1)[-1]: point.number for point in play.points if point.operation == "open"}
    row, claim = numbers["consumers.jsonl"], numbers[".registry.json.okstra-tmp"]
    assert row < claim
    point = next(point for point in play.points if point.number == claim)
    play.strike(point, "group")
    project, run = play.project, play.args[3]
    assert play.claims[STAGE]["status"] == "active"
    plan = next(project.task_root.glob("runs/implementation-planning/reports/*.md"))
    listed = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert listed[0]["status"] == "done"
    released = project.okstra("stage", "release", "--run", run, "--force", "--json")
    assert (released.status, released.codes) == (3, ["stage-done"])
    assert project.okstra("stage", "done", "--run", run).status == 0
    assert [row["status"] for row in project.ledger] == ["started", "done"]
    invariants.check(project, worked_in={STAGE}, commits=play.commits)


def test_a_commit_point_that_others_see_is_not_taken_back(play: Play) -> None:
    """The registry is renamed, then its folder can't be synced: for everybody else the stage is taken by now."""
    ROWS["later run"].prepare(play)
    for at in (1, 2):  # the reservation, and the mark that makes it active
        play.scene.restore()
        synced = play.preload.environment(call="fsync", on="/home/.okstra/worktrees", at=at, do="eio")
        run = play.project.run_stage(**synced)
        assert (run.status, run.data["stage"]) == (0, 1), run
        invariants.check(play.project)
