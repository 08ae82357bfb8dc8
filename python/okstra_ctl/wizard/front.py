"""The wizard's conversation with a person at the terminal, with either front end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol

from ..services import Services
from . import session
from .questions import BACK, Question
from .session import Wizard

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
        answer = front.ask(asked, stream.get(asked.id, asked.default))
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
        from .plain_front import PlainFront

        return PlainFront(words, sys.stdin, sys.stderr)
    from .terminal_front import TerminalFront

    return TerminalFront(words, sys.stdin, sys.stderr)
