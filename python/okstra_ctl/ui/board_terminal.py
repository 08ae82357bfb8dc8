"""The board at a terminal: drawn anew in place until `q`, and the terminal left as it was, whatever ends it."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import termios
import time
from contextlib import ExitStack
from types import FrameType

from ..core.board.records import Board
from ..core.stage_graph.letters import DRAWN, PLAIN
from ..core.tones import Piece
from ..words.hints import Callable, Iterator, Mapping, Sequence, TextIO
from ..words.scopes import ignoring, scope
from .board_line import text_of
from .board_lines import Room, board_lines

# The alternate screen, no cursor, and no wrapping: a letter wider than thought must not push a line down.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_CLEAR_LINE, _CLEAR_BELOW = "\x1b[K", "\x1b[J"
_QUIT = ("q", "Q", "\u3142")  # the last: q on a Korean keyboard
_STOPPING = (signal.SIGTERM, signal.SIGHUP)


def is_live(screen: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether it can be drawn in place, and keys be heard."""
    return screen.isatty() and sys.stdin.isatty() and environment.get("TERM", "dumb") != "dumb"


def room_of(screen: TextIO, *, tall: bool) -> Room:
    """What there is room for; `tall`: as high as it gets, for it scrolls."""
    signs = DRAWN if (screen.encoding or "").lower().replace("-", "") == "utf8" else PLAIN
    if not screen.isatty():
        return Room(signs=signs)
    try:
        size = os.get_terminal_size(screen.fileno())
    except OSError:
        size = os.terminal_size((80, 24))
    return Room(size.columns or 80, None if tall else size.lines or 24, signs)


def has_colour(screen: TextIO, environment: Mapping[str, str]) -> bool:
    return screen.isatty() and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


def watch(read: Callable[[], Board], every: float, environment: Mapping[str, str]) -> None:
    """Returns when the person presses q. Raises KeyboardInterrupt for Ctrl-C and signals to end."""
    screen, colour = sys.stdout, has_colour(sys.stdout, environment)
    with ExitStack() as stack:
        woken = stack.enter_context(_woken_by_signals())
        stack.enter_context(stoppable())
        stack.enter_context(_whole_screen(screen, stack))
        while True:
            board, due = read(), time.monotonic() + every
            while True:
                with _until_hung_up():
                    _draw(screen, board_lines(board, room_of(screen, tall=False)), colour=colour)
                    heard = _wait(woken, due)
                if heard is None:
                    break
                if any(key in heard for key in _QUIT):
                    return


@scope
def _until_hung_up() -> Iterator[None]:
    """A terminal that is gone is as good as the signal that tells so."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise KeyboardInterrupt from None


def _wait(woken: int, due: float) -> str | None:
    """What woke it: keys, or a new size of the window (empty). None when it is time to look again."""
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


def _draw(screen: TextIO, lines: Sequence[Sequence[Piece]], *, colour: bool) -> None:
    # Cleared first: behind a line that fills the row, the cursor stands on its last letter.
    drawn = [f"\x1b[{row};1H{_CLEAR_LINE}{text_of(line, colour=colour)}" for row, line in enumerate(lines, 1)]
    below = f"\x1b[{len(lines) + 1};1H{_CLEAR_BELOW}" if _has_room_below(screen, len(lines)) else ""
    screen.write("".join(drawn) + below)
    screen.flush()


def _has_room_below(screen: TextIO, rows: int) -> bool:
    room = room_of(screen, tall=False)
    return room.rows is not None and rows < room.rows


@scope
def _whole_screen(screen: TextIO, stack: ExitStack) -> Iterator[None]:
    """Keys come one by one and unseen meanwhile. Ctrl-Z leaves the terminal in order too, and `fg` comes back."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)

    def enter() -> None:
        mode = termios.tcgetattr(keyboard)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(keyboard, termios.TCSANOW, mode)
        screen.write(_ENTER)
        screen.flush()

    def leave() -> None:
        with ignoring(OSError, ValueError):
            screen.write(_LEAVE)
            screen.flush()
        with ignoring(termios.error, OSError):
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
        yield
    finally:
        with _undisturbed():
            leave()


@scope
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not come between the writes that put the terminal in order."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *_STOPPING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@scope
def stoppable() -> Iterator[None]:
    """A signal to end is as good as Ctrl-C."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@scope
def _woken_by_signals() -> Iterator[int]:
    """A descriptor that can be read after each signal; a new size of the window is one."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    size_before = signal.signal(signal.SIGWINCH, lambda number, frame: None)
    wakeup_before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield read
    finally:
        signal.set_wakeup_fd(wakeup_before)
        signal.signal(signal.SIGWINCH, size_before)
        os.close(read)
        os.close(write)
