"""What a sandbox shows, hides and lets be written, as values."""

from __future__ import annotations

from typing import NamedTuple


class Bind(NamedTuple):
    """Shows what stands at `source` outside as `target` inside; both are absolute paths without links."""

    source: str
    target: str
    writable: bool = False
