"""What a client's error means, by HTTP status or by its words: clients word the same few failures differently."""

from __future__ import annotations

import re

from ..outcomes import Failure

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


def failure_of_status(status: object) -> Failure | None:
    """None when it is no status that says more than `an error`."""
    return _BY_STATUS.get(status) if isinstance(status, int) else None


def failure_in(message: str) -> Failure:
    """The failure that a message tells of; CLIENT when it tells of none that okstra knows."""
    for number in _STATUS.findall(message):
        if found := failure_of_status(int(number)):
            return found
    for failure, words in _WORDS:
        if re.search(words, message, re.IGNORECASE):
            return failure
    return Failure.CLIENT
