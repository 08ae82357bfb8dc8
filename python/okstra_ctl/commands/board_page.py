"""Writing the board's page."""

from __future__ import annotations

import os
import stat

from .. import __version__
from ..board.page import PageView, page_values
from ..board.state import Board
from ..errors import OkstraError, UsageError
from ..home_paths import HomePaths
from ..report.page.view import Words
from ..report.pages import labels_of
from ..services import Doors
from ..settings.project import open_project
from ..settings.project_config import LANGUAGES
from ..system import assets
from ..system import files as fsio
from ..system.json_text import loads
from ..system.locks import LockKind, hold

_MARK = b'<meta name="generator" content="okstra '
_HEAD = 4096


def check_place(path: str) -> str:
    """The page's real path. Raises UsageError (`usage`) for a folder, a device, or a file that is no page of okstra's:
    it would be lost."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        return real
    if not stat.S_ISREG(found.st_mode):
        raise UsageError("usage", "there is something that is no file", where=real, hint="name a file that may be made")
    if found.st_size and _MARK not in (fsio.read_bytes(real) or b"")[:_HEAD]:
        hint = "name another file, or move this one away"
        raise UsageError("usage", "there is a file that is no page of okstra's", where=real, hint=hint)
    return real


def language_here(start: str, doors: Doors) -> str:
    """The report language of the project that one stands in; English in none."""
    try:
        return open_project(start, doors).config.report_language
    except OkstraError:
        return LANGUAGES[0]


def write_page(path: str, board: Board, home: HomePaths, *, language: str, every: int) -> None:
    """Replaces the page whole. Raises WorkFailed (`write-failed`), Missing (`assets-missing`), Busy."""
    page = html_of(
        PageView(
            board=board,
            words=Words({**labels_of(language), **_own_labels(language)}),
            language=language,
            style=assets.text("templates", "reports", "report.css") + assets.text("templates", "board", "board.css"),
            version=__version__,
            every=every,
        )
    )
    fsio.make_parents(path)
    with hold(LockKind.INDEX, home.board_lock):  # two boards may write the same page
        fsio.replace(path, page.encode("utf-8", "backslashreplace"), durable=False)


def html_of(view: PageView) -> str:
    """The page. The same view gives the same page, byte by byte. Raises Missing (`assets-missing`)."""
    from ..system.pages import render

    return render("board/board.html.j2", page_values(view))


def _own_labels(language: str) -> dict[str, str]:
    labels: dict[str, str] = loads(assets.text("templates", "board", "i18n", f"{language}.json"))
    return labels
