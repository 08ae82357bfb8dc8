"""The windows of a subscription, as clients report them: how much of each is used, and when it begins anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

ALLOWED, WARNING, REJECTED = "allowed", "allowed_warning", "rejected"
_NEARLY = 0.9
_MINUTES_OF = {300: "five_hour", 10080: "seven_day", 1440: "day", 43200: "month"}
Time = Callable[[float], str]


class Window(NamedTuple):
    """`used` is a share from 0 to 1, None where the client does not report it. `status` is `allowed`, `allowed_warning`
    or `rejected`. `resets_at` is a time as okstra writes them; empty where it is not known."""

    name: str
    status: str
    used: float | None
    resets_at: str

    def to_json(self) -> dict[str, Any]:
        return self._asdict()

    @classmethod
    def from_json(cls, row: object) -> Window | None:
        """None for anything else."""
        if not isinstance(row, Mapping):
            return None
        used, texts = row.get("used"), [row.get(name) for name in ("name", "status", "resets_at")]
        if not all(isinstance(text, str) for text in texts) or isinstance(used, bool):
            return None
        name, status, resets_at = map(str, texts)
        return cls(name, status, float(used) if isinstance(used, int | float) else None, resets_at)


class Seen(NamedTuple):
    """What a client reported, and when; `by` says how it is known."""

    windows: tuple[Window, ...]
    at: str
    by: str


def of_claude(infos: Iterable[Mapping[str, Any]], time_of: Time) -> tuple[Window, ...]:
    """From its `rate_limit_event`s, in order: the last of each window counts. `time_of` writes a time since 1970."""
    found: dict[str, Window] = {}
    for info in infos:
        name, status = info.get("rateLimitType"), info.get("status")
        if isinstance(name, str) and isinstance(status, str):
            found[name] = Window(name, status, _share(info.get("utilization"), 1.0), _at(info.get("resetsAt"), time_of))
    return tuple(found.values())


def of_codex(limits: Mapping[str, Any], time_of: Time) -> tuple[Window, ...]:
    """From its `rateLimits` (of the app-server) or `rate_limits` (of a session's file)."""
    found = []
    for part in ("primary", "secondary"):
        given = limits.get(part)
        if not isinstance(given, Mapping):
            continue
        minutes = given.get("windowDurationMins", given.get("window_minutes"))
        name = _MINUTES_OF.get(minutes) if isinstance(minutes, int) else None
        used = _share(given.get("usedPercent", given.get("used_percent")), 100.0)
        status = REJECTED if used is not None and used >= 1 else ALLOWED
        name = name or (f"{minutes} minutes" if isinstance(minutes, int) else part)
        found.append(Window(name, status, used, _at(given.get("resetsAt", given.get("resets_at")), time_of)))
    return tuple(found)


def short_of(windows: Sequence[Window], now: str) -> list[Window]:
    """Those that are used up, or nearly, and have not begun anew since."""
    return [one for one in windows if _is_short(one) and (not one.resets_at or one.resets_at > now)]


def _is_short(window: Window) -> bool:
    return window.status in (REJECTED, WARNING) or (window.used is not None and window.used >= _NEARLY)


def window_text(window: Window) -> str:
    """`five_hour 93 % used, until TIME`."""
    used = "used up" if window.status == REJECTED else "" if window.used is None else f"{window.used:.0%} used"
    used = used or ("nearly used up" if window.status == WARNING else "not used up")
    return f"{window.name} {used}" + (f", until {window.resets_at}" if window.resets_at else "")


def _share(value: object, whole: float) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100 * whole
    return round(float(value) / whole, 4) if good else None  # type: ignore[arg-type]


def _at(value: object, time_of: Time) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1e9 <= value < 1e14:
        return ""
    return time_of(value / 1000 if value >= 1e12 else float(value))
