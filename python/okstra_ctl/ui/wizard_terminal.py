"""The wizard at a terminal: lists with arrow keys, fields to type in, a way back. Each question is gone when it is
answered, and leaves one line."""

from __future__ import annotations

import signal
from types import FrameType

from prompt_toolkit.application import Application
from prompt_toolkit.completion import PathCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.shortcuts import PromptSession
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from ..core.terminal_text import printable
from ..core.wizard.records import BACK, Question
from ..flows.wizard import FILES
from ..words.errors import UsageError
from ..words.hints import TYPE_CHECKING, Any, Iterator, Mapping, TextIO
from ..words.scopes import scope
from .wizard_front import NONE_MARKED
from .wizard_menu import MORE, OTHER, Menu

if TYPE_CHECKING:
    from prompt_toolkit.key_binding.key_processor import KeyPressEvent

_STYLE = Style.from_dict(
    {"error": "ansired", "label": "bold", "dim": "ansibrightblack", "lit": "reverse", "bottom-toolbar": "noreverse"}
)
_INDENT = 8  # columns of a row that are neither label nor hint, at most
_ROOMY = 10  # rows of a terminal from which on help and keys have a place
_KEY_WAIT = 0.2  # seconds until an Esc is known to be none of an arrow's


class TerminalFront:
    def __init__(self, words: Mapping[str, str], source: TextIO, screen: TextIO) -> None:
        self._words, self._screen = words, screen
        self._input, self._output = create_input(source), create_output(screen)

    def tell(self, text: str) -> None:
        self._screen.write(printable(text) + "\n")
        self._screen.flush()

    def ask(self, question: Question, before: str) -> str:
        try:
            with _stoppable():
                answer = self._field(question, before) if question.kind == "text" else self._list(question, before)
        except EOFError:
            raise UsageError(
                "input-missing", "the input ended before everything was answered", where=question.id
            ) from None
        if answer != BACK:
            colon = "" if question.label.endswith("?") else ":"
            self.tell(f"{question.label}{colon} {_told(question, answer) or '-'}")
        return answer

    def _list(self, question: Question, before: str) -> str:
        menu = Menu(question, self._words, before)
        application: Application[str] = Application(
            layout=Layout(
                _list_windows(question, menu, self._words["keys-multi" if menu.multi else "keys-pick"], self._output)
            ),
            key_bindings=_list_keys(menu),
            style=_STYLE,
            erase_when_done=True,
            input=self._input,
            output=self._output,
        )
        application.ttimeoutlen = _KEY_WAIT
        answer = application.run()
        return self._field(question, before) if answer == OTHER else answer

    def _field(self, question: Question, before: str) -> str:
        session: PromptSession[str] = PromptSession(
            erase_when_done=True, style=_STYLE, input=self._input, output=self._output
        )
        session.app.ttimeoutlen = _KEY_WAIT
        keys = KeyBindings()
        keys.add("escape", eager=True)(lambda event: event.app.exit(result=BACK))
        keys.add("tab", filter=Condition(lambda: question.id not in FILES))(lambda event: None)
        shown_keys = self._words["keys-path" if question.id in FILES else "keys-text"]
        message: StyleAndTextTuples = [("class:label", f"{printable(question.label)}\n")]
        if question.error:
            message.insert(0, ("class:error", f"{printable(question.error)}\n"))
        if self._roomy():
            message.append(("class:dim", f"{printable(question.help)}\n"))
        return session.prompt(
            [*message, ("", "> ")],
            default=before if "\n" not in before else "",
            completer=PathCompleter() if question.id in FILES else None,
            complete_while_typing=False,
            key_bindings=keys,
            bottom_toolbar=[("class:dim", shown_keys)] if self._roomy() else None,
            handle_sigint=True,
        )

    def _roomy(self) -> bool:
        return _is_roomy(self._output)


@scope
def _stoppable() -> Iterator[None]:
    """A signal to end is as good as Ctrl-C: the terminal must not be left without lines and echo."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_roomy(output: Output) -> bool:
    return output.get_size().rows >= _ROOMY


def _list_windows(question: Question, menu: Menu, keys: str, output: Output) -> HSplit:
    """The rows come first: in a window of a few lines there is room for them alone."""

    def text(style: str, content: Any, *, always: bool = False) -> ConditionalContainer:
        control = FormattedTextControl(lambda: [(style, printable(content() if callable(content) else content))])
        window = Window(control, wrap_lines=True, dont_extend_height=True)
        there = Condition(lambda: bool(content() if callable(content) else content) and (always or _is_roomy(output)))
        return ConditionalContainer(window, filter=there)

    def hint() -> str:
        """The lit row's, when it is cut off at the right edge."""
        lit = menu.lit()
        width = sum(get_cwidth(printable(part)) for part in (lit.label, lit.hint)) + _INDENT if lit else 0
        return lit.hint if lit and width > output.get_size().columns else ""

    rows = FormattedTextControl(
        lambda: _drawn(menu), focusable=True, show_cursor=False, get_cursor_position=lambda: _point(menu)
    )
    return HSplit(
        [
            text("class:error", question.error, always=True),
            text("class:label", question.label, always=True),
            text("class:dim", question.help),
            Window(rows, height=lambda: Dimension(min=1, preferred=len(menu.rows())), dont_extend_height=True),
            text("", hint),
            text("class:dim", keys),
        ]
    )


def _drawn(menu: Menu) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = []
    for row in menu.rows():
        mark = "" if row.marked is None else "[x] " if row.marked else "[ ] "
        shown = row.option.label.replace("\n", " ")
        fragments.append(("class:lit" if row.lit else "", f"{'>' if row.lit else ' '} {mark}{printable(shown)}"))
        if row.option.hint:
            fragments.append(("class:dim", "  " + printable(row.option.hint.replace("\n", " "))))
        fragments.append(("", "\n"))
    return fragments[:-1]


def _point(menu: Menu) -> Any:
    from prompt_toolkit.data_structures import Point

    return Point(0, menu.at)


def _list_keys(menu: Menu) -> KeyBindings:
    keys = KeyBindings()

    def take(event: KeyPressEvent) -> None:
        lit = menu.lit()
        if lit is not None and lit.value == MORE:
            menu.unfold()
        elif lit is not None and lit.value == OTHER:
            event.app.exit(result=OTHER)
        elif menu.multi:
            event.app.exit(result=menu.marked() or NONE_MARKED)
        else:
            event.app.exit(result=lit.value if lit else "")

    moves = {"up": -1, "c-p": -1, "k": -1, "down": 1, "c-n": 1, "j": 1, "tab": 1, "s-tab": -1}
    for key, by in moves.items():
        keys.add(key)(lambda event, by=by: menu.move(by))
    keys.add("home")(lambda event: menu.go(0))
    keys.add("end")(lambda event: menu.go(len(menu.rows()) - 1))
    keys.add("space")(lambda event: menu.toggle() if menu.multi else None)
    keys.add("enter")(take)
    for key in ("escape", "left"):
        keys.add(key)(lambda event: event.app.exit(result=BACK))
    keys.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt))
    keys.add("c-d")(lambda event: event.app.exit(exception=EOFError))
    keys.add("<sigint>")(lambda event: event.app.exit(exception=KeyboardInterrupt))
    return keys


def _told(question: Question, answer: str) -> str:
    """An answer as it was shown."""
    labels = {option.value: option.label for option in (*question.options, *question.rest)}
    if question.kind == "multi":
        return answer.replace(",", ", ")
    return labels.get(answer, answer)
