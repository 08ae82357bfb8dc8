"""The ledger file: read without a lock, appended under it (spec 3, "The ledger")."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..core.json_text import encode
from ..core.ledger import LedgerRow, LedgerView, deciding, fold
from ..core.text_bytes import text_bytes
from ..words.errors import Unreadable
from . import fsio
from .locks import LockKind, hold


def lock_path(path: str) -> str:
    return f"{path}.lock"


def read_lines(path: str) -> list[bytes]:
    """The file's whole lines. A tail without a newline is a row under way, or torn: it is left out."""
    data = fsio.read_bytes(path) or b""
    return data.split(b"\n")[:-1]


def read(path: str, *, task_key: str, plan_digest: str, history: bool = False) -> LedgerView:
    """What the ledger says of the task's stages under that plan digest; rows of other digests are not parsed.

    Without `history` only the rows of each stage's newest hold are read: they decide, and the view's ids and epochs
    are theirs.

    Raises Unreadable (`state-unreadable`) when a newer okstra wrote some of it: what they say could be that a
    stage is taken, or done.
    """
    needle = text_bytes(plan_digest)
    lines = [line for line in read_lines(path) if needle in line]
    lines = lines if history else deciding(lines)
    view = fold(lines, task_key=task_key, plan_digest=plan_digest)
    if view.newer:
        raise Unreadable(
            "state-unreadable",
            f"{len(view.newer)} row(s) of the ledger were written by a newer okstra",
            where=path,
            hint="use the okstra version that wrote them, or a newer one",
        )
    return view


def highest_epoch(path: str, *, task_key: str, stage: int) -> int:
    """The highest epoch that the stage ever had, under any digest; 0 when it was never taken."""
    needle = encode({"stage": stage})[1:-1] + b","
    view = fold((line for line in read_lines(path) if needle in line), task_key=task_key, plan_digest="")
    return view.epochs.get(stage, 0)


class LedgerReader:
    """A ledger's view that is read anew only when the file has changed: cheap to ask again under a lock."""

    def __init__(self, path: str, *, task_key: str, plan_digest: str) -> None:
        self._path, self._task_key, self._plan_digest = path, task_key, plan_digest
        self._seen: tuple[int, int] | None = None
        self._view = fold((), task_key=task_key, plan_digest=plan_digest)

    def view(self) -> LedgerView:
        state = _identity(self._path)
        if state != self._seen or state is None:
            self._view = read(self._path, task_key=self._task_key, plan_digest=self._plan_digest)
            self._seen = state
        return self._view

    def highest_epoch(self, stage: int) -> int:
        return highest_epoch(self._path, task_key=self._task_key, stage=stage)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size


def holds_all(path: str, rows: Iterable[LedgerRow]) -> bool:
    """Whether the ledger has every one of the rows, as a look without the lock tells."""
    held = fsio.read_bytes(path) or b""
    return all(_needle(row) in held for row in rows)


def append(path: str, rows: Iterable[LedgerRow]) -> int:
    """Appends the rows whose ids the ledger does not hold yet, under its lock. Answers how many it wrote."""
    written = 0
    with hold(LockKind.LEDGER, lock_path(path)):
        held = b"\n".join(read_lines(path))
        for row in rows:
            line = encode(row.to_json())
            if _needle(row) not in held:
                fsio.append_line(path, line + b"\n")
                held += line
                written += 1
    return written


def _needle(row: LedgerRow) -> bytes:
    """The bytes that a ledger holds exactly when it holds the row: in text, quotes would be escaped."""
    return encode({"id": row.id})[1:-1]
