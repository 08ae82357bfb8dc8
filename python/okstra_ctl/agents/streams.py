"""Reading streams of one JSON object per line, and what a failure message means. Nothing in a stream can raise: a
client may print anything.

A message may say when a client may retry: after some seconds, at a time of day, on a date, at an epoch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ..status import Failure
from ..system.text import loads

Event = dict[str, Any]
_LINE_THAT_OPENS = re.compile(rb"^\{", re.MULTILINE)
_BY_STATUS = {
    429: Failure.RATE_LIMIT,
    401: Failure.LOGIN,
    403: Failure.LOGIN,
    **dict.fromkeys((408, 500, 502, 503, 504, 529), Failure.OVERLOADED),
}
_STATUS = re.compile(r"\b(?:status(?: code)?|code|error)\b\W{0,4}([45][0-9]{2})\b", re.IGNORECASE)
_WORDS = (
    (Failure.RATE_LIMIT, r"rate.?limit|too many requests|quota|(?:usage|session|weekly|hour) limit|hit your limit"),
    (Failure.LOGIN, r"unauthorized|not logged in|log ?in again|/login|invalid.{0,20}api.?key|invalid auth|no auth"),
    (Failure.OVERLOADED, r"overloaded|at capacity|high demand|service unavailable|bad gateway|internal server error"),
)
_UNIT = r"(?:ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])"
_NUMBER_AND_UNIT = rf"[0-9]{{1,9}}(?:\.[0-9]+)? ?{_UNIT}"
_IN = re.compile(
    r"(?:again|resets?|retry|retry_after|wait)\W{1,3}(?:in |after |for )?"
    rf"({_NUMBER_AND_UNIT}(?:[ ,]*(?:and )?{_NUMBER_AND_UNIT})*)",
    re.IGNORECASE,
)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|[a-z])", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_AT = re.compile(
    r"(?:again|resets?|reset|available|until)\W{1,3}(?:at |on |by )?"
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
    r"(?:,? (?P<year>[0-9]{4}))?,?(?: at)? )?"
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))?(?::[0-9]{2})?(?: ?(?P<half>[ap])\.?m\b\.?)?"
    r"(?: ?\(?(?P<zone>UTC|GMT|Z\b|[A-Z][A-Za-z]+/[A-Za-z_/+-]+))?",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"(?:again|resets?|available|until)\W{1,3}(?:at |on |by )?"
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = re.compile(r"(?:resets?[ _-]?at|limit reached)\W{1,4}([0-9]{10}|[0-9]{13})\b", re.IGNORECASE)
_IN_SECONDS = re.compile(
    r"(?:resets?|retry)[ _-]?(?:in|after)[ _-]?seconds\W{1,4}([0-9]{1,9}(?:\.[0-9]+)?)", re.IGNORECASE
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_JUST_NOW = timedelta(minutes=5)
"""A time of day that has passed by less than this means now, not the same time tomorrow."""
_A_MOMENT = 60.0


def events(stream: bytes) -> list[Event]:
    """The objects of complete lines; garbage and an incomplete last line are skipped."""
    found = []
    for line in stream.split(b"\n"):
        event = _object(line.strip())
        if event is not None:
            found.append(event)
    return found


def whole(text: bytes) -> Event | None:
    """The object at the end of the text, on one line or several, after any other output; None when there is none."""
    text = text.strip()
    for start in reversed([found.start() for found in _LINE_THAT_OPENS.finditer(text)][-200:]):
        if (event := _object(text[start:])) is not None:
            return event
    return None


def _object(text: bytes) -> Event | None:
    if not text.startswith(b"{"):
        return None
    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text_at(value: object, *names: str) -> str:
    """The text at a path of keys; empty when there is none."""
    found = at(value, *names)
    return found if isinstance(found, str) else ""


def mapping_at(value: object, *names: str) -> Mapping[str, Any]:
    found = at(value, *names)
    return found if isinstance(found, dict) else {}


def list_at(value: object, *names: str) -> list[Any]:
    found = at(value, *names)
    return found if isinstance(found, list) else []


def count_at(value: object, *names: str) -> int:
    """The number at a path of keys, as a count; 0 when there is none."""
    found = at(value, *names)
    countable = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e15
    return int(found) if countable else 0


def number_at(value: object, *names: str) -> float | None:
    found = at(value, *names)
    good = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e15
    return float(found) if good else None


def at(value: object, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def failure_of_status(status: object) -> Failure | None:
    """The failure that an HTTP status stands for; None when it stands for none in particular."""
    return _BY_STATUS.get(status) if isinstance(status, int) else None


def failure_in(message: str) -> Failure:
    """The failure that a message describes; CLIENT when it describes none that okstra knows."""
    for number in _STATUS.findall(message):
        if found := failure_of_status(int(number)):
            return found
    for failure, words in _WORDS:
        if re.search(words, message, re.IGNORECASE):
            return failure
    return Failure.CLIENT


def retry_after_in(message: str, now: datetime | None = None) -> float | None:
    """The delay in seconds that a message names, None when it names none; `now` is when the message was printed."""
    now = now or datetime.now().astimezone()
    if found := _IN_SECONDS.search(message):
        return float(found[1])
    if found := _IN.search(message):
        return sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PART.findall(found[1]))
    if found := _EPOCH.search(message):
        return seconds_until_epoch(float(found[1]), now)
    at = _moment(message, now)
    return None if at is None else max(_A_MOMENT, (at - now).total_seconds())


def seconds_until_epoch(epoch: float, now: datetime | None = None) -> float:
    """`epoch` is in seconds, or in milliseconds, since 1970."""
    now = now or datetime.now().astimezone()
    seconds = epoch / 1000 if epoch >= 1e12 else epoch
    return max(0.0, seconds - now.timestamp())


def _moment(message: str, now: datetime) -> datetime | None:
    if found := _ISO.search(message):
        zone = (found[2] or "").replace("Z", "+00:00")
        try:
            at = datetime.fromisoformat(found[1] + (zone if len(zone) != 5 else f"{zone[:3]}:{zone[3:]}"))
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    for found in _AT.finditer(message):
        if found["minute"] or found["half"]:
            return _time_of_day(found, now)
    return None


def _time_of_day(found: re.Match[str], now: datetime) -> datetime | None:
    """The next such time, on the named day if there is one."""
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    here = now.astimezone(_zone(found["zone"], now))
    try:
        at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if found["month"]:
            month = _MONTHS.index(found["month"].lower()[:3]) + 1
            at = at.replace(year=int(found["year"] or here.year), month=month, day=int(found["day"]))
            return at if found["year"] or at >= here - _JUST_NOW else at.replace(year=here.year + 1)
    except ValueError:
        return None
    return at if at >= here - _JUST_NOW else at + timedelta(days=1)


def _zone(name: str | None, now: datetime) -> tzinfo | None:
    if not name:
        return now.tzinfo
    if "/" not in name:
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # KeyError: an unknown zone
        return now.tzinfo
