"""Quarantines whose okstra is gone: taken home by the next command that meets them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from shutil import rmtree

from ..errors import OkstraError
from ..home_paths import HomePaths
from ..status import Liveness
from ..system.process_identity import liveness
from . import record
from .record import Quarantine
from .take_home import TakenHome, take_home

_BEGUN_SECONDS = 60.0  # from making the folder to its first file


def abandoned(home: HomePaths, *, run_id: str = "", worktree: str = "") -> Iterator[Quarantine]:
    """Those that nobody is at work with; of one run or worktree, if it is named. What was refused once is not among
    them."""
    tree = os.path.realpath(worktree) if worktree else ""
    for one in _readable(home):
        named = run_id in ("", one.run_id) and tree in ("", one.worktree)
        if named and not one.refused and liveness(one.owner) is Liveness.GONE:
            yield one


def refused(home: HomePaths) -> Iterator[Quarantine]:
    """Those that could not be taken home: they stay until a person has looked."""
    yield from (one for one in _readable(home) if one.refused)


def take_abandoned(home: HomePaths, *, run_id: str = "", worktree: str = "") -> list[str]:
    """Takes them home; returns a sentence for each. One that can't be taken is named, and stops no other."""
    return [sentence for one in abandoned(home, run_id=run_id, worktree=worktree) for sentence in _sentences_of(one)]


def taken_home(one: Quarantine) -> list[str]:
    """Takes it home. Returns what a person should know. Raises as `take_home`."""
    return sentences(one, take_home(one))


def _sentences_of(one: Quarantine) -> list[str]:
    try:
        return taken_home(one)
    except OkstraError as error:
        return [error.message]


def sentences(one: Quarantine, came: TakenHome) -> list[str]:
    """Empty for a quarantine in which nothing was committed."""
    moved = f"what {one.worker} committed is on {one.branch.removeprefix('refs/heads/')}: {came.tip[:12]}"
    return [*([moved] if came.tip != came.old else []), *came.sentences]


def sweep(home: HomePaths) -> None:
    """Removes what kills left of the making or the removal of one: folders without a record."""
    for folder in record.folders(home):
        try:
            if record.read(folder) is None and time.time() - os.lstat(folder).st_mtime > _BEGUN_SECONDS:
                rmtree(folder, ignore_errors=True)
        except (OkstraError, OSError):
            continue


def _readable(home: HomePaths) -> Iterator[Quarantine]:
    for folder in record.folders(home):
        try:
            one = record.read(folder)
        except OkstraError:
            continue
        if one is not None:
            yield one
