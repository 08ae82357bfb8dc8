"""The report as markdown: what agents wrote shows as text, to a terminal and to whoever renders it."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from okstra_ctl.plan.rules import check_plan
from okstra_ctl.report.markdown import render_markdown
from okstra_ctl.report.parts import fields_of, plan_lines
from okstra_ctl.report.safe_markdown import block, code, inline
from support import schemas
from support.pages import ANY_TEXT, HOSTILE
from support.phases import TASK_TYPES
from support.reports import labels, report

READER = MarkdownIt("commonmark", {"html": True}).enable("table")
_WORDS = ("`", "``", "```", "\n```\n", "\n  ```\n", "~~~\n", "\\", "\n\n", "- ", "<script>", "</b>", "|")
_TICKED = st.sampled_from(_WORDS)
TEXTS = st.lists(ANY_TEXT | HOSTILE | _TICKED, max_size=9).map("".join)
_HANGUL = re.compile("[\uac00-\ud7a3]")


def markdown(task_type: str, said: str, language: str = "en") -> str:
    fields = fields_of(schemas.load("final-report"), task_type)
    return render_markdown(report(task_type, said), fields, labels(language))


def html_in(text: str) -> list[str]:
    """What a renderer would pass on as HTML."""
    found = []
    for token in READER.parse(text):
        found += [token.content] if token.type == "html_block" else []
        found += [child.content for child in token.children or [] if child.type == "html_inline"]
    return found


def steering(text: str) -> list[str]:
    kinds = ("Cc", "Cf", "Cs")
    return [letter for letter in text if unicodedata.category(letter) in kinds and letter not in "\n\t\u200c\u200d"]


@settings(max_examples=200)
@given(TEXTS)
def test_a_text_of_its_own_lines_holds_no_html(said: str) -> None:
    assert html_in(f"before\n\n{block(said)}\n\nafter <b>\n")[-1:] == ["<b>"], "and takes in nothing of what follows"
    assert len(html_in(f"before\n\n{block(said)}\n\nafter <b>\n")) == 1


@given(TEXTS, TEXTS)
def test_two_texts_beside_each_other_make_no_html(one: str, other: str) -> None:
    assert html_in(f"- a: {inline(one)} ({inline(other)})\n") == []
    assert html_in(f"- a: {code(one)} and {inline(other)}\n") == []


@settings(max_examples=25, deadline=None)
@given(TEXTS, st.sampled_from(TASK_TYPES))
def test_a_report_holds_no_html_and_nothing_that_steers_a_terminal(said: str, task_type: str) -> None:
    text = markdown(task_type, said)
    assert html_in(text) == []
    assert steering(text) == []


def test_what_is_no_tag_stays_as_it_was() -> None:
    for said in ("a < b && c > d", "`List<int>` and `a | b`", "x <- y", "1 << 2", "한국어 👩‍👩‍👧"):
        assert inline(said) == said
    assert inline("a <script>x</script> `<b>`") == "a \\<script>x\\</script> `<b>`"
    assert inline("one ` tick") == "one \\` tick"
    assert inline("\x1b[2Jgone") == "\u241b[2Jgone"
    assert block("see:\n```\n<b>\n```\nand <b>") == "see:\n```\n<b>\n```\nand \\<b>"
    assert block("see:\n```\n<b>") == "see:\n```\n<b>\n```"
    assert code("a ` b") == "`` a ` b ``"


def test_a_plan_with_ticks_and_tags_is_read_as_it_was_written() -> None:
    stage = {
        "title": "Read <T> | and `x`",
        "depends_on": [],
        "files": ["src/a.py"],
        "steps": ["Write a failing test for `Map<String>`.", "Make <b> bold in `src/a.py`."],
        "exit_check": "grep -q '<b>' a | cat",
        "tdd_exemption": "",
    }
    text = "---\napproved: true\n---\n# Plan\n\n" + "\n".join(plan_lines([stage]))
    checked = check_plan(text)
    assert [finding for finding in checked.findings if finding.severity == "error"] == []
    assert checked.stage_map is not None
    (read,) = checked.stage_map.stages
    assert read.exit_check == "grep -q '<b>' a | cat"
    assert read.files == ("src/a.py",)
    assert "`Map<String>`" in read.steps[0].text


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_no_heading_and_no_column_of_a_korean_report_lacks_korean(task_type: str) -> None:
    """But the two that `okstra plan check` reads, and what has no other name in Korean."""
    lines = markdown(task_type, "말", "ko").splitlines()
    headings = [line for line in lines if line.startswith("#") and not re.match("#+ 5[.]5", line)]
    headings = [line for line in headings if not re.match("### G-[0-9]+ ", line)]
    assert len(headings) >= 9
    assert [line for line in headings if not _HANGUL.search(line)] == []
    tables = [above for above, below in pairwise(lines) if below.startswith(("| ---", "|---"))]
    columns = [cell.strip() for line in tables if "Exit check" not in line for cell in line.strip("| ").split("|")]
    assert [cell for cell in columns if cell != "ID" and not _HANGUL.search(cell)] == []


def test_no_label_of_a_korean_report_lacks_korean() -> None:
    same_in_both = {"id", "word_head"}
    assert {name for name, label in labels("ko").items() if not _HANGUL.search(label)} == same_in_both
