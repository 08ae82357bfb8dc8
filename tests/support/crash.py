"""Commands struck at a numbered point, and what must be true once the next command and `reconcile` have run.

A row of the kill matrix is a `Row`: what comes before the command, and what must follow after it was struck.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import invariants
from .faults import TAKES_SPACE, Point, Preload, Scene, eventually, group_lives
from .okstra import Ended, Okstra, Project
from .repos import Repo
from .sealed import sealed_environment

STAGE = f"{Project.task_key}#stage-1"
BRANCH = "feat-t-1-s1"
CLEAR_EXITS = {1, 65, 69, 75}
_STALL_MS = 400  # long enough for the next command to meet a git that outlived its okstra
_SYNCS = frozenset({"fsync", "fdatasync", "syncfs"})
_DISK = frozenset({"enospc", "full", "eio"})

FAULTS: dict[str, dict[str, object]] = {
    "group": {"do": "group"},
    "leader": {"do": "leader", "stall": _STALL_MS},
    "git": {"do": "self"},
    "torn": {"do": "torn"},
    "enospc": {"do": "enospc"},
    "full": {"do": "enospc", "lasting": 1},
    "eio": {"do": "eio"},
    "interrupt": {"do": "interrupt"},
}


class Struck(NamedTuple):
    """A command that was struck: where, how, and how it ended."""

    point: Point
    fault: str
    group: int
    ended: Ended

    def outlive(self) -> None:
        """Waits until the last process of the command is gone."""
        eventually(lambda: not group_lives(self.group), seconds=30)


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
        settings = repo.path / ".okstra" / "project.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "worktreePorts": ["PORT"]}))
        self.project = Project(repo, okstra)
        self.args: tuple[str, ...] = ()
        self.commits: list[str] = []
        self.points: list[Point] = []
        self.found_half_made: dict[str, Any] = {}

    def ready(self, *args: str) -> None:
        """Names the command under test, keeps the state before it, and finds its points."""
        self.args, self.found_half_made = args, self.half_made()
        self.scene.keep()
        self.project.okstra(*args)  # the first run of a fresh checkout writes Python's compiled files as well
        self.scene.restore()
        ended, self.points = self.preload.points(self.project.okstra, *args)
        assert ended.status == 0, ended
        assert len(self.points) > 20, "the preload saw next to nothing"

    def strike(self, point: Point, fault: str) -> Struck:
        """Runs the command from the kept state, struck at that point."""
        self.scene.restore()
        return self.strike_on(point, fault, self.args)

    def strike_on(self, point: Point, fault: str, args: Sequence[str]) -> Struck:
        """As `strike`, from the state as it is now, another command."""
        return self._struck(point, fault, args, at=point.number)

    def _struck(self, point: Point, fault: str, args: Sequence[str], **where: object) -> Struck:
        environment = self.preload.environment(**where, **FAULTS[fault])
        process = self.project.okstra.start(*args, **environment)
        stdout, stderr = process.communicate(timeout=60)
        return Struck(point, fault, process.pid, Ended(process.returncode, stdout, stderr))

    def strike_last(self, operation: str, ending: str, fault: str) -> Struck:
        """As `strike`, at the last change of that kind to that file: by its name, for processes that work side by
        side take their numbers in another order each time."""
        named = [point for point in self.points if point.operation == operation and point.path.endswith(ending)]
        last = named[-1]
        self.scene.restore()
        alike = sum(point.path == last.path for point in named)
        return self._struck(last, fault, self.args, at=alike, call=operation, on=last.path)

    def again(self) -> Ended:
        """The command under test once more, undisturbed."""
        return self.project.okstra(*self.args)

    @property
    def claims(self) -> dict[str, Any]:
        if not (self.project.home / "worktrees" / "registry.json").exists():
            return {}
        return {**self.project.registry["tasks"], **self.project.registry["stages"]}

    def half_made(self) -> dict[str, Any]:
        return {key: claim for key, claim in self.claims.items() if claim["status"] == "provisioning"}


class Row(NamedTuple):
    """One command of the matrix. `follow` gets whether `reconcile --apply` ran before it."""

    prepare: Callable[[Play], None]
    follow: Callable[[Play, Struck, bool], None]
    known: frozenset[str] = frozenset()  # what `reconcile` finds before the command and leaves to a person


def points_for(play: Play, fault: str) -> list[Point]:
    """The points at which the fault can make a difference.

    A full or broken disk strikes only what takes space. A kill after a sync finds the same files as the kill
    before it. Deleting (unlinkat) goes on behind the command, out of its reach.
    """
    own = [point for point in play.points if point.operation != "unlinkat"]
    if fault in _DISK:
        return [point for point in own if point.operation in TAKES_SPACE]
    if fault == "torn":
        return [point for point in own if "write" in point.operation]
    return [
        point
        for before, point in zip([None, *own], own, strict=False)
        if before is None or before.operation not in _SYNCS or before.pid != point.pid
    ]


def strike_each(play: Play, name: str, row: Row, fault: str, points: Iterable[Point]) -> tuple[int, list[str]]:
    """Strikes at each of the points of a row that is ready; answers how many there were, and what was wrong."""
    wrong, seen = [], 0
    for point in points:
        struck = play.strike(point, fault)
        seen += 1
        try:
            _check_end(play, struck)
            settle(play, row, struck)
        except (AssertionError, KeyError, OSError, ValueError) as failed:
            wrong.append(f"=== {name}, {fault} at {point}\n{struck.ended}\n--- {type(failed).__name__}: {failed}")
    return seen, wrong


def settle(play: Play, row: Row, struck: Struck) -> None:
    """The next command and `reconcile --apply`, at every second point in the other order."""
    first = struck.point.number % 2 == 0
    if first:
        reconcile(play.project, row.known)
    row.follow(play, struck, first)


def reconcile(project: Project, known: Collection[str] = ()) -> None:
    """It may find things, and must put right what it finds."""
    ended = project.okstra("reconcile", "--apply", "--json")
    assert "Traceback" not in ended.stderr, ended
    open_ones = [finding for finding in ended.data["findings"] if not finding["done"]]
    assert {finding["kind"] for finding in open_ones} <= set(known), ended
    assert ended.status == (4 if open_ones else 0), ended


def check_all(
    play: Play, struck: Struck, *, worked_in: Collection[str] = (), left_branches: Collection[str] = ()
) -> None:
    """What must be true at the end of every row: nothing is left to put right, and the invariants hold."""
    struck.outlive()
    reconcile(play.project)
    invariants.check(play.project, worked_in=worked_in, left_branches=left_branches, commits=play.commits)


def _check_end(play: Play, struck: Struck) -> None:
    """A command that lives on ends in a clear way, and takes back what it began; a disk that stays full lets it not."""
    ended = struck.ended
    assert "Traceback" not in ended.stderr, ended
    if ended.status < 0:
        return
    stopped = {130} if struck.fault == "interrupt" else set[int]()
    assert ended.status in {0, 3, 4, *CLEAR_EXITS, *stopped}, ended
    if ended.status and struck.fault in ("enospc", "eio", "git") and play.args[0] == "run":
        assert ended.envelope["errors"][0]["message"], ended
        half_made = play.half_made()
        assert half_made in ({}, play.found_half_made), f"not taken back: {half_made}"
        if not half_made:
            invariants.check(play.project)


def strike_twice(
    play: Play, name: str, row: Row, first: Sequence[Point], choose: Callable[[Sequence[Point]], Sequence[Point]]
) -> tuple[int, int, list[str]]:
    """Kills the command at each of `first`, then kills what repairs it, at the points that `choose` picks.

    In turn that is the same command once more, and `reconcile --apply`. Answers the points of all repairs, how
    many of them were struck, and what was wrong.
    """
    found, seen, wrong = 0, 0, []
    scene = Scene(play.scene.folder, "twice")
    for number, point in enumerate(first):
        play.strike(point, "group")
        scene.keep()
        repair = ("reconcile", "--apply", "--json") if number % 2 else play.args
        _, points = play.preload.points(play.project.okstra, *repair)
        found += len(points)
        for second in choose([one for one in points if one.operation != "unlinkat"]):
            scene.restore()
            struck = play.strike_on(second, "group", repair)
            seen += 1
            try:
                settle(play, row, struck)
            except (AssertionError, KeyError, OSError, ValueError) as failed:
                told = f"=== {name}, killed at {point}, then {repair[0]} killed at {second}"
                wrong.append(f"{told}\n{struck.ended}\n--- {type(failed).__name__}: {failed}")
    return found, seen, wrong


def took(begin: float) -> int:
    return round(time.monotonic() - begin)
