"""The wizard at a terminal, by questionary: lists with arrow keys, fields to type in, Esc as the way back.

Each question is gone when it is answered, and leaves one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

import questionary
from prompt_toolkit.completion import PathCompleter
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyBindingsBase, merge_key_bindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.output import create_output

from ..errors import UsageError
from ..system.signals import stoppable
from ..system.text import printable
from .session import FILES
from .steps import BACK, Option, Question, begin_with

NONE_MARKED = ","  # an empty answer would stand for the default
_MORE, _OTHER = "__more__", "__other__"
_STYLE = [("question", "bold"), ("highlighted", "reverse"), ("instruction", "fg:ansibrightblack")]
_ROOMY = 10  # rows of a terminal from which on help and keys have a place
_KEY_WAIT = 0.2  # seconds until an Esc is known to be none of an arrow's


class TerminalFront:
    def __init__(self, words: Mapping[str, str], source: TextIO, screen: TextIO) -> None:
        self._words, self._screen = words, screen
        self._ends: dict[str, Any] = {"input": create_input(source), "output": create_output(screen)}

    def show(self, text: str) -> None:
        self._screen.write(printable(text) + "\n")
        self._screen.flush()

    def ask(self, question: Question, before: str) -> str:
        options = (*question.options, *question.rest)
        begun = begin_with(question, before)
        try:
            if question.kind == "text":
                answer = self._field(question, before)
            elif question.kind == "multi":
                answer = self._marked(question, options, begun)
            else:
                answer = self._picked(question, begun)
                answer = self._field(question, before) if answer == _OTHER else answer
        except EOFError:
            raise UsageError(
                "input-missing", "the input ended before everything was answered", where=question.id
            ) from None
        if answer != BACK:
            labels = {option.value: option.label for option in options if question.kind != "multi"}
            colon = "" if question.label.endswith("?") else ":"
            self.show(f"{question.label}{colon} {labels.get(answer, answer.strip(',').replace(',', ', ')) or '-'}")
        return answer

    def _picked(self, question: Question, begun: str) -> str:
        """A value of the options, `_OTHER` or BACK; "more" shows the rest, with the first of it lit."""
        folded = [] if begun in {option.value for option in question.rest} else list(question.rest)
        while True:
            shown = [*question.options, *(question.rest if not folded else (Option(_MORE, self._words["more"]),))]
            shown += [Option(_OTHER, self._words["other"])] if question.free else []
            lit = begun if begun in {option.value for option in shown} else None
            choices = [questionary.Choice(_row(option), option.value) for option in shown]
            answer = self._ask(questionary.select, question, "keys-pick", choices=choices, default=lit, pointer=">")
            if answer != _MORE:
                return str(answer)
            begun, folded = folded[0].value, []

    def _marked(self, question: Question, options: tuple[Option, ...], begun: str) -> str:
        choices = [
            questionary.Choice(_row(option), option.value, checked=option.value in begun.split(","))
            for option in options
        ]
        answer = self._ask(questionary.checkbox, question, "keys-multi", choices=choices, pointer=">")
        return BACK if answer == BACK else ",".join(answer) or NONE_MARKED

    def _field(self, question: Question, before: str) -> str:
        is_file = question.id in FILES
        return str(
            self._ask(
                questionary.text,
                question,
                "keys-path" if is_file else "keys-text",
                default=before if "\n" not in before else "",
                completer=PathCompleter() if is_file else None,
                complete_while_typing=False,
            )
        )

    def _ask(self, kind: Any, question: Question, keys: str, **options: Any) -> Any:
        is_roomy = self._ends["output"].get_size().rows >= _ROOMY
        shown = [question.help, self._words[keys]] if is_roomy else []
        instruction = printable("\n  ".join(["", *filter(None, shown)])) or " "  # questionary's own is English
        asked: questionary.Question = kind(
            printable(question.label),
            qmark=f"{printable(question.error)}\n?" if question.error else "?",
            instruction=f"{instruction}\n>" if kind is questionary.text else instruction,
            style=questionary.Style([*_STYLE, ("qmark", "fg:ansired" if question.error else "bold")]),
            erase_when_done=True,
            **self._ends,
            **options,
        )
        application = asked.application
        application.ttimeoutlen = _KEY_WAIT
        application.key_bindings = merge_key_bindings(
            [application.key_bindings or KeyBindings(), _keys(is_list=kind is not questionary.text)]
        )
        with stoppable():  # the terminal must not be left without lines and echo
            return asked.unsafe_ask()


def _row(option: Option) -> str:
    shown = f"{option.label}  {option.hint}" if option.hint else option.label
    return printable(shown.replace("\n", " "))


def _keys(*, is_list: bool) -> KeyBindingsBase:
    """What questionary has no keys for: the way back, the end of the input, an interrupt by signal."""
    keys = KeyBindings()

    def back(event: KeyPressEvent) -> None:
        event.app.exit(result=BACK)

    keys.add("escape", eager=True)(back)
    if is_list:
        keys.add("left")(back)
        keys.add("c-d")(lambda event: event.app.exit(exception=EOFError))
        keys.add("<sigint>")(lambda event: event.app.exit(exception=KeyboardInterrupt))
    return keys
