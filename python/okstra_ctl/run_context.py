"""Public names: a run's context. The code is in `prepare/folder.py`."""

from .prepare.folder import compute_and_write_run_context

__all__ = ["compute_and_write_run_context"]
