"""Time, in the one form that okstra writes: UTC, ISO 8601, `Z`, whole seconds."""

from __future__ import annotations

import time


class Clock:
    """The machine's clock."""

    def now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
