"""A plan's ledger: its rows, and the state of each stage that they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..names import Owner, StageKey
from ..status import LedgerStatus
from ..system.text import loads

DONE_ROWS = (LedgerStatus.DONE, LedgerStatus.SUPERSEDED)
_ORDER = (LedgerStatus.STARTED, LedgerStatus.RELEASED, LedgerStatus.DONE, LedgerStatus.SUPERSEDED)
VERSION = 1


class LedgerRow(NamedTuple):
    """One line of `consumers.jsonl`. `id` makes writing the same row twice harmless."""

    id: str
    impl_task_key: str
    stage: int
    status: LedgerStatus
    at: str
    run_id: str
    epoch: int
    plan_digest: str
    head_commit: str
    note: str = ""
    owner: Owner | None = None
    overrule: str = ""
    """Why a person recorded the stage as done though the run that okstra led for it did not pass its gates."""
    proof: str = ""
    """What okstra saw of a done stage's exit check (`proof/rules.py`); empty in rows of before."""
    unproven: str = ""
    """Why a person recorded it as done though its check does not need its code."""

    def to_json(self) -> dict[str, object]:
        row: dict[str, object] = {
            "v": VERSION,
            "id": self.id,
            "impl_task_key": self.impl_task_key,
            "stage": self.stage,
            "status": str(self.status),
            "at": self.at,
            "run_id": self.run_id,
            "epoch": self.epoch,
            "plan_digest": self.plan_digest,
            "head_commit": self.head_commit,
            "note": self.note,
            "owner": self.owner.to_json() if self.owner else None,
        }
        more = {"overrule": self.overrule, "proof": self.proof, "unproven": self.unproven}
        return {**row, **{name: text for name, text in more.items() if text}}

    @classmethod
    def from_json(cls, value: object) -> LedgerRow:
        """Raises ValueError when the value is not a row of this version."""
        if not isinstance(value, dict) or value.get("v") != VERSION:
            raise ValueError("not a ledger row of version 1")
        stage, epoch = value.get("stage"), value.get("epoch", 0)
        if not isinstance(stage, int) or not isinstance(epoch, int):
            raise ValueError("stage and epoch are numbers")
        return cls(
            id=str(value.get("id", "")),
            impl_task_key=str(value.get("impl_task_key", "")),
            stage=stage,
            status=LedgerStatus(str(value.get("status"))),
            at=str(value.get("at", "")),
            run_id=str(value.get("run_id", "")),
            epoch=epoch,
            plan_digest=str(value.get("plan_digest", "")),
            head_commit=str(value.get("head_commit", "")),
            note=str(value.get("note", "")),
            owner=Owner.from_json(value.get("owner")),
            overrule=str(value.get("overrule", "")),
            proof=str(value.get("proof", "")),
            unproven=str(value.get("unproven", "")),
        )


def row_id(run_id: str, epoch: int, status: LedgerStatus) -> str:
    """A row is named by what it records, so recording it again adds nothing."""
    return f"{run_id}@{epoch}:{status}"


def overruled_row(row: LedgerRow, rows: Sequence[LedgerRow]) -> LedgerRow | None:
    """A further `done` row, with a person's overrule of a stage that `rows`, of the same claim, record as done already.

    None when that very overrule is recorded already: a killed command was called again.
    """
    done = [one for one in rows if one.id.startswith(row.id)]
    if any(one.overrule == row.overrule for one in done):
        return None
    further = sum(one.id != row.id for one in done)
    return row._replace(id=f"{row.id}-overruled" + (f"-{further + 1}" if further else ""))


def started_row(key: StageKey, *, run_id: str, epoch: int, digest: str, base: str, at: str) -> LedgerRow:
    """The row that records that a run started the stage. Derived from the reservation, so it can be written again."""
    return LedgerRow(
        id=row_id(run_id, epoch, LedgerStatus.STARTED),
        impl_task_key=str(key.task),
        stage=key.stage,
        status=LedgerStatus.STARTED,
        at=at,
        run_id=run_id,
        epoch=epoch,
        plan_digest=digest,
        head_commit=base,
    )


def _is_outdated(row: LedgerRow, newest: LedgerRow | None) -> bool:
    """Whether a row that comes later in the file records an earlier event."""
    if newest is None or row.epoch != newest.epoch:
        return newest is not None and row.epoch < newest.epoch
    return row.run_id == newest.run_id and _ORDER.index(row.status) < _ORDER.index(newest.status)


class LedgerView(NamedTuple):
    """A ledger, folded: the newest row of each stage, the ids seen, the highest epoch of each stage.

    `unreadable` and `newer` are line numbers: lines that are not rows, and lines of a newer okstra.
    """

    newest: dict[int, LedgerRow]
    ids: frozenset[str]
    epochs: dict[int, int]
    unreadable: tuple[int, ...]
    newer: tuple[int, ...] = ()


def fold(lines: Iterable[bytes], *, task_key: str, plan_digest: str) -> LedgerView:
    """Folds ledger lines in file order. The newest row of a stage under the plan's digest decides.

    A row of an older claim, or of the same claim and less final, is not newer for coming later in the file: a process
    that was stopped may write its `started` row after the stage was done.
    Epochs count over all digests: an edited plan must not reuse an epoch.
    Lines that are not rows are listed by number (1-based) in `unreadable`, never fatal.
    """
    newest: dict[int, LedgerRow] = {}
    ids: set[str] = set()
    epochs: dict[int, int] = {}
    unreadable: list[int] = []
    newer: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = LedgerRow.from_json(loads(line))
        except (ValueError, RecursionError):
            (newer if _is_newer(line) else unreadable).append(number)
            continue
        if row.impl_task_key != task_key:
            continue
        ids.add(row.id)
        epochs[row.stage] = max(row.epoch, epochs.get(row.stage, 0))
        if row.plan_digest == plan_digest and not _is_outdated(row, newest.get(row.stage)):
            newest[row.stage] = row
    return LedgerView(newest, frozenset(ids), epochs, tuple(unreadable), tuple(newer))


def rows_of(lines: Iterable[bytes]) -> list[LedgerRow]:
    """The rows among the lines, of every task and digest."""
    rows = []
    for line in lines:
        try:
            rows.append(LedgerRow.from_json(loads(line)))
        except (ValueError, RecursionError):
            continue
    return rows


def ids_of(lines: Iterable[bytes]) -> set[str]:
    """The ids of the rows among the lines, of rows of other versions as well."""
    values = map(_value, lines)
    return {str(value["id"]) for value in values if isinstance(value, dict) and "id" in value}


def _is_newer(line: bytes) -> bool:
    value = _value(line)
    version = value.get("v") if isinstance(value, dict) else None
    return isinstance(version, int) and version > VERSION


def _value(line: bytes) -> object:
    try:
        return loads(line)
    except (ValueError, RecursionError):
        return None
