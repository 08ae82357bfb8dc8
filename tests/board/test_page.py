"""The page: whole in itself, and no text in the records can be anything but text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.board.page import PageView
from okstra_ctl.board.state import Board
from okstra_ctl.commands.board import html_of
from okstra_ctl.report.page.view import Words
from okstra_ctl.status import RunStatus, StageStatus, WorkerOutcome
from support.boards import AT, board, run, worker
from support.pages import ANY_TEXT, HOSTILE, Collector
from support.reports import labels
from support.sealed import ROOT

_STYLE = "body { color: red }"


def own_labels(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((ROOT / "templates" / "board" / "i18n" / f"{language}.json").read_text("utf-8"))
    return found


def page(made: Board, language: str = "en", every: int = 0) -> str:
    return html_of(view(made, language, every))


def view(made: Board, language: str = "en", every: int = 0) -> PageView:
    words = Words({**labels(language), **own_labels(language)})
    return PageView(made, words, language, _STYLE, "0.1.0", every)


def test_both_languages_have_the_same_labels_and_every_status_has_one() -> None:
    assert list(own_labels("en")) == list(own_labels("ko"))
    assert all(label.strip() for language in ("en", "ko") for label in own_labels(language).values())
    words = {**labels("ko"), **own_labels("ko")}
    statuses = [*RunStatus, *StageStatus, *WorkerOutcome, "waiting", "written", "stopped"]
    assert [str(word) for word in statuses if f"word_{word}" not in words] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_that_is_in_work_stands_on_it(language: str) -> None:
    html = page(board("a line of a log"), language)
    shown = Collector(html).data
    for text in (
        "demo:core:T-1",
        "a line of a log 5",
        "implementation/stage-3/001",
        "claude",
        "okstra resume",
        "$0.41",
    ):
        assert text in shown
    assert own_labels(language)["word_running"] in shown
    assert Collector(html).elements[0] == ("html", {"lang": language})


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_spent_quota_and_a_stalled_worker_say_their_times(language: str) -> None:
    waits = worker("codex", state="quota", answer="unavailable", again_at="2026-11-24T03:00:00Z")
    stalled = worker("claude", state="running", stalled_since="2026-11-23T15:10:00Z")
    html = page(board("text", run()._replace(workers=(waits, stalled))), language)
    shown = Collector(html).data
    assert f"{labels(language)['again_at']} 2026-11-24T03:00:00Z" in shown
    assert f"{own_labels(language)['stalled_since']} 2026-11-23T15:10:00Z" in shown


def test_nothing_in_work_is_said() -> None:
    assert "Nothing is in work." in Collector(page(Board(AT, ()))).data


@pytest.mark.parametrize(("every", "times"), [(0, 0), (7, 1)])
def test_it_loads_itself_again_only_if_somebody_makes_it_anew(every: int, times: int) -> None:
    found = [facts["content"] for _, facts in Collector(page(board(), every=every)).elements if "http-equiv" in facts]
    assert found[1:] == ["7"] * times


def test_it_asks_for_nothing_and_runs_nothing() -> None:
    html = page(board())
    for element, attributes in Collector(html).elements:
        assert element not in ("script", "img", "link", "iframe", "form", "button")
        assert not {"src", "srcset", "style", "href"} & attributes.keys(), element
    policy = [facts["content"] for _, facts in Collector(html).elements if "http-equiv" in facts]
    assert policy and str(policy[0]).startswith("default-src 'none'; ")


@given(ANY_TEXT | HOSTILE | st.just("</style><script>alert(1)</script>"))
def test_no_text_is_more_than_text(said: str) -> None:
    plain, hostile = Collector(page(board("text"))).elements, Collector(page(board(f"x{said}"))).elements
    changing = {"title", "text"}  # a long title takes another line of its box
    assert [one for one, _ in plain if one not in changing] == [one for one, _ in hostile if one not in changing]
    assert [sorted(facts) for _, facts in plain if "id" in facts] == [
        sorted(facts) for _, facts in hostile if "id" in facts
    ]


def test_the_same_board_gives_the_same_page() -> None:
    assert page(board("x")) == page(board("x"))
