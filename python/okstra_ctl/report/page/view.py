"""All that a page is made from. The flow gathers it; nothing here asks for more."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..excerpts import Cited, Excerpt
from ..parts import Field

_LONG = 1500
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]+[^\s<>\"'`\\^{|}.,;:!?)\]]")


class Dispatch(NamedTuple):
    """One worker's turn: `start` in seconds after the run's first; `seconds` None while it has not ended."""

    worker: str
    label: str
    attempt: int
    start: float
    seconds: float | None
    outcome: str
    state: str


class Words(NamedTuple):
    """The words of the report's language, by name."""

    labels: Mapping[str, str]

    def __call__(self, name: str) -> str:
        return self.labels[name]

    def token(self, word: object) -> str:
        """A word of the records (a class, an outcome) in the report's language; itself when it has no translation."""
        return self.labels.get(f"word_{word}", str(word))

    def phase(self, task_type: str) -> str:
        return self.labels.get(f"phase_{task_type}", task_type)

    def field(self, field: Field) -> str:
        return self.labels.get(f"field_{field.name}", field.title)

    def gate(self, name: str) -> str:
        return self.labels.get(f"gate_{name}", name)

    def column(self, name: str) -> str:
        return self.labels.get(f"column_{name}", name)

    def columns(self, names: Sequence[str]) -> list[str]:
        return [self.column(name) for name in names]


class View(NamedTuple):
    """`tokens` are the phase's verdicts, best first; `digest` is the SHA-256 of the data that the page shows;
    `style` and `script` are okstra's own."""

    report: Mapping[str, Any]
    fields: Sequence[Field]
    words: Words
    tokens: Sequence[str]
    excerpts: Mapping[Cited, Excerpt]
    dispatches: Sequence[Dispatch]
    rounds: Sequence[Mapping[str, Any]]
    digest: str
    style: str
    script: str


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
