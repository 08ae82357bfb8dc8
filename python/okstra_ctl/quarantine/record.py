"""A quarantine: one executor's private copy of a repository's common git folder, and its record on disk.

The record is written before anything is copied, and once more when the copy is whole: one that is not whole has never
been worked in, or is being removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..errors import Unreadable
from ..home_paths import HomePaths
from ..names import Owner
from ..sandbox.profile import Bind
from ..system import files
from .object_folders import borrowed

SCHEMA = "quarantine/1"
BASE = "okstra-base"
"""Where the real common folder stands inside, read-only, below the copy of itself."""
_RECORD = "quarantine.json"


class Quarantine(NamedTuple):
    """`branch` is a full ref, `old` its commit when the copy was made; `kept` is the prefix of the refs that keep what
    can't be on that branch. `mounted`: it lies over the real folder; else the worktree's `.git` names it."""

    folder: str
    run_id: str
    worker: str
    worktree: str
    common_dir: str
    git_dir: str
    branch: str
    old: str
    object_format: str
    reftable: bool
    mounted: bool
    kept: str
    owner: Owner
    submodules: tuple[str, ...] = ()
    """Those that were checked out; a repository in another one's place is the worker's."""
    whole: bool = False
    taking: bool = False
    """Somebody has begun to take it home: a kill may have left locks of git's."""
    refused: str = ""
    """Why it could not be taken home."""

    @property
    def git(self) -> str:
        """The private copy of the common git folder."""
        return os.path.join(self.folder, "git")

    @property
    def admin(self) -> str:
        """The copy of the worktree's own git folder."""
        return os.path.join(self.git, "worktrees", os.path.basename(self.git_dir))

    @property
    def first_refs(self) -> str:
        """The file of all refs as they were when the copy was made."""
        return os.path.join(self.folder, "refs")

    @property
    def scratch(self) -> str:
        """Where the copy's refs are read, by settings of okstra's own."""
        return os.path.join(self.folder, "reading")


def write(one: Quarantine) -> None:
    """Raises WorkFailed (`write-failed`)."""
    values = {**one._asdict(), "owner": one.owner.to_json()}
    del values["folder"]
    files.replace_json(os.path.join(one.folder, _RECORD), {"schema": SCHEMA, **values})


def read(folder: str) -> Quarantine | None:
    """None where there is no record. Raises Unreadable."""
    path = os.path.join(folder, _RECORD)
    found = files.read_json(path, SCHEMA)
    if found is None:
        return None
    try:
        return _quarantine(folder, found)
    except ValueError as error:
        raise Unreadable("state-unreadable", f"the record is damaged: {error}", where=path) from None


def folders(home: HomePaths) -> Iterator[str]:
    for name in files.names_in(home.quarantines):
        yield os.path.join(home.quarantines, name)


def _quarantine(folder: str, found: Mapping[str, object]) -> Quarantine:
    owner = Owner.from_json(found.get("owner"))
    if owner is None:
        raise ValueError("there is no owner")
    return Quarantine(
        folder=folder,
        run_id=_text(found, "run_id"),
        worker=_text(found, "worker"),
        worktree=_text(found, "worktree"),
        common_dir=_text(found, "common_dir"),
        git_dir=_text(found, "git_dir"),
        branch=_text(found, "branch"),
        old=_text(found, "old"),
        object_format=_text(found, "object_format"),
        reftable=found.get("reftable") is True,
        mounted=found.get("mounted") is True,
        kept=_text(found, "kept"),
        owner=owner,
        submodules=_texts(found.get("submodules")),
        whole=found.get("whole") is True,
        taking=found.get("taking") is True,
        refused=_text(found, "refused"),
    )


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("submodules is a list of texts")
    return tuple(value)


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    return value


def binds(one: Quarantine) -> tuple[Bind, ...]:
    """The copy over the real common folder, which itself stands below it, read-only; so do objects that are borrowed,
    submodules' repositories, and every file that leads git to a repository."""
    if not one.mounted:
        return (Bind(one.git, one.git, writable=True), Bind(one.common_dir, one.common_dir))
    shown = [
        *borrowed(os.path.join(one.common_dir, "objects")),
        *(os.path.join(folder, "modules") for folder in (one.common_dir, one.git_dir)),
        os.path.join(one.worktree, ".git"),
        *(os.path.join(one.worktree, path, ".git") for path in one.submodules),
    ]
    return (
        Bind(one.git, one.common_dir, writable=True),
        Bind(one.common_dir, os.path.join(one.common_dir, BASE)),
        *(Bind(path, path) for path in shown if os.path.exists(path)),
    )
