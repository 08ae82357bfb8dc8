"""Public names: a run's context. The code is in `flows/prepare/run_folder.py`."""

from .flows.prepare.run_folder import compute_and_write_run_context

__all__ = ["compute_and_write_run_context"]
