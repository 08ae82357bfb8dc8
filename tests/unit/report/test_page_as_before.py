"""The pages that the templates make are those that Python made before them: the same elements, attributes and texts."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.core.board.page import PageView
from okstra_ctl.core.board.page_before import PageView as EarlierPageView
from okstra_ctl.core.board.page_before import render_page as render_board
from okstra_ctl.core.board.records import Board, ProjectView, TaskView
from okstra_ctl.core.report.html.page import render_html
from okstra_ctl.core.report.html.view import View as EarlierView
from okstra_ctl.core.report.html.view import Words as EarlierWords
from okstra_ctl.core.report.page.view import Dispatch, View, Words
from okstra_ctl.flows.board_page import html_of as board_html
from okstra_ctl.flows.report_pages import html_of
from support.boards import AT, board, run, stages
from support.pages import ANY_TEXT, HOSTILE
from support.phases import TASK_TYPES
from support.reports import finding, labels, question, report, view
from support.sealed import ROOT

_INLINE = {"a", "b", "span", "code", "input", "button", "select", "textarea", "summary"}
_KEPT = {"pre", "textarea", "style", "script", "code", "title", "text"}
_VOID = {"meta", "input"}
_AGENT = "uses `a < b` and https://example.org/a?b=c&d. then\n\n  indented `x`"


class _Nodes(HTMLParser):
    """The page as a list of tags and texts. White space is kept where it shows, and else is one space or none."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.nodes: list[Any] = []
        self._open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append((tag, tuple(sorted((name, value or "") for name, value in attrs))))
        if tag not in _VOID:
            self._open.append(f"{tag} {dict(attrs).get('class')}")

    def handle_endtag(self, tag: str) -> None:
        self.nodes.append(f"/{tag}")
        assert self._open.pop().split()[0] == tag

    def handle_data(self, data: str) -> None:
        kept = any(one.split()[0] in _KEPT or one.split()[1].startswith("prose") for one in self._open)
        if not kept and any(one.startswith("svg ") for one in self._open):
            data = data.strip()
        if self.nodes and isinstance(self.nodes[-1], list):
            data = self.nodes.pop()[0] + data
        self.nodes.append([data if kept else " ".join(f"|{data}|".split())[1:-1], kept])

    def normal(self) -> list[Any]:
        found: list[Any] = []
        for place, node in enumerate(self.nodes):
            if not isinstance(node, list):
                found.append(node)
                continue
            text, kept = node
            if not kept and not _is_inline(self.nodes[place - 1] if place else "/html"):
                text = text.lstrip()
            if not kept and not _is_inline(self.nodes[place + 1] if place + 1 < len(self.nodes) else "/html"):
                text = text.rstrip()
            if text:
                found.append(text)
        return found


def _is_inline(node: Any) -> bool:
    name = node[0] if isinstance(node, tuple) else node.strip("/")
    return name in _INLINE


def nodes(markup: str) -> list[Any]:
    return _Nodes(markup).normal()


def earlier(made: View) -> str:
    return render_html(EarlierView(**{**made._asdict(), "words": EarlierWords(made.words.labels)}))


def same(made: View) -> None:
    new, old = nodes(html_of(made)), nodes(earlier(made))
    for place, (one, other) in enumerate(zip(new, old, strict=False)):
        assert one == other, (new[place - 3 : place + 3], old[place - 3 : place + 3])
    assert len(new) == len(old)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("said", ["word", _AGENT, "x" * 1600, " \n "], ids=["word", "agent", "long", "blank"])
@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_every_phase_looks_as_before(task_type: str, said: str, language: str) -> None:
    same(view(report(task_type, said, language=language), language=language, line=said))


_MANY = [
    finding(
        number,
        _AGENT,
        severity=["low", "critical", "medium", "info"][number % 4],
        status=["open", "closed"][number % 3 == 0],
        closed_by="commit `a`" if number % 3 == 0 else "",
        **{"class": ["consensus", "refuted", "aborted-non-result"][number % 3]},
    )
    for number in range(1, 70)
]
_PLAN = report("implementation-planning", _AGENT)
_STAGE = _PLAN["phase"]["stages"][0]


def _stages(*needs: tuple[int, ...]) -> dict[str, Any]:
    rows = [
        {**_STAGE, "title": f"A long title of stage {n} 한국어", "depends_on": list(one)} for n, one in enumerate(needs)
    ]
    return {"phase": {**_PLAN["phase"], "stages": rows}}


@pytest.mark.parametrize(
    "data",
    [
        report(findings=[]),
        report(findings=_MANY),
        report(findings=[finding(1, verdicts=[], evidence=[])]),
        report(
            findings=[
                finding(
                    1,
                    evidence=[
                        {
                            "path": "a",
                            "lines": [3, 9],
                            "quote": "q",
                            "status": "moved",
                            "found_lines": [4, 4],
                            "note": "",
                        }
                    ],
                )
            ]
        ),
        report(clarifications=[]),
        report(clarifications=[question(1, status="answered", answer="so", blocks="")]),
        report(gates={}, execution=[], risks=[], checked=[], follow_ups=[], commits=[], steps=[], usage=None),
        report(commit="", rehearsal=False, author={"worker": "", "provider": "", "model": "", "reason": ""}),
        report(isolation={"breaches": [], "receipt": ""}),
        report(overrule={"at": "now", "why": "<why>"}),
        report("implementation-planning", _AGENT, **_stages((), (), (1, 2), (1,), (3, 4))),
        report("implementation-planning", _AGENT, **_stages((2,), (1,))),
        report("implementation-planning", _AGENT, **_stages(*[()] * 90)),
        report("implementation-planning", _AGENT, **_stages()),
    ],
    ids=lambda data: data["task_type"],
)
def test_every_case_looks_as_before(data: dict[str, Any]) -> None:
    for line in ("word", _AGENT):
        same(view(data, line=line))


def test_many_turns_look_as_before() -> None:
    turns = [
        Dispatch(f"w{n}", "round-1" if n % 2 else "", n % 3 or 1, n * 7.5, n * 31.0 if n % 4 else None, outcome, "x")
        for n, outcome in enumerate(["completed", "error", "invalid-result", "", "timeout"] * 14)
    ]
    same(view(report())._replace(dispatches=turns))
    same(view(report())._replace(dispatches=[], rounds=[], excerpts={}))


@settings(max_examples=80, deadline=None)
@given(st.lists(ANY_TEXT | HOSTILE, max_size=4).map("".join), st.sampled_from(TASK_TYPES))
def test_any_text_looks_as_before(said: str, task_type: str) -> None:
    same(view(report(task_type, said), line=said))


def test_a_difference_is_seen() -> None:
    made = view(report())
    assert nodes(html_of(made)) != nodes(earlier(made._replace(digest="1")))
    assert json.dumps(nodes("<p>a <b>b</b></p>")) != json.dumps(nodes("<p>a<b>b</b></p>"))


_BOARDS = [
    Board(AT, ()),
    board(_AGENT),
    board("x", run("x", rehearsal=True, next="okstra wait"), run("y", since="")),
    board("x", unread=(), more=0, lately=()),
    board()._replace(
        projects=(ProjectView("p", "/p", (TaskView("k", (), ()), TaskView("c", stages({1: (2,), 2: (1,)}), ()))),)
    ),
]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("every", [0, 7])
@pytest.mark.parametrize("made", _BOARDS, ids=lambda made: str(len(made.runs)))
def test_the_board_looks_as_before(made: Board, every: int, language: str) -> None:
    same_board(made, every, language)


@settings(max_examples=80, deadline=None)
@given(st.lists(ANY_TEXT | HOSTILE, max_size=4).map("".join))
def test_any_text_on_the_board_looks_as_before(said: str) -> None:
    same_board(board(said), 0, "en")


def same_board(made: Board, every: int, language: str) -> None:
    folder = ROOT / "templates" / "board" / "i18n"
    words = {**labels(language), **json.loads((folder / f"{language}.json").read_text("utf-8"))}
    facts = (language, "body {}", "0.1.0", every)
    new = nodes(board_html(PageView(made, Words(words), *facts)))
    old = nodes(render_board(EarlierPageView(made, EarlierWords(words), *facts)))
    assert new == old
