"""The ledger file: read without a lock, appended under it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ..errors import Unreadable
from ..names import StageKey
from ..system import files
from ..system.locks import LockKind, locked
from ..system.text import encode_line, text_bytes
from .ledger_rows import LedgerRow, LedgerView, fold, ids_of, rows_of
from .registry_document import RegistryDoc


def lock_path(path: str) -> str:
    return f"{path}.lock"


def read_lines(path: str) -> list[bytes]:
    """The file's complete lines. A tail without a newline is still being written, or torn: it is left out."""
    return (files.read_bytes(path) or b"").split(b"\n")[:-1]


def read(path: str, *, task_key: str, plan_digest: str) -> LedgerView:
    """The state of the task's stages under that plan digest; with an empty digest, by all rows.

    Raises Unreadable (`state-unreadable`) when a newer okstra wrote some rows: they may say that a stage is
    claimed or done.
    """
    digest = text_bytes(plan_digest)
    view = fold((line for line in read_lines(path) if digest in line), task_key=task_key, plan_digest=plan_digest)
    if view.newer:
        raise Unreadable(
            "state-unreadable",
            f"{len(view.newer)} row(s) of the ledger were written by a newer okstra",
            where=path,
            hint="use the okstra version that wrote them, or a newer one",
        )
    return view


def row_named(path: str, name: str) -> LedgerRow | None:
    """The row of that id, whatever its digest; None when there is none."""
    return next((row for row in rows_of(read_lines(path)) if row.id == name), None)


def rows_named(path: str, prefix: str) -> list[LedgerRow]:
    """The rows whose ids begin so, in their order, whatever their digests."""
    return [row for row in rows_of(read_lines(path)) if row.id.startswith(prefix)]


def highest_epoch(path: str, *, task_key: str, stage: int) -> int:
    """The highest epoch that the stage ever had, under any digest; 0 when it was never claimed."""
    of_stage = re.compile(rb'"stage"\s*:\s*%d\b' % stage)  # a reservation reads this under the registry's lock
    lines = (line for line in read_lines(path) if of_stage.search(line))
    return fold(lines, task_key=task_key, plan_digest="").epochs.get(stage, 0)


def contains_all(path: str, rows: Iterable[LedgerRow]) -> bool:
    """Whether the ledger has all of the rows; read without the lock."""
    return {row.id for row in rows} <= ids_of(read_lines(path))


def append(path: str, rows: Iterable[LedgerRow]) -> int:
    """Appends the rows whose ids the ledger does not have yet, under its lock. Returns how many it wrote."""
    written = 0
    with locked(LockKind.LEDGER, lock_path(path)):
        known = ids_of(read_lines(path))
        for row in rows:
            if row.id not in known:
                files.append_line(path, encode_line(row.to_json()))
                known.add(row.id)
                written += 1
    return written


def ledger_path(plan: str) -> str:
    """The ledger beside a plan: `<plan>/../../consumers.jsonl`."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(plan))), "consumers.jsonl")


def next_epoch(doc: RegistryDoc, key: StageKey, plan: str) -> int:
    """One higher than any that the stage ever had, by the registry and by the ledger.

    Each may know of one that the other does not: a registry that was rebuilt or brought back from a backup, a ledger
    that came with the project's files.
    """
    task, claim = doc.task(key.task), doc.stage(key)
    remembered = task.epochs.get(key.stage, 0) if task else 0
    ledger = ledger_path(plan)
    written = highest_epoch(ledger, task_key=str(key.task), stage=key.stage)
    return 1 + max(remembered, claim.epoch if claim else 0, written)
