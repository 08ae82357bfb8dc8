"""A live view of what is in work: runs, their stages as a graph, workers, cost. q ends it.

At a terminal it is drawn anew in place; piped, with TERM=dumb or --once it is printed once. --html writes it as a page.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace

from ..board.read import read_board
from ..board.state import Board
from ..command_table import Call
from ..errors import UsageError
from ..output import Reply
from ..settings.project_config import LANGUAGES
from .run_filters import add_filters, check_task, is_of

_EVERY = 2.0
_LEAST, _MOST = 0.2, 3600.0


def configure(parser: ArgumentParser) -> None:
    add_filters(parser, since=False)
    parser.add_argument(
        "--every",
        metavar="S",
        default="",
        help="seconds between two looks (default: 2); with --html: go on, and make the page anew each time",
    )
    parser.add_argument("--once", action="store_true", help="print it once, and end")
    parser.add_argument("--html", metavar="FILE", default="", help="write it as one page that needs no JavaScript")
    parser.add_argument("--language", choices=LANGUAGES, default="", help="of the page (default: the project's)")


def execute(args: Namespace, call: Call) -> Reply:
    """Raises KeyboardInterrupt when it is stopped, UsageError (`usage`)."""
    check_task(args, call)
    every = _seconds(args.every) if args.every else None

    def read() -> Board:
        return read_board(call.doors, lambda row: is_of(row, args))

    as_json = getattr(args, "json", False)
    if args.html:
        return _page(args, call, None if args.once or as_json else every)
    if as_json:
        return Reply(read().to_json(), "")
    if not sys.stdout.isatty():
        return _plain(read(), sys.stdout.encoding)
    from ..board.terminal import drawn_once, is_live, watch

    if not args.once and is_live(sys.stdout, call.doors.environment):
        watch(read, every or _EVERY, call.doors.environment)
        return Reply({}, "")
    board = read()
    return Reply(board.to_json(), "", drawn=drawn_once(board, sys.stdout, call.doors.environment))


def _plain(board: Board, encoding: str | None) -> Reply:
    """Piped: all of it, and nothing but text."""
    from ..board.lines import Room, as_text, board_lines, signs_of

    lines = board_lines(board, Room(signs=signs_of(encoding)))
    return Reply(board.to_json(), "\n".join(map(as_text, lines)))


def _page(args: Namespace, call: Call, every: float | None) -> Reply:
    """Once, or again and again; the last page, written when it is stopped, loads itself no more."""
    from ..system.stop_signals import stoppable
    from .board_page import check_place, language_here, write_page

    path = check_place(args.html)
    language = args.language or language_here(call.start, call.doors)

    def write(again: int) -> Board:
        board = read_board(call.doors, lambda row: is_of(row, args))
        write_page(path, board, call.doors.home, language=language, every=again)
        return board

    if every is None:
        board = write(0)
        return Reply({**board.to_json(), "page": path}, path)
    with stoppable():
        try:
            while True:
                write(max(1, round(every)))
                time.sleep(every)
        finally:
            write(0)


def _seconds(text: str) -> float:
    """Raises UsageError (`usage`)."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not _LEAST <= value <= _MOST:
        raise UsageError("usage", f"--every is {text!r}", hint=f"write seconds, from {_LEAST} to {_MOST:g}")
    return value
