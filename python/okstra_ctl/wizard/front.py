"""The wizard's conversation with a person at the terminal: with lists and fields, or line by line, for a simple
terminal or a person who prefers it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol, TextIO

from ..errors import UsageError
from ..services import Services
from ..system.text import printable
from . import session
from .session import Wizard
from .steps import BACK, Option, Question, begin_with

_BACK, _MORE = "<", "+"
CONFIRM = "confirm"
_LINES_OF_A_LIST = 3  # at least: the question, and a row that is lit


class Front(Protocol):
    """Shows a question and reads its answer."""

    def ask(self, question: Question, before: str) -> str:
        """`before`: the initial value, an earlier answer or the default. Returns a value of the options, free text,
        or BACK. Raises KeyboardInterrupt, UsageError (`input-missing`) when the input has ended."""

    def show(self, text: str) -> None: ...


def converse(wizard: Wizard, front: Front, services: Services, more: Sequence[str] = ()) -> Wizard:
    """Asks until all is answered; nothing is written. `more`: flags of the command that no question is about."""
    error = ""
    stream: dict[str, str] = {}
    while (asked := session.question(wizard, services, error)) is not None:
        if asked.id == CONFIRM and not error:
            front.show(session.confirmation(wizard, services, more))
        before = "" if asked.kind == "text" else asked.default
        answer = front.ask(asked, stream.get(asked.id, before))
        if answer != BACK:
            stream[asked.id] = answer
        wizard, error = session.advance(wizard, answer, services)
    return wizard


def can_ask() -> bool:
    """Questions go to stderr, and answers come from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def open_front(language: str, environment: Mapping[str, str], *, plain: bool) -> Front:
    """Lists and fields; line by line where that is asked for, or the terminal or the installation can't do more.

    Somebody is there to ask (`can_ask`).
    """
    texts = session.texts_of(language)
    words = {**texts["words"], "more": texts["options"]["more"]}
    is_tiny = 0 < os.get_terminal_size(sys.stderr.fileno()).lines < _LINES_OF_A_LIST  # 0: not known
    if plain or is_tiny or environment.get("TERM", "dumb") == "dumb" or find_spec("questionary") is None:
        return PlainFront(words, sys.stdin, sys.stderr)
    from .terminal_front import TerminalFront

    return TerminalFront(words, sys.stdin, sys.stderr)


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
