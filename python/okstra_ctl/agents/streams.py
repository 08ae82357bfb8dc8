"""Reading streams of one JSON object per line, and what a failure message means. Nothing in a stream can raise: a
client may print anything. When a client may go on is read by `when_again.py`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..results.parse import begins_as_result
from ..status import Failure
from ..system.text import loads
from .when_again import again_at_epoch, again_in

Event = dict[str, Any]
_LINE_THAT_OPENS = re.compile(rb"^\{", re.MULTILINE)
_BY_STATUS = {
    429: Failure.RATE_LIMIT,
    401: Failure.LOGIN,
    403: Failure.LOGIN,
    **dict.fromkeys((408, 500, 502, 503, 504, 529), Failure.OVERLOADED),
}
_STATUS = re.compile(r"\b(?:status(?: code)?|code|error)\b\W{0,4}([45][0-9]{2})\b", re.IGNORECASE)
_NO_LOGIN = (
    r"unauthorized|not logged in|log ?in (?:again|required)|/login|invalid.{0,20}api.?key|invalid auth|no auth"
    r"|auth(?:entication)?[ _](?:is )?required|authentication[ _](?:error|failed)|unauthenticated|not authenticated"
    r"|not signed in|sign ?in required"
)
_WORDS = (
    (Failure.RATE_LIMIT, r"rate.?limit|too many requests|quota|(?:usage|session|weekly|hour) limit|hit your limit"),
    (Failure.LOGIN, _NO_LOGIN),
    (Failure.OVERLOADED, r"overloaded|at capacity|high demand|service unavailable|bad gateway|internal server error"),
)

# What no second try within the hour mends.
_LASTING = re.compile(
    r"(?:daily|weekly|monthly|session|usage|spend\w*) (?:quota|limit|cap)|per.?day|insufficient.quota|credit balance"
    r"|exhausted your .{0,30}quota|hit your (?:\w+ )?limit",
    re.IGNORECASE,
)


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


def closing_text(earlier: str, later: str) -> str:
    """Which of two messages is the result, where the closing message is: the later, but an agent that has delivered
    may say a word more, as "Done", or nothing."""
    if not later.strip() or (begins_as_result(earlier) and not begins_as_result(later)):
        return earlier
    return later


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


def is_lasting(message: str) -> bool:
    """Whether a message about a limit is about one of hours or days, rather than of the last minute's requests."""
    return _LASTING.search(message) is not None


def retry_after_in(message: str, now: datetime | None = None) -> float | None:
    """The delay in seconds that a message names, None when it names none; `now` is when the message was printed."""
    now = now or local_now()
    return seconds_until(again_in(message, now), now)


def retry_after_epoch(epoch: float, now: datetime | None = None) -> float | None:
    """The delay in seconds until a time since 1970, in seconds or milliseconds; None where it can't be meant."""
    now = now or local_now()
    return seconds_until(again_at_epoch(epoch, now), now)


def seconds_until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, round(at.timestamp() - now.timestamp(), 3))


def local_now() -> datetime:
    """The time, in this machine's zone with its rules, so that a time of day beyond a change of clocks is right."""
    name = os.environ.get("TZ") or os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    try:
        return datetime.now(ZoneInfo(name))
    except (OSError, ValueError, KeyError):  # KeyError: no such zone
        return datetime.now().astimezone()


def time_of(epoch: float) -> str:
    """A time since 1970 as okstra writes them."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
