"""The rows of one list of the wizard: which is lit, which are marked, what is folded away. Knows no terminal."""

from __future__ import annotations

from ..core.wizard.records import Option, Question
from ..words.hints import Mapping
from ..words.records import Record

MORE, OTHER = "__more__", "__other__"


class Row(Record):
    option: Option
    lit: bool
    marked: bool | None


class Menu:
    """`before` is lit, or marked, at the start; what is lit is never folded away."""

    def __init__(self, question: Question, words: Mapping[str, str], before: str) -> None:
        self.multi = question.kind == "multi"
        options = (*question.options, *question.rest)
        known = {option.value for option in options}
        begun = before if before and set(before.split(",")) <= known else question.default
        self._options = options
        self._folded = len(question.rest) if begun not in {option.value for option in question.rest} else 0
        self._tail = [Option(OTHER, words["other"])] if question.free else []
        self._more = Option(MORE, words["more"])
        self._marked = set(begun.split(",")) & known if self.multi else set[str]()
        values = [option.value for option in options]
        self._at = values.index(begun) if begun in values else 0

    def rows(self) -> list[Row]:
        marks = [option.value in self._marked if self.multi else None for option in self._all()]
        return [
            Row(option, at == self._at, mark) for at, (option, mark) in enumerate(zip(self._all(), marks, strict=True))
        ]

    @property
    def at(self) -> int:
        return self._at

    def lit(self) -> Option | None:
        """None when there is nothing to choose from."""
        shown = self._all()
        return shown[self._at] if shown else None

    def move(self, by: int) -> None:
        """Goes round at both ends."""
        self._at = (self._at + by) % max(1, len(self._all()))

    def go(self, to: int) -> None:
        """To a row by its number from 0; a number that is none is passed over."""
        if 0 <= to < len(self._all()):
            self._at = to

    def unfold(self) -> None:
        """Shows what was folded away; the first of it takes the place of "more" and is lit."""
        self._folded = 0

    def toggle(self) -> None:
        """Marks what is lit, or takes its mark away."""
        lit = self.lit()
        if lit is not None and lit.value not in (MORE, OTHER):
            self._marked ^= {lit.value}

    def marked(self) -> str:
        return ",".join(option.value for option in self._options if option.value in self._marked)

    def _all(self) -> list[Option]:
        shown = self._options[: len(self._options) - self._folded]
        return [*shown, *([self._more] if self._folded else []), *self._tail]
