"""Time in the one format that okstra writes: UTC, ISO 8601, `Z`, whole seconds."""

from __future__ import annotations

import time


class Clock:
    """The machine's clock."""

    def now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def before(self, seconds: int) -> str:
        """The time that many seconds ago."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, time.time() - seconds)))
