"""Who works on a run, and whether they still do (spec 3, "Recovery"). Liveness is looked up at the edge."""

from __future__ import annotations

from typing import NamedTuple

from .status import Liveness


class Owner(NamedTuple):
    """A process, so named that a reused pid or a rebooted machine is not mistaken for it."""

    host: str
    boot_id: str
    pid: int
    start_time: str

    def to_json(self) -> dict[str, object]:
        return {"host": self.host, "boot_id": self.boot_id, "pid": self.pid, "start_time": self.start_time}

    @classmethod
    def from_json(cls, value: object) -> Owner | None:
        """None for null. Raises ValueError on another shape."""
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError("an owner is an object or null")
        pid = value.get("pid")
        if not isinstance(pid, int):
            raise ValueError("an owner has a pid")
        return cls(str(value.get("host", "")), str(value.get("boot_id", "")), pid, str(value.get("start_time", "")))


class OwnedBy(NamedTuple):
    """An owner with what the edge found out about it."""

    owner: Owner | None
    liveness: Liveness
