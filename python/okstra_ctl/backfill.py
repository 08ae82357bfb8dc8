"""Public names: done rows from evidence on disk. The code is in `recovery/backfill.py`."""

from .recovery.backfill import Backfilled, backfill

__all__ = ["Backfilled", "backfill"]
