"""Public names: a plan's ledger, by the folder it stands in. The code is in `edges/ledger.py`."""

from __future__ import annotations

import os

from .core.json_text import loads
from .core.ledger import LedgerRow
from .edges import ledger

_NAME = "consumers.jsonl"


def read_consumers(plan_run_root: str | os.PathLike[str]) -> list[dict[str, object]]:
    """Every whole row of the ledger, as parsed; lines that are no JSON are left out."""
    rows = []
    for line in ledger.read_lines(os.path.join(plan_run_root, _NAME)):
        try:
            rows.append(loads(line))
        except ValueError:
            continue
    return rows


def append_consumer(plan_run_root: str | os.PathLike[str], row: LedgerRow) -> bool:
    """Appends the row unless the ledger holds its id already. Raises WorkFailed, Busy."""
    return ledger.append(os.path.join(plan_run_root, _NAME), [row]) == 1


__all__ = ["append_consumer", "read_consumers"]
