"""A live view of work in progress: runs, their stages as a graph, workers, cost. q ends it.

At a terminal it is redrawn in place; piped, with TERM=dumb or --once it is printed once. --html writes it as a page.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from argparse import ArgumentParser, Namespace

from .. import __version__
from ..board.page import PageView, page_values
from ..board.read import read_board
from ..board.state import Board
from ..errors import OkstraError, UsageError
from ..home_paths import HomePaths
from ..options import add_filters, check_task, is_of
from ..output import Reply
from ..report.page.view import Words
from ..report.store import labels_of
from ..services import Call, Services
from ..settings.project import LANGUAGES, open_project
from ..system import assets, files
from ..system.local_time import local_time
from ..system.locks import LockKind, locked
from ..system.text import loads

_MARK = b'<meta name="generator" content="okstra '
_HEAD = 4096
_EVERY = 2.0
_LEAST, _MOST = 0.2, 3600.0


def check_place(path: str) -> str:
    """The page's real path. Raises UsageError (`usage`) for a folder, a device, or a file that okstra did not write."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        return real
    if not stat.S_ISREG(found.st_mode):
        raise UsageError("usage", f"not a regular file: {path}", where=real, hint="name a file that can be written")
    if found.st_size and _MARK not in (files.read_bytes(real) or b"")[:_HEAD]:
        hint = "name another file, or move this one away"
        raise UsageError("usage", f"not a page that okstra wrote: {path}", where=real, hint=hint)
    return real


def language_here(start: str, services: Services) -> str:
    """The report language of the project at that folder; English outside a project."""
    try:
        return open_project(start, services).config.report_language
    except OkstraError:
        return LANGUAGES[0]


def write_page(path: str, board: Board, home: HomePaths, *, language: str, every: int) -> None:
    """Replaces the page atomically. Raises WorkFailed (`write-failed`), Missing (`assets-missing`), Busy."""
    page = html_of(
        PageView(
            board=board.with_times(local_time),
            words=Words({**labels_of(language), **_own_labels(language)}),
            language=language,
            style=assets.text("templates", "reports", "report.css") + assets.text("templates", "board", "board.css"),
            version=__version__,
            every=every,
            at=local_time(board.at, zone=True),
        )
    )
    files.make_parents(path)
    with locked(LockKind.INDEX, home.board_lock):  # two boards may write the same page
        files.replace(path, page.encode("utf-8", "backslashreplace"), durable=False)


def html_of(view: PageView) -> str:
    """The page. The same view gives the same page, byte by byte. Raises Missing (`assets-missing`)."""
    from ..system.pages import render

    return render("board/board.html.j2", page_values(view))


def _own_labels(language: str) -> dict[str, str]:
    labels: dict[str, str] = loads(assets.text("templates", "board", "i18n", f"{language}.json"))
    return labels


def configure(parser: ArgumentParser) -> None:
    add_filters(parser, since=False)
    parser.add_argument(
        "--every",
        metavar="S",
        default="",
        help="seconds between updates (default: 2); with --html: keep rewriting the page",
    )
    parser.add_argument("--all", action="store_true", help="dropped tasks and runs too")
    parser.add_argument("--once", action="store_true", help="print it once and exit")
    parser.add_argument("--html", metavar="FILE", default="", help="write it as a page without JavaScript")
    parser.add_argument("--language", choices=LANGUAGES, default="", help="of the page (default: the project's)")


def execute(args: Namespace, call: Call) -> Reply:
    """Raises KeyboardInterrupt when it is stopped, UsageError (`usage`)."""
    check_task(args, call)
    every = _seconds(args.every) if args.every else None

    def read() -> Board:
        return read_board(call.services, lambda row: is_of(row, args), dropped=args.all)

    as_json = getattr(args, "json", False)
    if args.html:
        return _page(args, call, None if args.once or as_json else every)
    if as_json:
        return Reply(read().to_json(), "")
    if not sys.stdout.isatty():
        return _plain(read(), sys.stdout.encoding)
    from ..board.terminal import drawn_once, is_live, watch

    if not args.once and is_live(sys.stdout, call.services.environment):
        watch(read, every or _EVERY, call.services.environment)
        return Reply({}, "")
    board = read()
    return Reply(board.to_json(), "", drawn=drawn_once(board, sys.stdout, call.services.environment))


def _plain(board: Board, encoding: str | None) -> Reply:
    """For piped output: everything, as plain text."""
    from ..board.lines import Room, as_text, board_lines, signs_of

    lines = board_lines(board, Room(signs=signs_of(encoding)))
    return Reply(board.to_json(), "\n".join(map(as_text, lines)))


def _page(args: Namespace, call: Call, every: float | None) -> Reply:
    """Writes the page once or repeatedly; the last one, written when it is stopped, does not reload itself."""
    from ..system.signals import stoppable

    path = check_place(args.html)
    language = args.language or language_here(call.start, call.services)

    def write(again: int) -> Board:
        board = read_board(call.services, lambda row: is_of(row, args), dropped=args.all)
        write_page(path, board, call.services.home, language=language, every=again)
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
        raise UsageError("usage", f"invalid --every {text!r}: expected seconds, from {_LEAST} to {_MOST:g}")
    return value
