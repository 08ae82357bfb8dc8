"""The frontmatter's `approved`, and the questions that block approval."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.plan.approval import approve, is_approved, open_blockers
from okstra_ctl.plan.rules import check_plan


@pytest.mark.parametrize(
    "text",
    [
        "---\napproved: true\n---\n",
        "---\r\ntask: x\r\napproved: true\r\n---\r\nbody",
        "\ufeff---\napproved: True # by me\n---\n",
        "---\n# note\nlist:\n- a\n  b: c\n\napproved: true\n...\n",
        '---\n"approved": true\n---',
        "--- \napproved:\ttrue  \n--- \n",
    ],
)
def test_approved(text: str) -> None:
    assert is_approved(text)
    assert approve(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "approved: true",
        "\n---\napproved: true\n---\n",
        "---\napproved: true\n",
        "---\napproved: false\n---\n",
        "---\napproved:true\n---\n",
        "---\napproved: yes\n---\n",
        "---\napproved: true#not a comment\n---\n",
        '---\napproved: "true"\n---\n',
        "---\nplan:\n  approved: true\n---\n",
        "---\nplan:\n\tapproved: true\n---\n",
        "---\n\tapproved: true\n---\n",
        "---\napproved: true\napproved: false\n---\n",
        "---\nnot-approved: true\n---\n",
        "---\n\nA thematic break opens this plan.\n\napproved: true\n---\n",
        "```\n---\napproved: true\n---\n```\n",
    ],
)
def test_not_approved(text: str) -> None:
    assert not is_approved(text)
    assert is_approved(approve(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Plan\n", "---\napproved: true\n---\n# Plan\n"),
        ("# Plan\r\nx\r\n", "---\r\napproved: true\r\n---\r\n# Plan\r\nx\r\n"),
        ("\ufeff# Plan", "\ufeff---\napproved: true\n---\n# Plan"),
        ("---\na: b\n---\nx  ", "---\na: b\napproved: true\n---\nx  "),
        ("---\r\na: b\r\n---\r\nx\n", "---\r\na: b\r\napproved: true\r\n---\r\nx\n"),
        ("---\napproved: false  # wait\nz: 1\n---\n", "---\napproved: true  # wait\nz: 1\n---\n"),
        ("---\n---\n", "---\napproved: true\n---\n"),
        ("---\napproved:\n---\n", "---\napproved: true\n---\n"),
        ("---\rapproved: no\r---\r", "---\rapproved: true\r---\r"),
    ],
)
def test_approve_keeps_the_rest(text: str, expected: str) -> None:
    assert approve(text) == expected


fragments = st.sampled_from(
    [
        "---",
        "...",
        "approved: true",
        "approved: false",
        "approved:",
        "a: b",
        "\n",
        "\r\n",
        "\r",
        "# x",
        "\ufeff",
        " ",
        "| a |",
        "```",
    ]
)
texts = st.one_of(
    st.text(max_size=60), st.lists(fragments, max_size=14).map("".join), st.lists(fragments, max_size=9).map("\n".join)
)


@given(texts)
@settings(max_examples=500, deadline=None)
def test_approving_twice_changes_nothing_more(text: str) -> None:
    once = approve(text)
    assert is_approved(once)
    assert approve(once) == once
    assert is_approved(text) == (once == text)


TABLE = "| ID | Question | Status | Blocks |\n|---|:-:|---|---|\n"


@pytest.mark.parametrize(
    ("row", "blocks"),
    [
        ("| C-001 | q | open | approval |", True),
        ("| C-001 | q | Open | Yes |", True),
        ("| **C-001** | a \\| b | `open` | `approval` of the plan |", True),
        ("| C-001 | q | | approval |", True),
        ("| C-001 | q | waiting | all |", True),
        ("| C-001 | q | 열림 | 승인 |", True),
        ("C-001 | q | open | approval", True),
        ("| C-001 | q | answered | approval |", False),
        ("| C-001 | q | Resolved (2 May) | approval |", False),
        ("| C-001 | q | obsolete | approval |", False),
        ("| C-001 | q | open | no |", False),
        ("| C-001 | q | open | not approval |", False),
        ("| C-001 | q | open | implementation |", False),
        ("| C-001 | q | open | |", False),
        ("| C-001 | q | open |", False),
        ("| R-001 | q | open | approval |", False),
    ],
)
def test_a_row_blocks(row: str, blocks: bool) -> None:
    found = open_blockers(f"# Plan\n\n{TABLE}{row}\n")
    assert [(question.id, question.line) for question in found] == ([("C-001", 5)] if blocks else [])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (TABLE + "| C-001 | q | open | yes |\n| C-002 | q | open | yes |\n", 2),
        (TABLE.replace("\n", "\r\n") + "| C-001 | q | open | yes |\r\n", 1),
        ("> " + TABLE.replace("\n|", "\n> |") + "> | C-001 | q | open | yes |\n", 1),
        ("| Blocks | id | x | STATUS |\n|-|-|-|-|\n| yes | C-7 | | open |", 1),
        ("| 번호 | ID | 상태 | 차단 |\n|-|-|-|-|\n| 1 | C-7 | open | 예 |", 1),
        (f"```\n{TABLE}| C-001 | q | open | yes |\n```\n", 0),
        (f"~~~~\n```\n~~~\n{TABLE}| C-001 | q | open | yes |\n~~~~\n", 0),
        (f"```\nx\n```\n{TABLE}| C-001 | q | open | yes |\n", 1),
        (f"<!--\n{TABLE}| C-001 | q | open | yes |\n-->\n", 0),
        (f"<!-- note -->\n{TABLE}| C-001 | q | open | yes |\n", 1),
        (TABLE + "\n| C-001 | q | open | yes |\n", 0),
        ("| ID | Status |\n|---|---|\n| C-001 | open |\n", 0),
        ("| C-001 | q | open | yes |\n", 0),
    ],
)
def test_where_tables_are_read(text: str, count: int) -> None:
    assert len(open_blockers(text)) == count


@given(st.text(alphabet="|-: \nC01openyesIDStatusBlocks`~<!>\\", max_size=120))
@settings(max_examples=300, deadline=None)
def test_no_table_raises(text: str) -> None:
    open_blockers(text)
    open_blockers(TABLE + "| C-001 " + text)


def test_open_questions_close_the_whole_gate() -> None:
    approved = approve(f"# Plan\n\n{TABLE}| C-001 | q | open | approval |\n")
    assert is_approved(approved)
    result = check_plan(approved)
    assert not result.approved
    assert [(finding.rule, finding.line) for finding in result.findings] == [("S1", 1), ("S12", 8)]


def test_light_modules_leave_the_markdown_parser_alone() -> None:
    names = ["approval", "globs", "model"]
    code = f"import sys\n{''.join(f'import okstra_ctl.plan.{name}{chr(10)}' for name in names)}"
    code += "sys.exit(any(name.split('.')[0] == 'markdown_it' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


FENCED = TABLE + "| C-001 | q | open | yes |\n"


@pytest.mark.parametrize(
    ("opening", "closing", "closes"),
    [
        ("```", "```", True),
        ("```", "`````", True),
        ("```md", "  ``` ", True),
        ("~~~", "~~~", True),
        ("````", "```", False),
        ("```", "~~~", False),
        ("```", "``` x", False),
        ("```", "```~", False),
    ],
)
def test_a_fence_ends_at_its_own_sign(opening: str, closing: str, closes: bool) -> None:
    assert len(open_blockers(f"{opening}\n{FENCED}{closing}\n\n{FENCED}")) == int(closes)


@pytest.mark.parametrize(
    ("delimiter", "is_one"),
    [
        ("|---|---|---|---|", True),
        ("---|:-:|---|---", True),
        ("> |---|---|---|---|", True),
        ("|---|---|---|---|", True),
        ("|---| - - |---|---|", False),
        ("|---|:|---|---|", False),
        ("|---||---|---|", False),
        ("|--:-|---|---|---|", False),
        ("| | | | |", False),
        ("|===|===|===|===|", False),
    ],
)
def test_a_table_has_a_row_of_dashes_in_every_cell(delimiter: str, is_one: bool) -> None:
    quote = "> " if delimiter.startswith(">") else ""
    text = f"{quote}| ID | Question | Status | Blocks |\n{delimiter}\n{quote}| C-001 | q | open | yes |\n"
    assert len(open_blockers(text)) == int(is_one)


@pytest.mark.parametrize("prefix", ["", "  ", "> ", "- ", "1. ", "> > "])
def test_a_row_is_read_whole_behind_what_its_block_begins_with(prefix: str) -> None:
    header = "ID | Question | Status | Blocks"
    rows = ("C-001 | q | open | yes", "C-002 | q | open | yes")
    for lines in ((header, "--|--|--|--", *rows), (f"|{header}|", "|--|--|--|--|", *(f"|{row}|" for row in rows))):
        text = "\n".join(f"{prefix}{line}" for line in lines)
        assert [question.id for question in open_blockers(text)] == ["C-001", "C-002"]
