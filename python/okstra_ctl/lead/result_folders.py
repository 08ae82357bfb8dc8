"""Where a worker leaves its result: a folder of its own for each dispatch, under a name that nobody can guess.

Only the worker's standard input and environment contain the name; the run's events contain the name's digest, by which
a resume finds the folder of a worker whose lead was killed. When the worker has ended, okstra takes over what it left:
keys are hidden, the digest is recorded, and the file moves to its place among the run's results. What anybody else
wrote there is set aside.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from ..errors import Unreadable
from ..paths import RunFiles
from ..results.records import MAX_BYTES
from ..runs.events import digest_of
from ..runs.prompting import fill_file
from ..system import files, foreign_files
from ..system.secrets import hide
from ..system.text import text_bytes
from .assignments import Assignment
from .context import RunContext

_NAME_BYTES = 16


class Drop(NamedTuple):
    """The folder, and in it the paths of the result and the audit file."""

    folder: str
    result: str
    audit: str

    @property
    def mark(self) -> str:
        """A digest that identifies the folder without revealing its name."""
        return digest_of(os.path.basename(self.folder).encode())


class DropContents(NamedTuple):
    """What a worker left. `data` are the bytes of its result, None when there is none or `fault` says why it can't be
    read; `left` is the path of something that okstra did not take over."""

    data: bytes | None = None
    fault: str = ""
    left: str = ""
    audit: bytes | None = None
    hidden: Mapping[str, Mapping[str, int]] = {}

    @property
    def digests(self) -> dict[str, str]:
        """For the event that records the worker's end."""
        found = {"sha256": self.data, "audit_sha256": self.audit}
        return {name: digest_of(data) for name, data in found.items() if data is not None}


def new_drop(context: RunContext, assignment: Assignment) -> Drop:
    """A new drop. Nothing is on disk yet: the event with its mark is written first."""
    folder = os.path.join(context.files.drops, os.urandom(_NAME_BYTES).hex())
    return _drop_in(context, assignment, folder)


def make(drop: Drop) -> None:
    """Raises WorkFailed (`write-failed`)."""
    with suppress(OSError):  # the folder above may be removed at this moment, with another dispatch's last drop
        files.make_private_folders(drop.folder)
    files.make_folder(drop.folder)


def tidy(paths: RunFiles) -> None:
    """At the run's end: removes the folder of all drops if it is empty."""
    with suppress(OSError):
        os.rmdir(paths.drops)


def find(context: RunContext, assignment: Assignment, mark: str) -> Drop | None:
    """The drop with that mark, if it is still there."""
    for name in _names(context.files):
        drop = _drop_in(context, assignment, os.path.join(context.files.drops, name))
        if drop.mark == mark:
            return drop
    return None


def opening(drop: Drop) -> str:
    """The text above the prompt on the worker's standard input; it is written nowhere else."""
    return fill_file("includes/own-paths.md", {"DROP_RESULT": drop.result, "DROP_AUDIT": drop.audit}).strip() + "\n\n"


def take_over(context: RunContext, assignment: Assignment, drop: Drop) -> DropContents:
    """Call it when the worker has ended. Any other file at the result path is not this worker's, and is set aside.

    Safe to repeat: the drop stays until `discard`. Raises WorkFailed.
    """
    hidden: dict[str, Mapping[str, int]] = {}
    data, fault = _taken(drop.result, assignment.result, hidden)
    audit, _ = _taken(drop.audit, context.files.worker_audit(assignment.worker.id), hidden)
    if data is None:
        foreign_files.set_aside(assignment.result)
    return DropContents(data, fault, drop.result if fault else "", audit, hidden)


def read_in_place(path: str) -> DropContents:
    """The result of a worker without a drop, which wrote to the result path itself: an agent of a session, or a client
    that an older okstra started. Raises WorkFailed."""
    hidden: dict[str, Mapping[str, int]] = {}
    data, fault = _taken(path, path, hidden)
    return DropContents(data, fault, "", None, hidden)


def discard(context: RunContext, assignment: Assignment, drop: Drop) -> None:
    """Removes a drop after the worker's end was recorded. What okstra did not take over stays."""
    audit = context.files.worker_audit(assignment.worker.id)
    for path, final in ((drop.result, assignment.result), (drop.audit, audit)):
        if _was_taken(path):
            files.discard(path)
        _keep_attempts(path, final)
        files.discard_temporary(path)  # left by a rehearsal that was killed while writing
    with suppress(OSError):
        os.rmdir(drop.folder)


def discard_ended(context: RunContext, assignment: Assignment, mark: str) -> None:
    """Removes the drop of a dispatch whose end was recorded, but whose lead was killed before it could remove it."""
    drop = find(context, assignment, mark) if mark else None
    if drop is not None:
        discard(context, assignment, drop)


def _drop_in(context: RunContext, assignment: Assignment, folder: str) -> Drop:
    audit = os.path.basename(context.files.worker_audit(assignment.worker.id))
    return Drop(folder, os.path.join(folder, os.path.basename(assignment.result)), os.path.join(folder, audit))


def _names(paths: RunFiles) -> list[str]:
    try:
        return os.listdir(paths.drops)
    except OSError:
        return []


def _taken(path: str, final: str, hidden: dict[str, Mapping[str, int]]) -> tuple[bytes | None, str]:
    """Moves the file to its place, keys hidden. Returns its bytes, or None and why it can't be read."""
    try:
        data = foreign_files.read(path, MAX_BYTES)
    except Unreadable as error:
        return None, error.message
    if data is None:
        return None, ""
    text, kinds = hide(data.decode("utf-8", "surrogateescape"))
    if kinds:
        hidden[final] = kinds
        data = text_bytes(text)
    if _bytes_at(final) != data:
        foreign_files.set_aside(final)
        files.make_folder(os.path.dirname(final))
        files.replace(final, data)
    return data, ""


def _bytes_at(final: str) -> bytes | None:
    try:
        return foreign_files.read(final, MAX_BYTES)
    except Unreadable:
        return None


def _keep_attempts(path: str, final: str) -> None:
    """Moves what earlier attempts of the same dispatch left (before a rate limit, for instance) beside the result."""
    folder, stem = os.path.dirname(path), f"{os.path.basename(path)}.attempt-"
    try:
        names = sorted(name for name in os.listdir(folder) if name.startswith(stem))
        for name in names:
            os.rename(os.path.join(folder, name), foreign_files.free_name(final))
    except OSError:
        return


def _was_taken(path: str) -> bool:
    return _bytes_at(path) is not None
