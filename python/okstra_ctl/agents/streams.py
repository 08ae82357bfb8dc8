"""Streams of one JSON object a line, read so that nothing in them can raise: a client may print anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..system.json_text import loads

Event = dict[str, Any]
_LINE_THAT_OPENS = re.compile(rb"^\{", re.MULTILINE)


def events(stream: bytes) -> list[Event]:
    """The objects of the whole lines; garbage and a half line at the end are passed over."""
    found = []
    for line in stream.split(b"\n"):
        event = _object(line.strip())
        if event is not None:
            found.append(event)
    return found


def whole(text: bytes) -> Event | None:
    """The last object, over several lines or not, that the text ends with after lines of talk."""
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
