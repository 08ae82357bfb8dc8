"""How the board's page looks: any width, light and dark, without JavaScript, beside a live run."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from okstra_ctl.board.page import PageView
from okstra_ctl.board.state import Board
from okstra_ctl.commands.board import html_of
from okstra_ctl.report.page.view import Words
from support.boards import board, run
from support.chromium import Chromium
from support.page_scripts import CONTRAST, HOSTILE, OVERFLOWS
from support.reports import labels
from support.sealed import ROOT


def written(tmp_path: Path, made: Board, language: str = "en", every: int = 0) -> Path:
    templates = ROOT / "templates"
    own = json.loads((templates / "board" / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    style = "".join((templates / name).read_text("utf-8") for name in ("reports/report.css", "board/board.css"))
    words = Words({**labels(language), **own})
    path = tmp_path / "board.html"
    html = html_of(PageView(made, words, language, style, "0.1.0", every))
    path.write_bytes(html.encode("utf-8", "backslashreplace"))
    return path


@pytest.mark.parametrize("said", ["A plain sentence.", HOSTILE], ids=["plain", "hostile"])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_nothing_sticks_out_and_nothing_complains(
    chromium: Chromium, tmp_path: Path, said: str, language: str, width: int
) -> None:
    path = written(tmp_path, board(said), language)
    chromium.open(path, width=width, script=False)
    assert chromium.complaints == []
    assert chromium.requests == [path.as_uri()]
    assert chromium.ask("document.documentElement.scrollWidth") <= width
    assert chromium.ask(OVERFLOWS) == []
    assert chromium.ask("document.scripts.length") == 0
    assert chromium.ask("document.querySelectorAll('.stage-graph rect').length") == 5


OUT_OF_THEIR_BOXES = """
Array.from(document.querySelectorAll(".stage-graph a"))
  .flatMap((at) => Array.from(at.querySelectorAll("text"))
    .filter((text) => text.getBoundingClientRect().right > at.querySelector("rect").getBoundingClientRect().right)
    .map((text) => text.textContent))
"""


@pytest.mark.parametrize(
    "title", ["Show the sum on the page", "Read the numbers as they are", "합계를 화면에 보여 주기"]
)
def test_a_stages_title_stays_in_its_box(chromium: Chromium, tmp_path: Path, title: str) -> None:
    chromium.open(written(tmp_path, board(title)))
    assert chromium.ask("document.querySelectorAll('.stage-graph text').length") > 5
    assert chromium.ask(OUT_OF_THEIR_BOXES) == []


CUT = """
Array.from(document.querySelectorAll(".scroll"))
  .filter((at) => at.getClientRects().length && at.scrollWidth > at.clientWidth + 1).map((at) => at.ariaLabel)
"""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_a_phone_nothing_is_cut_and_every_value_stands_beside_its_name(
    chromium: Chromium, tmp_path: Path, language: str
) -> None:
    chromium.open(written(tmp_path, board("text " * 30), language), width=375, script=False)
    assert chromium.ask(CUT) == []
    assert chromium.ask("document.querySelector('.stage-graph').getClientRects().length") == 0
    assert chromium.ask("document.querySelectorAll('.graph table')[0].getClientRects().length") == 1
    before = "getComputedStyle(at, '::before').content"
    names = chromium.ask(f"[...document.querySelectorAll('.run td')].map((at) => {before})")
    assert len(names) > 6 and not {'""', "none", "normal"} & set(names)


def test_on_a4_paper_nothing_is_cut(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(written(tmp_path, board("text " * 30)), width=718, script=False)  # A4 less its usual margins
    chromium.call("Emulation.setEmulatedMedia", media="print")
    assert chromium.ask("document.documentElement.scrollWidth") <= 718
    all_of_it = "[...document.querySelectorAll('table, svg, td, code')]"
    assert chromium.ask(f"{all_of_it}.filter((at) => at.getBoundingClientRect().right > 719).length") == 0
    assert chromium.ask("document.querySelector('.stage-graph').getClientRects().length") == 1


def test_a_count_stands_in_its_chip(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(written(tmp_path, board()), script=False)
    chips = chromium.ask("[...document.querySelectorAll('.counts .badge')].map((at) => at.textContent)")
    assert chips == ["1 running", "1 failed"]
    assert chromium.ask("document.querySelector('.counts').textContent.trim()") == "1 running 1 failed", (
        "none stands bare"
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_enough_contrast(chromium: Chromium, tmp_path: Path, dark: bool) -> None:
    statuses = ("running", "failed", "interrupted", "completed", "prepared")
    runs = [run(status=status, run_id=f"demo:core:T-1/error-analysis/{n:03d}") for n, status in enumerate(statuses, 1)]
    chromium.open(written(tmp_path, board("text", *runs)), dark=dark)
    chromium.ask("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert chromium.ask(CONTRAST) == []


def test_the_graph_shows_each_status_in_words_and_colour(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(written(tmp_path, board()))
    words = chromium.ask("[...document.querySelectorAll('.stage-status')].map((at) => at.textContent)")
    assert words == ["done", "done", "running", "ready", "blocked"]
    colours = chromium.ask("[...document.querySelectorAll('rect')].map((at) => getComputedStyle(at).stroke)")
    assert len(set(colours[1:4])) == 3


def test_it_loads_itself_again(chromium: Chromium, tmp_path: Path) -> None:
    path = written(tmp_path, board("before"), every=1)
    chromium.open(path, script=False)
    written(tmp_path, board("afterwards"))
    limit = time.monotonic() + 30
    while "afterwards" not in chromium.ask("document.body ? document.body.textContent : ''"):
        assert time.monotonic() < limit, "it still shows what it showed"
        time.sleep(0.1)
    assert chromium.complaints == []
