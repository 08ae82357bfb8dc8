"""Public names: a run's paths. The code is in `core/paths.py`."""

from .core.paths import compute_run_paths

__all__ = ["compute_run_paths"]
