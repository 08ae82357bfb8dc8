"""Public names: a plan's ledger, by the folder it stands in. The code is in `claims/ledger_file.py`."""

from __future__ import annotations

import glob
import os

from .claims import ledger_file
from .claims.ledger_rows import LedgerRow
from .errors import UsageError
from .names import TaskKey
from .plan import plans
from .status import LedgerStatus
from .system.text import loads

_NAME = "consumers.jsonl"


def read_consumers(plan_run_root: str | os.PathLike[str]) -> list[dict[str, object]]:
    """Every whole row of the ledger, as parsed; lines that are no JSON are left out."""
    rows = []
    for line in ledger_file.read_lines(os.path.join(plan_run_root, _NAME)):
        try:
            rows.append(loads(line))
        except ValueError:
            continue
    return rows


def append_consumer(
    plan_run_root: str | os.PathLike[str],
    *,
    impl_task_key: str,
    stage: int,
    status: str,
    started_at: str,
    head_commit: str,
    run_id: str = "",
    epoch: int = 0,
    note: str = "",
) -> bool:
    """Appends a row under the digest of the folder's newest plan; False when the ledger holds this very row already.

    `started_at` is the row's time, UTC as ISO 8601. Raises UsageError (`usage`, `bad-identity`), WorkFailed, Busy.
    """
    key = TaskKey.parse(impl_task_key)
    if status not in tuple(map(str, LedgerStatus)):
        raise UsageError("usage", f"there is no ledger status {status!r}", hint=", ".join(map(str, LedgerStatus)))
    row = LedgerRow(
        id=f"{run_id or key}#stage-{stage}@{epoch}@{started_at}:{status}",
        impl_task_key=str(key),
        stage=stage,
        status=LedgerStatus(status),
        at=started_at,
        run_id=run_id,
        epoch=epoch,
        plan_digest=_newest_digest(os.fspath(plan_run_root)),
        head_commit=head_commit,
        note=note,
    )
    return ledger_file.append(os.path.join(plan_run_root, _NAME), [row]) == 1


def _newest_digest(plan_run_root: str) -> str:
    """The digest of the Stage Map of the newest plan there that can be read; empty without one."""
    for path in sorted(
        glob.glob(os.path.join(glob.escape(plan_run_root), "reports", "final-report-*.md")), reverse=True
    ):
        stage_map = plans.check(path).stage_map
        if stage_map is not None:
            return stage_map.digest
    return ""


__all__ = ["append_consumer", "read_consumers"]
