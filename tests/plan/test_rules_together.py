"""Rules side by side: what one mistake must not drag along, and that the structure comes first."""

from __future__ import annotations

import pytest

from okstra_ctl.plan.rules import approved_stages, check_plan

HEAD = (
    "---\napproved: true\n---\n## 5.5 Stage Map\n\n"
    "| Stage | Title | Depends on | Files | Steps | Exit check |\n|-|-|-|-|-|-|\n"
)


def _plan(rows: list[tuple[str, str, str]], sections: list[int]) -> str:
    """A plan of rows (number, dependencies, files) and section numbers; row and section of one place share a title."""
    table = "".join(
        f"| {number} | Part {place} | {needs} | {files} | {1 + place % 3} | `make` |\n"
        for place, (number, needs, files) in enumerate(rows, 1)
    )
    parts = []
    for place, number in enumerate(sections, 1):
        steps = ["1. Write a failing test in `tests/a.py`.\n", "2. Change `a.py`.\n", "3. Run `make`.\n"]
        parts.append(f"### 5.5.{number} Stage {number}: Part {place}\n\n{''.join(steps[: 1 + place % 3])}\n")
    return HEAD + table + "\n" + "".join(parts)


def _found(text: str) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in check_plan(text).findings]


def _chain(*numbers: str) -> list[tuple[str, str, str]]:
    """Stages that each depend on the one before by its right number, and all touch one file."""
    return [(number, str(place - 1) if place > 1 else "", "a.py") for place, number in enumerate(numbers, 1)]


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        (["x", "2", "3", "4"], 8),
        (["1", "x", "3", "4"], 9),
        (["1", "2", "3", "x"], 11),
        (["1", "1", "3", "4"], 9),
        (["2", "2", "3", "4"], 9),
        (["1", "3", "3", "4"], 10),
        (["4", "2", "3", "4"], 11),
        (["1", "2", "9", "4"], 10),
        (["1", "2", "3", "5"], 11),
        (["0", "2", "3", "4"], 8),
    ],
)
def test_a_wrong_number_in_a_chain_is_one_finding(numbers: list[str], line: int) -> None:
    assert _found(_plan(_chain(*numbers), [1, 2, 3, 4])) == [("S1", line)]


@pytest.mark.parametrize("titles", ["Part", "Other"])
def test_other_titles_in_the_sections_change_nothing(titles: str) -> None:
    text = _plan(_chain("1", "9", "3"), [1, 2, 3])
    head, *sections = text.split("### ")
    assert _found("### ".join([head, *(part.replace("Part", titles) for part in sections)])) == [("S1", 9)]


def test_a_stage_left_out_with_its_section_is_a_gap() -> None:
    rows = [("1", "", "a.py"), ("2", "1", "a.py"), ("4", "3", "a.py"), ("5", "4", "a.py")]
    assert _found(_plan(rows, [1, 2, 4, 5])) == [("S1", 10)]


def test_a_row_left_out_is_its_section_without_a_row() -> None:
    rows = [("1", "", "a.py"), ("2", "1", "a.py"), ("4", "3", "a.py")]
    text = _plan(rows, [1, 2, 4]) + "### 5.5.3 Stage 3: Lost\n\n1. Write a failing test in `a.py`.\n"
    assert [rule for rule, _ in _found(text)] == ["S2"]


def test_numbering_from_two_is_one_finding() -> None:
    assert [rule for rule, _ in _found(_plan([("2", "", "a"), ("3", "2", "a")], [2, 3]))] == ["S1"]


def test_rows_may_stand_in_any_order() -> None:
    rows = [("3", "1, 2", "a.py"), ("1", "", "b.py"), ("2", "", "c.py")]
    result = check_plan(_plan(rows, [3, 1, 2]))
    assert result.stage_map is not None
    assert [stage.number for stage in result.stage_map.stages] == [1, 2, 3]
    assert result.stage_map.stage(3).depends_on == (1, 2)


def test_the_cycle_is_printed() -> None:
    rows = [("1", "3", "a.py"), ("2", "1", "a.py"), ("3", "2", "a.py"), ("4", "1", "a.py")]
    (finding,) = check_plan(_plan(rows, [1, 2, 3, 4])).findings
    assert finding.rule == "S3"
    assert "1 → 3 → 2 → 1" in finding.message


def test_two_cycles_are_two_findings() -> None:
    rows = [("1", "2", "a"), ("2", "1", "a"), ("3", "4", "a"), ("4", "3", "a")]
    assert _found(_plan(rows, [1, 2, 3, 4])) == [("S3", 8), ("S3", 10)]


def test_an_unknown_dependency_gives_no_shared_file() -> None:
    rows = [("1", "", "a.py"), ("2", "8", "a.py"), ("3", "2", "a.py"), ("4", "1, 2, 3", "a.py")]
    assert _found(_plan(rows, [1, 2, 3, 4])) == [("S3", 9)]


def test_a_shared_file_elsewhere_is_found_all_the_same() -> None:
    rows = [("1", "", "a.py"), ("2", "8", "b.py"), ("3", "1", "c.py"), ("4", "1", "c.py")]
    assert _found(_plan(rows, [1, 2, 3, 4])) == [("S3", 9), ("S9", 11)]


def test_paths_through_other_stages_count() -> None:
    rows = [("1", "", "a.py"), ("2", "1", "b.py"), ("3", "2", "a.py"), ("4", "2", "a.py")]
    assert _found(_plan(rows, [1, 2, 3, 4])) == [("S9", 11)]
    (finding,) = check_plan(_plan(rows, [1, 2, 3, 4])).findings
    assert finding.message.startswith("Stage 4 touches files of stage 3 by `a.py`")


def test_a_bad_path_leaves_the_good_ones_in_the_comparison() -> None:
    rows = [("1", "", "a.py"), ("2", "", "/etc/x, a.py")]
    assert _found(_plan(rows, [1, 2])) == [("S10", 9), ("S9", 9)][::-1]


def test_the_first_clashes_are_named_and_the_rest_counted() -> None:
    rows = [(str(number), "", "a.py") for number in range(1, 7)]
    findings = check_plan(_plan(rows, [1, 2, 3, 4, 5, 6])).findings
    assert [finding.line for finding in findings] == [9, 10, 11, 12, 13]
    assert "stage 1" in findings[-1].message and "of 2 more" in findings[-1].message


def test_a_wrong_number_and_a_lost_section_are_both_reported() -> None:
    rows = [("1", "", "a.py"), ("2", "1", "a.py"), ("x", "2", "a.py")]
    assert _found(_plan(rows, [1, 3])) == [("S2", 9), ("S1", 10)]


def test_a_heading_pasted_without_its_number_leaves_its_row_without_a_section() -> None:
    rows = [("1", "", "a.py"), ("2", "1", "a.py"), ("3", "2", "a.py")]
    text = _plan(rows, [1, 2, 2]).replace("Stage 2: Part 3", "Stage 2: Another")
    assert [rule for rule, _ in _found(text)] == ["S2", "S2"]
    # With the row's title it is that one mistake.
    assert [rule for rule, _ in _found(_plan(rows, [1, 2, 2]))] == ["S2"]


def test_each_wrong_number_accounts_for_one_section() -> None:
    rows = [("1", "", "a.py"), ("x", "1", "a.py"), ("3", "1", "a.py")]
    assert _found(_plan(rows, [1, 2, 3])) == [("S1", 9)]
    assert [rule for rule, _ in _found(_plan(rows, [1, 2, 3, 4]))] == ["S1", "S2"]


def test_a_gap_and_a_lost_row_are_both_reported() -> None:
    rows = [("1", "", "a.py"), ("3", "1", "a.py"), ("5", "3", "a.py")]
    assert [rule for rule, _ in _found(_plan(rows, [1, 2, 3, 5]))] == ["S1", "S2"]


def test_a_broken_structure_leaves_only_the_approval_to_be_asked() -> None:
    rows = [("1", "7", "/a.py"), ("2", "2", ".git/x"), ("2", "", "")]
    text = (
        _plan(rows, [1, 2, 3]).replace("approved: true", "approved: false").replace("1. Write", "1. Think.\n2. Write")
    )
    assert _found(text) == [("S12", 2), ("S1", 10)]


def test_a_map_without_rows_is_one_finding() -> None:
    assert _found(HEAD + "\n### 5.5.1 Stage 1: T\n\n1. Change it.\n") == [("S1", 6)]
    assert _found("---\napproved: true\n---\n## 5.5 Stage Map\n\n### 5.5.1 Stage 1: T\n") == [("S1", 4)]


def test_a_second_map_is_one_finding() -> None:
    text = _plan([("1", "", "a.py")], [1])
    assert _found(f"{text}\n## 5.5 Stage Map\n\n{text[text.index('| Stage') :]}") == [("S1", text.count("\n") + 2)]


def test_what_was_approved_is_read_whatever_the_other_rules_say_by_now() -> None:
    """A rule may have become stricter since."""
    text = _plan(_chain("1", "2"), [1, 2])
    approved = check_plan(text).stage_map
    now = text.replace("2. Change `a.py`.", "2. Change it.")
    assert [rule for rule, _ in _found(now)] == ["S7", "S7"]
    assert approved is not None
    assert approved_stages(text) == approved
    read = approved_stages(now)
    assert read is not None
    assert [stage.exit_check for stage in read.stages] == ["make", "make"]
    assert approved_stages(text.replace("| 2 | Part", "| 3 | Part")) is None
