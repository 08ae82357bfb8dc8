"""Quarantines that could not be taken home: how to look at what is in them, and their removal at a person's word.

Their commits are looked at by the real repository, with their objects in sight: nothing of a quarantine is used as one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from ..errors import OkstraError, Refused, UsageError
from ..home_paths import HomePaths
from ..quoting import quote
from ..system.disk_use import DiskUse
from ..system.locks import LockKind, locked
from . import record
from .object_folders import listed
from .objects import ObjectView
from .record import Quarantine
from .recover import refused
from .take_home import REPOSITORY_LOCK, changed_refs, drop


class LeftBehind(NamedTuple):
    """`name` is that of its folder; `commits` by ref are those that only it has, as far as they can be read; each of
    `looks` is a command that shows one; `size` is in bytes."""

    name: str
    run_id: str
    worker: str
    folder: str
    why: str
    commits: Mapping[str, str]
    looks: tuple[str, ...]
    size: int


def left_behind(home: HomePaths) -> list[LeftBehind]:
    found = list(refused(home))
    sizes = DiskUse([one.folder for one in found]).finish()
    return [_described(one, sizes.get(one.folder, 0)) for one in found]


def drop_refused(home: HomePaths, name: str) -> LeftBehind:
    """Removes one for good, with what it holds. Raises UsageError (`not-found`), Refused (`worktree-held`): only what
    could not be taken home."""
    folder = os.path.join(home.quarantines, name)
    one = record.read(folder) if name and os.path.basename(name) == name else None
    if one is None:
        raise UsageError("not-found", f"there is no quarantine {name!r}", where=home.quarantines, hint="okstra gc")
    if not one.refused:
        raise Refused(
            "worktree-held",
            f"{one.worker} of {one.run_id} works in it, or its commits are still to be taken home",
            where=folder,
            hint="okstra reconcile shows it; only what could not be taken home is removed so",
        )
    described = _described(one, DiskUse([folder]).finish().get(folder, 0))
    if not os.path.isdir(one.common_dir):
        drop(one)
        return described
    with locked(LockKind.REPOSITORY, os.path.join(one.common_dir, REPOSITORY_LOCK)):
        drop(one)
    return described


def _described(one: Quarantine, size: int) -> LeftBehind:
    commits = _commits(one)
    objects = quote(listed(os.path.join(one.git, "objects")))
    looks = tuple(
        f"GIT_ALTERNATE_OBJECT_DIRECTORIES={objects} git -C {quote(one.common_dir)} log --stat {one.old}..{commit}"
        for commit in dict.fromkeys(commits.values())
    )
    name = os.path.basename(one.folder)
    return LeftBehind(name, one.run_id, one.worker, one.folder, one.refused, commits, looks, size)


def _commits(one: Quarantine) -> dict[str, str]:
    """Empty where its refs or objects can't be read, which may be why it was refused."""
    with suppress(OkstraError, OSError):
        view = ObjectView(one)
        return {name: commit for name, commit in changed_refs(one).items() if view.is_commit(commit)}
    return {}
