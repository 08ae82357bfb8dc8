"""How the texts of agents, and times, look on a page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

_LONG = 1500
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]+[^\s<>\"'`\\^{|}.,;:!?)\]]")


class Part(NamedTuple):
    """A part of an agent's text. `kind` is `text`, `code` or `link`."""

    kind: str
    text: str


class Prose(NamedTuple):
    """A text of an agent. What is very long is folded, so that it does not bury the rest: `short` is what shows."""

    whole: str
    short: str = ""


def parts_of(content: str) -> Iterator[Part]:
    """A text as agents write them: what stands in backticks is code, addresses of the web are links."""
    for place, part in enumerate(_CODE.split(content)):
        if place % 2:
            yield Part("code", part)
        else:
            yield from _linked(part)


def prose_of(value: object) -> Prose:
    content = str(value).strip()
    return Prose(content) if len(content) <= _LONG else Prose(content, content[: _LONG // 3])


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def policy_hash(content: str) -> str:
    """How a Content-Security-Policy names the one style or script that a page may use."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _linked(content: str) -> Iterator[Part]:
    position = 0
    for found in _LINK.finditer(content):
        yield Part("text", content[position : found.start()])
        yield Part("link", found[0])
        position = found.end()
    yield Part("text", content[position:])
