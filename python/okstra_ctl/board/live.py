"""What a command at work shows below its progress at a terminal: lines that change at least every second, and are gone
when it ends. Elsewhere nothing is drawn: each event is a line."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.text import Text

from ..errors import OkstraError
from ..history.listing import RunRow
from ..services import Services
from ..status import DIM, Line, Piece
from ..system.text import cut, on_one_line, printable
from ..terminal import coloured, console_on, has_colour
from ..usage.tokens import duration_text
from .lines import live_lines, signs_of
from .read import read_board

_EVERY = 0.5  # seconds
Show = Callable[[str], None]


@contextmanager
def workers_live(
    is_wanted: Callable[[RunRow], bool], services: Services, screen: TextIO, environment: Mapping[str, str]
) -> Iterator[Show]:
    """Draws the workers of these runs; yields what prints a line above them."""
    more = signs_of(screen.encoding).more

    def read(columns: int) -> list[Line]:
        try:
            return live_lines(read_board(services, is_wanted), columns, more)
        except OkstraError:  # the command itself reports what is wrong
            return []

    with _drawn(read, screen, environment) as show:
        yield show


@contextmanager
def step_live(screen: TextIO, environment: Mapping[str, str]) -> Iterator[Show]:
    """Draws the last event with its age; yields what takes the next one. Each is printed, too."""
    current, since = "", time.monotonic()
    more = signs_of(screen.encoding).more

    def read(columns: int) -> list[Line]:
        age = duration_text(int(time.monotonic() - since))
        return [[Piece(cut(on_one_line(f"  {age}  {current}"), columns, more), DIM)]] if current else []

    with _drawn(read, screen, environment) as show:

        def next_step(text: str) -> None:
            nonlocal current, since
            current, since = text, time.monotonic()
            show(text)

        yield next_step


@contextmanager
def _drawn(read: Callable[[int], Sequence[Line]], screen: TextIO, environment: Mapping[str, str]) -> Iterator[Show]:
    console = console_on(screen, colour=has_colour(environment))
    live = Live(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )
    over = threading.Event()

    def draw() -> None:
        with suppress(OSError, ValueError):  # the terminal is gone
            while not over.wait(_EVERY):
                columns = _fit(console)
                live.update(Group(*map(coloured, read(columns - 1))), refresh=True)

    def show(text: str) -> None:
        with suppress(OSError, ValueError):
            console.print(Text(printable(f"okstra: {text}")), soft_wrap=True)

    with suppress(OSError, ValueError):
        _fit(console)
        live.start()
        console.show_cursor(True)  # whatever ends the process, the shell has its cursor
    painter = threading.Thread(target=draw, daemon=True)
    painter.start()
    try:
        yield show
    finally:
        over.set()
        painter.join()
        with suppress(OSError, ValueError):
            live.stop()


def _fit(console: Console) -> int:
    """Makes the console as large as the window now is. Returns its columns."""
    try:
        size = os.get_terminal_size(console.file.fileno())
    except OSError:
        size = os.terminal_size((0, 0))
    console.size = ConsoleDimensions(size.columns or 80, size.lines or 24)
    return console.size.width
