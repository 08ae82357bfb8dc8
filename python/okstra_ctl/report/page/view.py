"""All that a page is made from. The flow gathers it; nothing here asks for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..excerpts import Cited, Excerpt
from ..parts import Field


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
