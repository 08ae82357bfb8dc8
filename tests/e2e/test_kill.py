"""Commands killed, starved of space or of their git in the middle: the next command puts it right.

The points are found by running each command once under a preload that numbers every change to the file
system, of okstra's and of git's processes alike. The ordinary run strikes at a sample of them, the long
form (`-m stress`) at each.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import invariants
from support.faults import TAKES_SPACE, Point, Preload, Scene, eventually, group_lives, sample, seeded
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.repos import Repo
from support.sealed import sealed_environment

STAGE = f"{Project.task_key}#stage-1"
BRANCH = "feat-t-1-s1"
CLEAR_EXITS = {1, 65, 69, 75}
STALL_MS = 400  # long enough for the next command to meet a git that outlived its okstra


class Play:
    """A project in a folder that can be put back to the moment before the command under test."""

    def __init__(self, folder: Path, preload: Preload) -> None:
        self.scene = Scene(folder / "play")
        self.preload = preload
        home = folder / "play" / "home"
        home.mkdir(parents=True)
        environment = sealed_environment(home)
        repo = Repo.init(folder / "play" / "project", environment)
        repo.commit({f"src/{number}.txt": f"{number}\n" for number in range(12)})
        okstra = Okstra(environment, repo.path)
        okstra.ok("setup", "--project-id", "demo", "--yes")
        self.project = Project(repo, okstra)
        self.args: tuple[str, ...] = ()
        self.commits: list[str] = []
        self.points: list[Point] = []

    def ready(self, *args: str) -> None:
        """Names the command under test, keeps the state before it, and finds its points."""
        self.args = args
        self.scene.keep()
        self.project.okstra(*args)  # the first run of a fresh checkout writes Python's compiled files as well
        self.scene.restore()
        ended, self.points = self.preload.points(self.project.okstra, *args)
        assert ended.status == 0, ended
        assert len(self.points) > 20, "the preload saw next to nothing"

    def strike(self, point: Point, do: str, **more: object) -> Struck:
        self.scene.restore()
        environment = self.preload.environment(at=point.number, do=do, **more)
        process = self.project.okstra.start(*self.args, **environment)
        stdout, stderr = process.communicate(timeout=60)
        return Struck(point, do, process.pid, Ended(process.returncode, stdout, stderr))


class Struck(NamedTuple):
    point: Point
    do: str
    group: int
    ended: Ended

    def outlive(self) -> None:
        """Waits until the last process of the command is gone."""
        eventually(lambda: not group_lives(self.group), seconds=30)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path, Preload.build(tmp_path))


# What comes before the command under test, and what the next command must make of what is left.


def first_run(play: Play) -> None:
    play.project.adopt(independent(1))
    play.ready(*play.project.run_args())


def later_run(play: Play) -> None:
    play.project.adopt(independent(1))
    assert play.project.run_phase().status == 0
    play.ready(*play.project.run_args())


def recovery(play: Play) -> None:
    """The next run after one that was killed just before its commit point: worktree and branch stand already."""
    play.project.adopt(independent(1))
    manifest = ".run-manifest-implementation-001.json.okstra-tmp"
    killed = play.project.okstra(*play.project.run_args(), **play.preload.environment(on=manifest, at=1, do="group"))
    assert killed.status == -9
    assert claims(play.project)[STAGE]["status"] == "provisioning"
    assert BRANCH in play.project.repo.branches()
    play.ready(*play.project.run_args())


def next_run_gets_the_stage_or_says_why(play: Play, struck: Struck) -> None:
    project = play.project
    before = claims(project)
    following = project.run_stage()
    left = set()
    if before.get(STAGE, {}).get("status") == "active":
        run_id = before[STAGE]["run_id"]
        assert (following.status, following.codes) == (3, ["no-stage-ready"]), following
        assert f"stage 1 is reserved: run {run_id}" in following.envelope["errors"][0]["message"]
        listed = project.okstra.ok("list", "--task-type", "implementation", "--json").data["runs"]
        assert [(run["run_id"], run["status"]) for run in listed] == [(run_id, "reserved")]
        project.okstra.ok("stage", "release", "--run", run_id)  # the way on that a person has
        left, following = {BRANCH}, project.run_stage()
    else:
        half_made = [key for key, claim in before.items() if claim["status"] == "provisioning"]
        assert len(following.data["repaired"]) == len(half_made), (half_made, following)
    assert following.status == 0, following
    assert following.data["stage"] == 1
    struck.outlive()
    invariants.check(project, left_branches=left)


def stage_done(play: Play) -> None:
    play.project.adopt({1: (), 2: (1,)})
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.ready("stage", "done", "--run", run.data["run_id"], "--json")


def the_stage_is_done_once(play: Play, struck: Struck) -> None:
    project = play.project
    again = project.okstra(*play.args)
    assert again.status == 0 or again.codes == ["stage-done"], again
    done = [row["head_commit"] for row in project.ledger if row["status"] == "done"]
    assert done == play.commits
    following = project.run_stage()
    assert (following.data["stage"], following.data["worktree"]["base_commit"]) == (2, play.commits[0])
    struck.outlive()
    invariants.check(project, worked_in={STAGE}, commits=play.commits)


def stage_release(play: Play) -> None:
    play.project.adopt(independent(1))
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.ready("stage", "release", "--run", run.data["run_id"], "--json")


def the_stage_is_free_and_its_branch_is_kept(play: Play, struck: Struck) -> None:
    project = play.project
    again = project.okstra(*play.args)
    assert again.status == 0 or again.codes == ["stage-not-held"], again
    assert [row["status"] for row in project.ledger] == ["started", "released"]
    following = project.run_stage()
    assert following.status == 0, following
    assert (following.data["stage"], following.data["epoch"]) == (1, 2)
    assert project.repo.git("rev-parse", BRANCH) == play.commits[0]
    struck.outlive()
    invariants.check(project, left_branches={BRANCH}, commits=play.commits)


def worktree_remove(play: Play) -> None:
    play.project.adopt({1: (), 2: (1,)})
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.project.okstra.ok("stage", "done", "--run", run.data["run_id"], "--json")
    play.ready("worktree", "remove", STAGE, "--json")


def the_worktree_is_gone_and_its_branch_is_kept(play: Play, struck: Struck) -> None:
    project = play.project
    again = project.okstra(*play.args)
    assert again.status == 0 or again.codes == ["not-found"], again
    assert STAGE not in claims(project)
    assert not Path(project.home, "worktrees/demo/core/t-1/stage-1").exists()
    assert project.repo.git("rev-parse", BRANCH) == play.commits[0]
    following = project.run_stage()
    assert (following.data["stage"], following.data["worktree"]["base_commit"]) == (2, play.commits[0])
    struck.outlive()
    invariants.check(project, left_branches={BRANCH}, commits=play.commits)


def task_worktree_remove(play: Play) -> None:
    run = play.project.run_phase()
    at = Path(run.data["worktree"]["path"])
    play.commits = [play.project.repo.commit({"notes.md": "merged\n"}, "docs: notes", at=at)]
    play.ready("worktree", "remove", Project.task_key, "--json")


def the_next_run_makes_the_task_worktree_again(play: Play, struck: Struck) -> None:
    project = play.project
    again = project.okstra(*play.args)
    assert again.status == 0 or again.codes == ["not-found"], again
    assert project.repo.git("rev-parse", "feat-t-1") == play.commits[0]
    following = project.run_phase()
    assert following.status == 0, following
    assert (Path(following.data["worktree"]["path"]) / "notes.md").read_text() == "merged\n"
    struck.outlive()
    invariants.check(project, worked_in={Project.task_key}, commits=play.commits)


COMMANDS: dict[str, tuple[Callable[[Play], None], Callable[[Play, Struck], None]]] = {
    "first run": (first_run, next_run_gets_the_stage_or_says_why),
    "later run": (later_run, next_run_gets_the_stage_or_says_why),
    "recovery": (recovery, next_run_gets_the_stage_or_says_why),
    "stage done": (stage_done, the_stage_is_done_once),
    "stage release": (stage_release, the_stage_is_free_and_its_branch_is_kept),
    "worktree remove": (worktree_remove, the_worktree_is_gone_and_its_branch_is_kept),
    "task worktree remove": (task_worktree_remove, the_next_run_makes_the_task_worktree_again),
}
FAULTS: dict[str, dict[str, object]] = {
    "group": {"do": "group"},
    "leader": {"do": "leader", "stall": STALL_MS},
    "git": {"do": "self"},
    "torn": {"do": "torn"},
    "enospc": {"do": "enospc"},
    "full": {"do": "enospc", "lasting": 1},
    "eio": {"do": "eio"},
}


@pytest.mark.parametrize(
    ("command", "fault", "count"),
    [
        *(("first run", "group", 6), ("first run", "leader", 6), ("first run", "enospc", 6), ("first run", "full", 4)),
        *(("later run", "group", 6), ("later run", "git", 4), ("later run", "torn", 4)),
        *(("recovery", "group", 5), ("recovery", "leader", 2)),
        *(("stage done", "group", 5), ("stage done", "torn", 3), ("stage done", "enospc", 3)),
        *(("stage release", "group", 5), ("stage release", "leader", 4), ("stage release", "enospc", 3)),
        *(("worktree remove", "group", 4), ("worktree remove", "leader", 3)),
        *(("task worktree remove", "group", 4), ("task worktree remove", "enospc", 2)),
    ],
)
def test_a_sample_of_points(play: Play, command: str, fault: str, count: int) -> None:
    dice = seeded()
    _strike_each(play, command, fault, lambda points: sample(dice, points, count))


@pytest.mark.stress
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_point(play: Play, command: str, fault: str) -> None:
    _strike_each(play, command, fault, lambda points: points)


def test_a_stage_whose_done_row_is_written_stays_done(play: Play) -> None:
    """Killed between the row and the claim: the row is what counts; releasing must not undo it."""
    stage_done(play)
    numbers = {point.path.rsplit("/", 1)[-1]: point.number for point in play.points if point.operation == "open"}
    row, claim = numbers["consumers.jsonl"], numbers[".registry.json.okstra-tmp"]
    assert row < claim
    point = next(point for point in play.points if point.number == claim)
    play.strike(point, "group")
    project, run = play.project, play.args[3]
    assert claims(project)[STAGE]["status"] == "active"
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
    later_run(play)
    for at in (1, 2):  # the reservation, and the mark that makes it active
        play.scene.restore()
        synced = play.preload.environment(call="fsync", on="/home/.okstra/worktrees", at=at, do="eio")
        run = play.project.run_stage(**synced)
        assert (run.status, run.data["stage"]) == (0, 1), run
        invariants.check(play.project)


def _strike_each(play: Play, command: str, fault: str, select: Callable[[Sequence[Point]], Sequence[Point]]) -> None:
    prepare, must_follow = COMMANDS[command]
    prepare(play)
    wrong, seen = [], 0
    for point in select(_points_of(play, fault)):
        struck = play.strike(point, **FAULTS[fault])  # type: ignore[arg-type]
        seen += 1
        try:
            _check_end(play, struck, fault)
            must_follow(play, struck)
        except (AssertionError, KeyError) as failed:
            wrong.append(f"=== {command}, {fault} at {point}\n{struck.ended}\n--- {type(failed).__name__}: {failed}")
    _tell(command, fault, seen, len(wrong))
    assert not wrong, f"{len(wrong)} of {seen} points\n" + "\n".join(wrong[:8])


def _points_of(play: Play, fault: str) -> list[Point]:
    """A full or broken disk strikes only what takes space; deleting goes on behind the command, out of its reach."""
    own = [point for point in play.points if point.operation != "unlinkat"]
    return [point for point in own if point.operation in TAKES_SPACE] if fault in ("enospc", "full", "eio") else own


def _check_end(play: Play, struck: Struck, fault: str) -> None:
    """A command that lives on ends in a clear way, and takes back what it began; a disk that stays full lets it not."""
    ended = struck.ended
    assert "Traceback" not in ended.stderr, ended
    if ended.status < 0:
        return
    assert ended.status in {0, 3, *CLEAR_EXITS}, ended
    if ended.status and fault in ("enospc", "eio", "git") and play.args[0] == "run":
        assert ended.envelope["errors"][0]["message"], ended
        half_made = {key: claim for key, claim in claims(play.project).items() if claim["status"] == "provisioning"}
        assert not half_made, f"not taken back: {half_made}"
        invariants.check(play.project)


def _tell(command: str, fault: str, points: int, wrong: int) -> None:
    """One row of the matrix, appended to the file that OKSTRA_KILL_MATRIX names."""
    row = {"command": command, "fault": fault, "points": points, "wrong": wrong}
    print(json.dumps(row))
    if os.environ.get("OKSTRA_KILL_MATRIX"):
        with open(os.environ["OKSTRA_KILL_MATRIX"], "a", encoding="utf-8") as file:
            file.write(json.dumps({**row, "at": time.strftime("%Y-%m-%d")}) + "\n")


def claims(project: Project) -> dict[str, Any]:
    if not (project.home / "worktrees" / "registry.json").exists():
        return {}
    return {**project.registry["tasks"], **project.registry["stages"]}
