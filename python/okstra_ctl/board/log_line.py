"""The last message in a worker's log, as one line of harmless text.

Clients print anything: progress that overwrites itself, colours, streams of JSON. The result has no control characters,
and of a stream's event only its text or command.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ..system.json_text import loads

LONGEST = 400
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]", re.DOTALL
)
_WORDS = ("text", "thinking", "result", "content", "command", "summary", "error", "message", "output")
_TOOL_FACTS = ("command", "file_path", "path", "pattern", "query", "description", "url")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_DEPTH = 6


def last_line(text: str) -> str:
    """The last line with any content; empty when there is none. The text is the end of a log."""
    for line in reversed(re.split(r"[\r\n]+", text)):
        shown = _plain(_text_of(_SEQUENCE.sub("", line).strip()))
        if shown:
            return shown
    return ""


def _text_of(line: str) -> str:
    """The line; of a JSON object, its text or command."""
    if not line.startswith("{"):
        return line
    try:
        event = loads(line)
    except (ValueError, RecursionError):
        return line
    return _of_event(event, _DEPTH) if isinstance(event, dict) else line


def _of_event(value: object, depth: int) -> str:
    if isinstance(value, str):
        return value
    if not depth:
        return ""
    if isinstance(value, list):
        return next((said for one in reversed(value) if (said := _of_event(one, depth - 1))), "")
    if not isinstance(value, Mapping):
        return ""
    if isinstance(value.get("name"), str) and isinstance(value.get("input"), Mapping):
        return _tool(value["name"], value["input"])
    if isinstance(value.get("item"), Mapping):
        return _of_event(value["item"], depth - 1)
    return next((said for name in _WORDS if (said := _of_event(value.get(name), depth - 1))), "")


def _tool(name: str, given: Mapping[str, Any]) -> str:
    fact = next((str(given[key]) for key in _TOOL_FACTS if isinstance(given.get(key), str)), "")
    return f"{name}: {fact}" if fact else name


def _plain(text: str) -> str:
    """On one line, cut, and without control characters."""
    text = " ".join(_SEQUENCE.sub("", text[: LONGEST * 8]).split())
    if not text.isprintable():
        text = "".join(char for char in text if unicodedata.category(char) not in _UNSEEN)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"
