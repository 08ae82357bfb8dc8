"""Public names: the central index of runs. The code is in `flows/run_index.py`."""

from .flows.run_index import IndexRow, append, newest_rows

__all__ = ["IndexRow", "append", "newest_rows"]
