"""Public names: the central index of runs. The code is in `index/store.py`."""

from .store import IndexRow, append, newest_rows

__all__ = ["IndexRow", "append", "newest_rows"]
