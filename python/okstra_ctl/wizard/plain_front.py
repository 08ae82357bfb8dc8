"""The wizard line by line: for a simple terminal, or a person who prefers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from ..errors import UsageError
from ..system.visible_text import printable
from .questions import BACK, Option, Question, begin_with

_BACK, _MORE = "<", "+"


class PlainFront:
    def __init__(self, words: Mapping[str, str], source: TextIO, screen: TextIO) -> None:
        self._words, self._source, self._screen = words, source, screen

    def show(self, text: str) -> None:
        self._screen.write(printable(text) + "\n")

    def ask(self, question: Question, before: str) -> str:
        options = (*question.options, *question.rest)
        begun = begin_with(question, before)
        self.show("")
        if question.error:
            self.show(f"! {question.error}")
        self.show(f"{question.label}  ({question.help})")
        self._list(options, question.options, begun)
        if question.rest:
            self.show(f"   {_MORE}  {self._words['more']}")
        kind = question.kind if question.kind in ("text", "multi") else "pick"
        self.show(self._words[f"line-{kind}"])
        line = self._line(question)
        if line == _MORE and question.rest:
            self._list(options, question.rest, begun)
            line = self._line(question)
        return BACK if line == _BACK else _meant(line, question, begun)

    def _list(self, options: Sequence[Option], shown: Sequence[Option], begun: str) -> None:
        marked = begun.split(",")
        for key, option in _keyed(options):
            if option not in shown:
                continue
            mark = "*" if option.value in marked else " "
            hint = f"  ({option.hint})" if option.hint else ""
            self.show(f" {mark} {key}  {option.label}{hint}")

    def _line(self, question: Question) -> str:
        self._screen.write("> ")
        self._screen.flush()
        line = self._source.readline()
        if not line:
            where = question.id
            raise UsageError("input-missing", "the input ended before everything was answered", where=where)
        return line.strip()


def _meant(line: str, question: Question, begun: str) -> str:
    """The options' values where the line names them by key, label or value; else the line itself."""
    options = (*question.options, *question.rest)
    if not options:
        return line
    if not line:
        return begun
    if question.kind == "multi":
        return ",".join(_value(part.strip(), options) for part in line.split(","))
    if question.kind == "confirm" and line.lower() in ("y", "n"):
        return "yes" if line.lower() == "y" else "no"
    return _value(line, options)


def _value(word: str, options: Sequence[Option]) -> str:
    near = [
        option.value
        for key, option in _keyed(options)
        if word.lower() in (key, option.value.lower(), option.label.lower())
    ]
    return near[0] if near else word


def _keyed(options: Sequence[Option]) -> list[tuple[str, Option]]:
    """Each option with what is typed for it: its number in the list, or its value where values are numbers (stages)."""
    if any(option.value.isdecimal() for option in options):
        return [(option.value, option) for option in options]
    return [(str(number), option) for number, option in enumerate(options, 1)]
