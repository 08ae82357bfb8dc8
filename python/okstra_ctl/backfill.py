"""Public names: done rows from evidence on disk. The code is in `flows/backfill.py`."""

from .flows.backfill import Backfilled, backfill

__all__ = ["Backfilled", "backfill"]
