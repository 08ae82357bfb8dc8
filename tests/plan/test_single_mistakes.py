"""One mistake in a good plan gives findings of exactly one rule, at the right line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from okstra_ctl.plan.rules import check_plan

EXAMPLES = Path(__file__).parent / "examples"
GOOD = (EXAMPLES / "good_plan.md").read_text(encoding="utf-8")

ROW_1 = (
    "| 1 | Read coupons | (none) | `src/coupons/`, `tests/test_coupons.py` | 3 | `pytest -q tests/test_coupons.py` |"
)
ROW_2 = (
    "| 2 | Apply a coupon | 1 | `src/cart.py` `tests/test_cart.py` | 2 "
    "| `pytest -q tests/test_cart.py \\| tee out.txt` |"
)
ROW_3 = "| 3 | Describe coupons | 1 | `docs/coupons.md` | 2 | make docs |"
SECTION_2 = GOOD[GOOD.index("### 5.5.2") : GOOD.index("### 5.5.3")]
SECTION_3 = GOOD[GOOD.index("### 5.5.3") : GOOD.index("## 6.")]


class Mistake(NamedTuple):
    """A rule, what is wrong, the text that is replaced, by what, and text that the reported line begins with."""

    rule: str
    what: str
    old: str
    new: str
    at: str


def _row(row: str, old: str, new: str) -> str:
    assert old in row
    return row.replace(old, new, 1)


MISTAKES = [
    Mistake(
        "S1", "the map heading is missing", "\n## 5.5 Stage Map\n\n| Stage | Title | D", "\n| Stage | Title | D", "---"
    ),
    Mistake("S1", "the heading has another level", "\n## 5.5 Stage Map\n\n|", "\n### 5.5 Stage Map\n\n|", "---"),
    Mistake(
        "S1", "the map stands twice", "## 6. Cl", "## 5.5 Stage Map\n\nAgain.\n\n## 6. Cl", "## 5.5 Stage Map\n\nAgain"
    ),
    Mistake("S1", "the number is a word", "| 2 | Apply", "| two | Apply", "| two"),
    Mistake("S1", "the number is empty", "| 2 | Apply", "| | Apply", "| | Apply"),
    Mistake("S1", "the number is zero", "| 1 | Read", "| 0 | Read", "| 0 "),
    Mistake("S1", "the number is negative", "| 1 | Read", "| -1 | Read", "| -1 "),
    Mistake("S1", "the number is a fraction", "| 1 | Read", "| 1.5 | Read", "| 1.5 "),
    Mistake("S1", "the number is enormous", "| 2 | Apply", f"| {'9' * 5000} | Apply", "| 999"),
    Mistake("S1", "the first number is repeated", "| 2 | Apply", "| 1 | Apply", "| 1 | Apply"),
    Mistake("S1", "the last number is repeated", "| 3 | Desc", "| 2 | Desc", "| 2 | Desc"),
    Mistake("S1", "a later number is taken early", "| 2 | Apply", "| 3 | Apply", "| 3 | Desc"),
    Mistake("S1", "the first has the number of the last", "| 1 | Read", "| 3 | Read", "| 3 | Desc"),
    Mistake("S1", "the last number leaves a gap", "| 3 | Desc", "| 4 | Desc", "| 4 "),
    Mistake("S1", "a number is too high", "| 2 | Apply", "| 9 | Apply", "| 9 "),
    Mistake("S1", "a row stands twice", ROW_2, f"{ROW_2}\n{ROW_2}", f"{ROW_2}\n{ROW_3}"),
    Mistake("S1", "a stage is left out", f"{ROW_3}", f"{_row(ROW_3, '3', '4')}", "| 4 "),
    Mistake("S1", "the column is missing", "| Stage | Title | Dep", "| Row | Title | Dep", "| Row"),
    Mistake(
        "S1",
        "the table is in a fence",
        "\n| Stage | Title | D",
        "\n```\n| Stage | Title | D",
        "## 5.5 Stage Map\n\n```",
    ),
    Mistake(
        "S1",
        "the row of dashes is missing",
        "|-------|-------|------------|-------|-------|------------|\n",
        "",
        "## 5.5",
    ),
    Mistake(
        "S1", "the row of dashes is too short", "|-------|-------|------------|", "|-------|------------|", "## 5.5"
    ),
    Mistake("S1", "the rows are missing", f"{ROW_1}\n{ROW_2}\n{ROW_3}\n", "", "| Stage | Title"),
    Mistake("S2", "a section is missing", SECTION_2, "", "| 2 "),
    Mistake("S2", "the last section is missing", SECTION_3, "", "| 3 "),
    Mistake("S2", "a heading is missing", "### 5.5.2 Stage 2: Apply a coupon\n", "", "| 2 "),
    Mistake("S2", "a heading stands twice", "### 5.5.2", "### 5.5.2 Stage 2: Apply a coupon\n\n### 5.5.2", "### 5.5.2"),
    Mistake("S2", "a row is missing", f"{ROW_2}\n", "", "### 5.5.2"),
    Mistake("S2", "the last row is missing", f"{ROW_3}\n", "", "### 5.5.3"),
    Mistake("S2", "the numbers in the heading differ", "### 5.5.2 Stage 2", "### 5.5.2 Stage 3", "### 5.5.2 Stage 3"),
    Mistake("S2", "the numbers differ, without a title", "2 Stage 2: Apply a coupon", "2 Stage 3", "### 5.5.2 Stage 3"),
    Mistake("S2", "the first number in the heading is wrong", "5.5.2 Stage 2", "5.5.3 Stage 2", "### 5.5.3 Stage 2"),
    Mistake("S2", "the heading has a number too high", "5.5.2 Stage 2", "5.5.7 Stage 7", "### 5.5.7"),
    Mistake("S2", "the heading has a number that exists", "5.5.2 Stage 2", "5.5.1 Stage 1", "### 5.5.1 Stage 1: Apply"),
    Mistake("S2", "the heading has no number", "### 5.5.2 Stage 2: Apply", "### Apply", "| 2 "),
    Mistake("S2", "there is one section more", "## 6. C", "### 5.5.4 Stage 4: Later\n\nIdeas.\n\n## 6. C", "### 5.5.4"),
    Mistake("S3", "the dependency is unknown", "| Apply a coupon | 1 |", "| Apply a coupon | 7 |", "| 2 "),
    Mistake("S3", "one of two is unknown", "| Apply a coupon | 1 |", "| Apply a coupon | 1, 7 |", "| 2 "),
    Mistake("S3", "the dependency is zero", "| Apply a coupon | 1 |", "| Apply a coupon | 0 |", "| 2 "),
    Mistake("S3", "the dependency is enormous", "| Apply a coupon | 1 |", f"| Apply a coupon | {'1' * 9999} |", "| 2 "),
    Mistake("S3", "a stage waits for itself", "| Apply a coupon | 1 |", "| Apply a coupon | 2 |", "| 2 "),
    Mistake("S3", "the dependency is a title", "| Apply a coupon | 1 |", "| Apply a coupon | Read coupons |", "| 2 "),
    Mistake("S3", "the dependencies go in a circle", "| Read coupons | (none)", "| Read coupons | 2", "| 1 "),
    Mistake("S3", "the column is missing", "| Depends on |", "| Needs |", "| Stage | Title | Needs"),
    Mistake("S4", "the count is too low", "| 3 | `pytest", "| 2 | `pytest", "| 1 "),
    Mistake("S4", "the count is no number", "| 3 | `pytest", "| some | `pytest", "| 1 "),
    Mistake("S4", "the count is empty", "| 3 | `pytest", "| | `pytest", "| 1 "),
    Mistake(
        "S4",
        "the steps are bullets",
        "1. Add a failing test to `tests/test_cart.py`.\n2. ",
        "- Add it.\n- ",
        "### 5.5.2",
    ),
    Mistake("S4", "there are seven steps", "2. Build it with `make docs`.", "2. `a`\n" * 6, "### 5.5.3"),
    Mistake("S4", "the column is missing", "| Steps |", "| Count |", "| Stage | Title | Depends on"),
    Mistake("S5", "the cell is empty", "`src/cart.py` `tests/test_cart.py`", "", "| 2 "),
    Mistake("S5", "the cell has a dash", "`src/cart.py` `tests/test_cart.py`", "-", "| 2 "),
    Mistake("S5", "the cell of a documentation stage is empty", "`docs/coupons.md` |", "|", "| 3 "),
    Mistake("S5", "the column is missing", "| Files |", "| Paths |", "| Stage | Title | Depends on"),
    Mistake("S6", "the cell is empty", "| make docs |", "| |", "| 3 "),
    Mistake("S6", "the cell says none", "| make docs |", "| (none) |", "| 3 "),
    Mistake("S6", "a control character is in it", "| make docs |", "| make\x07 docs |", "| 3 "),
    Mistake("S6", "the row ends early", "| 2 | make docs |", "| 2 |", "| 3 "),
    Mistake("S6", "the pipe is not escaped", "\\|", "|", "| 2 "),
    Mistake("S6", "a bare pipe is not escaped", "| make docs |", "| make docs | tee x |", "| 3 "),
    Mistake("S6", "the backtick is not closed", "| make docs |", "| `make docs |", "| 3 "),
    Mistake(
        *("S6", "the column is missing", "| Exit check |\n|-------", "| Remark |\n|-------"),
        "| Stage | Title | Depends on",
    ),
    Mistake("S7", "the test step names nothing", "test in `tests/test_coupons.py`.", "test.", "1. Write"),
    Mistake(
        "S7", "the code step names nothing", "Change `total` in `src/cart.py` so", "Change the total so", "2. Change"
    ),
    Mistake("S7", "the run step names nothing", "Run `pytest -q tests/test_coupons.py`", "Run the tests", "3. Run"),
    Mistake("S7", "prose has slashes", "Build it with `make docs`", "Read and/or write it", "2. Read"),
    Mistake(
        "S8",
        "the test is not written",
        "1. Add a failing test to `tests/test_cart.py`.",
        "1. Read `src/cart.py`.",
        "2. Change",
    ),
    Mistake(
        "S8",
        "the test comes after the code",
        "1. Add a failing test to `tests/test_cart.py`.\n2. Change `total` in `src/cart.py` so that it passes.",
        "1. Change `total` in `src/cart.py`.\n2. Add a test to `tests/test_cart.py`.",
        "1. Change",
    ),
    Mistake(
        "S8",
        "the exemption has no reason",
        "1. Add a failing test to `tests/test_cart.py`.",
        "TDD exemption:\n\n1. Look at `src/cart.py`.",
        "2. Change",
    ),
    Mistake(
        "S9",
        "the dependency is missing",
        "| Describe coupons | 1 | `docs/",
        "| Describe coupons | 1 | `src/cart.py`, `docs/",
        "| 3 ",
    ),
    Mistake(
        "S9", "a glob covers the other's file", "`docs/coupons.md` |", "`docs/coupons.md`, `src/**/*.py` |", "| 3 "
    ),
    Mistake("S9", "a folder covers the other's file", "`docs/coupons.md` |", "`docs/coupons.md`, src |", "| 3 "),
    Mistake(
        "S9", "nothing is a dependency", "| Apply a coupon | 1 | `src/cart.py`", "| Apply a coupon | | `src/**`", "| 2 "
    ),
    Mistake("S10", "the path is absolute", "`docs/coupons.md` |", "`/docs/coupons.md` |", "| 3 "),
    Mistake("S10", "the path is the folder above", "`docs/coupons.md` |", ".. |", "| 3 "),
    Mistake("S10", "the path is the root", "`docs/coupons.md` |", "/ |", "| 3 "),
    Mistake("S10", "one of several paths is bad", "`docs/coupons.md` |", "`docs/coupons.md`, `~/x` |", "| 3 "),
    Mistake("S10", "the path climbs out", "`docs/coupons.md` |", "`docs/../../coupons.md` |", "| 3 "),
    Mistake("S10", "the path climbs out with backslashes", "`docs/coupons.md` |", "`..\\x.md` |", "| 3 "),
    Mistake("S10", "the path is in a home", "`docs/coupons.md` |", "`~/coupons.md` |", "| 3 "),
    Mistake("S10", "the path has a drive", "`docs/coupons.md` |", "`C:\\coupons.md` |", "| 3 "),
    Mistake("S10", "the path is in .git", "`docs/coupons.md` |", "`.git/hooks/**` |", "| 3 "),
    Mistake("S10", "the path is in .GIT", "`docs/coupons.md` |", "`sub/.GIT/config` |", "| 3 "),
    Mistake("S10", "the path is in .okstra", "`docs/coupons.md` |", "`.okstra/project.json` |", "| 3 "),
    Mistake("S10", "a glob can only match in .git", "`docs/coupons.md` |", "`.[g]it/*` |", "| 3 "),
    Mistake("S10", "it is a web address", "`docs/coupons.md` |", "`https://example.org/a.md` |", "| 3 "),
    Mistake("S11", "the title is empty", "| Describe coupons |", "| |", "| 3 "),
    Mistake("S11", "the title is repeated", "| Describe coupons |", "| APPLY  a coupon |", "| 3 "),
    Mistake("S11", "the column is missing", "| Stage | Title | Dep", "| Stage | Name | Dep", "| Stage | Name"),
    Mistake("S12", "approval is missing", "approved: true\n", "", "---"),
    Mistake("S12", "approval is refused", "approved: true", "approved: false", "approved"),
    Mistake("S12", "a question is open", "| resolved | approval |", "| open | approval |", "| C-001"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.rule} {mistake.what}")
def test_one_mistake_gives_one_rule(mistake: Mistake) -> None:
    at = GOOD.rindex(mistake.old)
    text = GOOD[:at] + mistake.new + GOOD[at + len(mistake.old) :]
    result = check_plan(text)
    assert {finding.rule for finding in result.findings} == {mistake.rule}, result.findings
    lines = text.split("\n")
    said = ["\n".join(lines[finding.line - 1 :]) for finding in result.findings]
    assert any(line.startswith(mistake.at) for line in said), result.findings
    assert len(result.findings) == 1, result.findings
    assert (result.stage_map is None) == (mistake.rule != "S12")
    severity = "warning" if mistake.rule == "S12" else "error"
    assert {finding.severity for finding in result.findings} == {severity}


def test_the_good_plan_is_good() -> None:
    result = check_plan(GOOD)
    assert result.findings == ()
    assert result.approved
    assert result.stage_map is not None


def test_every_rule_has_a_bad_example() -> None:
    assert {mistake.rule for mistake in MISTAKES} == {f"S{number}" for number in range(1, 13)}


COLUMN_RULES = [
    ("Stage", "S1"),
    ("Title", "S11"),
    ("Files", "S5"),
    ("Steps", "S4"),
    ("Exit check", "S6"),
    ("Depends on", "S9"),
]
KOREAN = (
    (EXAMPLES / "wide_korean_plan.md")
    .read_text(encoding="utf-8")
    .replace("# 계획", "---\napproved: true\n---\n# 계획", 1)
)


@pytest.mark.parametrize("emptied", ["", "-", "TBD", "\x00", "***", "`"])
@pytest.mark.parametrize(("column", "rule"), COLUMN_RULES)
@pytest.mark.parametrize("plan", [GOOD, KOREAN], ids=["good", "korean"])
def test_an_emptied_cell_breaks_the_rule_of_its_column(plan: str, column: str, rule: str, emptied: str) -> None:
    lines = plan.split("\n")
    start = max(place for place, line in enumerate(lines) if "Exit check" in line)
    place_of = {name.strip().casefold(): place for place, name in enumerate(lines[start].split("|"))}
    for row in range(start + 2, start + 5):
        cells = lines[row].replace("\\|", "\x01").split("|")
        cells[place_of[column.casefold()]] = f" {emptied} "
        changed = "|".join(cells).replace("\x01", "\\|")
        findings = check_plan("\n".join([*lines[:row], changed, *lines[row + 1 :]])).findings
        if column == "Depends on":
            # Nothing is a fine answer there, unless files are shared; anything else breaks S3.
            assert {finding.rule for finding in findings} in (set(), {"S9"}, {"S3"})
        elif (column, emptied) in (("Title", "TBD"), ("Files", "***")):
            assert findings == ()
        else:
            assert [(finding.rule, finding.line) for finding in findings] == [(rule, row + 1)], findings


@pytest.mark.parametrize(
    ("cell", "named"), [("7", "7"), ("7, 8, 9, 10, 11", "7, 8, 9, 10, 11"), ("7 8 9 10 11 12", "7, 8, 9, 10, 11, …")]
)
def test_of_unknown_dependencies_five_are_named(cell: str, named: str) -> None:
    text = GOOD.replace("| Apply a coupon | 1 |", f"| Apply a coupon | {cell} |", 1)
    (message,) = [one.message for one in check_plan(text).findings if one.rule == "S3"]
    assert message.startswith(f"No stage has the number {named}; ")
