"""The board at a terminal: redrawn in place until `q`; the terminal is always restored."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live

from ..system.local_time import local_time
from ..system.signals import stoppable, undisturbed, woken_by_signals
from ..terminal import coloured, console_on, has_colour, rendered, screen_of
from .lines import Room, board_lines, signs_of
from .state import Board

_NO_WRAPPING, _WRAPPING = "\x1b[?7l", "\x1b[?7h"  # a letter wider than thought must not push a line down
_QUIT = ("q", "Q", "\u3142")  # the last: q on a Korean keyboard


def is_live(screen: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether it can be drawn in place, and keys can be read."""
    return screen.isatty() and sys.stdin.isatty() and environment.get("TERM", "dumb") != "dumb"


def drawn_once(board: Board, screen: TextIO, environment: Mapping[str, str]) -> str:
    """The board as wide as the terminal, and as high as it gets: it scrolls."""
    columns, colour = screen_of(screen, environment)
    room = Room(columns, None, signs_of(screen.encoding), local_time(board.at, zone=True))
    return rendered(board_lines(board.with_times(local_time), room), colour=colour)


def watch(read: Callable[[], Board], every: float, environment: Mapping[str, str]) -> None:
    """Returns when the person presses q. Raises KeyboardInterrupt for Ctrl-C and signals to end."""
    console = console_on(sys.stdout, colour=has_colour(environment))
    with ExitStack() as stack:
        woken = stack.enter_context(woken_by_signals())
        stack.enter_context(stoppable())
        live = stack.enter_context(_whole_screen(console, stack))
        while True:
            board, due = read(), time.monotonic() + every
            while True:
                with _until_hung_up():
                    live.update(_picture(board, console), refresh=True)
                    keys = _wait(woken, due)
                if keys is None:
                    break
                if any(key in keys for key in _QUIT):
                    return


def _picture(board: Board, console: Console) -> Group:
    """The board in the window's present size."""
    try:
        size = os.get_terminal_size(console.file.fileno())
    except OSError:
        size = os.terminal_size((0, 0))
    console.size = ConsoleDimensions(size.columns or 80, size.lines or 24)
    room = Room(*console.size, signs_of(console.encoding), local_time(board.at, zone=True))
    return Group(*map(coloured, board_lines(board.with_times(local_time), room)))


@contextmanager
def _until_hung_up() -> Iterator[None]:
    """Treats a terminal that is gone like SIGHUP."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise KeyboardInterrupt from None


def _wait(woken: int, due: float) -> str | None:
    """Waits; returns the keys pressed, an empty string for a resized window, or None when an update is due."""
    ready, _, _ = select.select([sys.stdin.fileno(), woken], [], [], max(0.0, due - time.monotonic()))
    if woken in ready:
        os.read(woken, 512)
        return ""
    if ready:
        keys = os.read(sys.stdin.fileno(), 512)
        if not keys:  # the terminal is gone
            raise KeyboardInterrupt
        return keys.decode("utf-8", "replace")
    return None


@contextmanager
def _whole_screen(console: Console, stack: ExitStack) -> Iterator[Live]:
    """Reads keys one by one without echo. Ctrl-Z restores the terminal too, and `fg` continues."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def enter() -> None:
        mode = termios.tcgetattr(keyboard)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(keyboard, termios.TCSANOW, mode)
        live.start()
        console.file.write(_NO_WRAPPING)

    def leave() -> None:
        with suppress(OSError, ValueError):
            console.file.write(_WRAPPING)
            live.stop()
        with suppress(termios.error, OSError):
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    def pause(number: int, frame: FrameType | None) -> None:
        leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, pause)
        enter()

    stack.callback(signal.signal, signal.SIGTSTP, signal.signal(signal.SIGTSTP, pause))
    try:
        enter()
        yield live
    finally:
        with undisturbed():
            leave()
