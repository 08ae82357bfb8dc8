"""Whole plans (`plans/*.md`), each with all that `okstra plan check` reports of it (`plans/findings.txt`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.plan.rules import PlanCheck, check_plan

PLANS = Path(__file__).parent / "plans"
EXAMPLES = Path(__file__).parent / "examples"


def _expected() -> dict[str, list[str]]:
    """The lines of findings under each plan's name."""
    expected: dict[str, list[str]] = {}
    name = ""
    for line in (PLANS / "findings.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            expected[name].append(line.strip())
        else:
            name = line
            expected[name] = []
    return expected


EXPECTED = _expected()


def _check(name: str) -> PlanCheck:
    return check_plan((PLANS / f"{name}.md").read_text(encoding="utf-8"))


def test_every_plan_has_its_findings() -> None:
    assert sorted(path.stem for path in PLANS.glob("*.md")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_plan_has_just_these_findings(name: str) -> None:
    found = [f"{one.rule} {one.severity} {one.line}: {one.message}" for one in _check(name).findings]
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_name_is_the_rule_that_is_broken(name: str) -> None:
    rule = name.split("-")[0].upper()
    if rule in ("ALL", "STRUCTURE", "MISSING"):
        return
    assert {line.split()[0] for line in EXPECTED[name]} == ({rule} - {"SOUND"})


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith(("s1-", "s2-", "structure-"))])
def test_without_a_sound_structure_no_other_rule_is_asked(name: str) -> None:
    assert {line.split()[0] for line in EXPECTED[name]} <= {"S1", "S2"}
    assert _check(name).stage_map is None


def test_all_other_rules_are_asked_at_once() -> None:
    rules = {line.split()[0] for line in EXPECTED["all-of-a-sound-structure"]}
    assert rules == {f"S{number}" for number in range(3, 13)}


def test_what_is_read_of_a_korean_plan() -> None:
    stage_map = _check("sound-korean").stage_map
    assert stage_map is not None
    assert [(one.title, one.depends_on, one.exit_check) for one in stage_map.stages] == [
        ("CSV 쓰기", (), "pytest -q tests/test_내보내기.py"),
        ("명령 추가", (1,), "pytest -q"),
        ("설명서", (1, 2), "make docs"),
    ]
    assert stage_map.stage(2).files == ("src/명령.py", "tests/test_명령.py")
    assert stage_map.stage(2).steps[0].text == "테스트 추가: `tests/test_명령.py`"


def test_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    for path in sorted(PLANS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert check_plan(text.replace("\n", "\r\n")) == check_plan("\ufeff" + text) == check_plan(text), path.stem


def test_pipes_in_a_table_are_the_commands() -> None:
    stage_map = _check("sound-pipes-in-code").stage_map
    assert stage_map is not None
    checks = [stage.exit_check for stage in stage_map.stages]
    assert checks == ["pytest -q tests/test_csv.py | tail -3", "pytest -q tests/test_cli.py", "make docs || make docs"]


def test_nested_lists_belong_to_their_step() -> None:
    stage_map = _check("sound-nested-lists").stage_map
    assert stage_map is not None
    assert [step.number for step in stage_map.stage(1).steps] == [1, 2]
    assert "2. total last" in stage_map.stage(1).steps[1].text
