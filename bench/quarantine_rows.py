"""Rows for an executor's git folder: making it among many refs, and taking a commit home in a large worktree."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

import fillings  # noqa: F401  brings the package in
from families import Family
from measure import Row, row_of, seconds, settle
from scenes import Scene, scene

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.quarantine.make import Order, make
from okstra_ctl.quarantine.record import Quarantine
from okstra_ctl.quarantine.take_home import drop, take_home

_ROUNDS = 9
_MAKING, _TAKING = 0.1, 0.3
_FILES = 30_000
_GOAL = 1.0
_MOST_REFS = {10_000: _GOAL}


class _Place:
    """A worktree of a scene, and its quarantine."""

    def __init__(self, place: Scene) -> None:
        self.scene, self.tree = place, place.folder / "tree"
        place.git("worktree", "add", "--quiet", "-b", "stage", str(self.tree))
        order = Order("bench:load:T-1/implementation/stage-1/001", "w", str(self.tree), "refs/okstra/kept/bench/", True)
        self.order, self.home = order, HomePaths(str(place.home / ".okstra"))

    def make(self) -> Quarantine:
        return make(self.home, self.order)

    def commit(self, one: Quarantine, number: int) -> None:
        """As the executor does inside, by variables in place of a mount."""
        objects = os.path.join(one.common_dir, "objects")
        there = {"GIT_DIR": one.admin, "GIT_WORK_TREE": one.worktree, "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects}
        (Path(one.worktree) / f"new-{number}.txt").write_text("new\n")
        for words in (("add", f"new-{number}.txt"), ("commit", "--quiet", "-m", "feat: new")):
            subprocess.run(
                ["git", *words], cwd=one.worktree, env={**self.scene.env, **there}, capture_output=True, check=True
            )


def making(refs: int, *, packed: bool) -> Row:
    place = _Place(scene(10))
    head = place.scene.git("rev-parse", "HEAD")
    lines = "".join(f"create refs/tags/t{number:05d} {head}\n" for number in range(refs))
    command = ["git", "-C", str(place.scene.repo), "update-ref", "--stdin"]
    subprocess.run(command, env=place.scene.env, input=lines.encode(), check=True)
    if packed:
        place.scene.git("pack-refs", "--all")
    settle()
    took = []
    for _ in range(_ROUNDS + 1):
        begun: list[Quarantine] = []
        took.append(seconds(lambda begun=begun: begun.append(place.make())))  # type: ignore[misc]
        drop(begun[0])
    return row_of("", "", [(one, _MAKING) for one in took[1:]], goal=_MOST_REFS.get(refs) if packed else None)


def taking(_: int) -> Row:
    place = _Place(scene(_FILES))
    took = []
    for number in range(_ROUNDS + 1):
        one = place.make()
        place.commit(one, number)
        settle()
        took.append(seconds(lambda one=one: take_home(one)))  # type: ignore[misc]
    return row_of("", "", [(one, _TAKING) for one in took[1:]], goal=_GOAL)


_PACKED, _LOOSE = partial(making, packed=True), partial(making, packed=False)

FAMILIES = (
    Family("quarantine", "making an executor's git folder", "100 ms", "refs", _PACKED, _MOST_REFS),
    Family("quarantine-loose", "the same", "100 ms", "refs, each in a file of its own", _LOOSE),
    Family("take-home", "taking its commit home, among 30,000 files", "300 ms", "", taking, {1: _GOAL}, (1,)),
)
