"""Verdicts on items (rules R9, R10) and the records of an executor's steps (R11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.records import Basis, Verdict
from okstra_ctl.results.worker import parse_answers, parse_executor_result

GOOD = """---
task-key: shop:auth:T-1
worker: codex
model: gpt
---
## Verdicts

### G-001 AGREE
- reason: The test shows it.

### G-002 DISAGREE
- basis: evidence
- reason: The line says otherwise.
- evidence: src/a.py:3 `return False`
"""
ITEMS = ("G-001", "G-002")


def broken(text: str, items: tuple[str, ...] = ITEMS) -> list[str]:
    return [problem.rule for problem in parse_answers(text, items=items)[1]]


def test_good_answers_are_read() -> None:
    answers, problems = parse_answers(GOOD, items=ITEMS)
    assert problems == []
    assert [(one.item, one.verdict, one.basis) for one in answers] == [
        ("G-001", Verdict.AGREE, None),
        ("G-002", Verdict.DISAGREE, Basis.EVIDENCE),
    ]
    assert answers[1].evidence[0].quote == "return False"


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("R9", "### G-001 AGREE\n- reason: The test shows it.\n", ""),
        ("R9", "G-002 DISAGREE", "G-001 DISAGREE"),
        ("R9", "G-001 AGREE", "G-001 YES"),
        ("R9", "G-001 AGREE", "G-007 AGREE"),
        ("R10", "- reason: The test shows it.\n", ""),
        ("R10", "- basis: evidence\n", ""),
        ("R10", "basis: evidence", "basis: feeling"),
        ("R10", "- evidence: src/a.py:3 `return False`\n", ""),
        ("R6", "src/a.py:3 `return False`", "look for yourself please"),
        ("R1", "model: gpt\n", ""),
        ("R2", "## Verdicts", "## Opinions"),
    ],
)
def test_each_rule_names_what_breaks_it(rule: str, old: str, new: str) -> None:
    assert old in GOOD
    assert rule in broken(GOOD.replace(old, new, 1))


def test_silence_on_one_item_is_no_answer() -> None:
    assert broken(GOOD, (*ITEMS, "G-003")) == ["R9"]


@given(st.text())
def test_no_text_passes_for_an_answer(text: str) -> None:
    assert broken(text)


EXECUTOR = """---
task-key: shop:auth:T-1
task-type: implementation
worker: claude-executor
provider: claude
model: opus
commit: abc
---
## 1. Steps
### Step 1 done
- evidence: command `pytest -q` exit 1
### Step 2 skipped
- note: the code was there
## 2. Deviations
none
## 3. Risks
none
## 4. Open questions
none
"""


def test_an_executors_steps_are_read() -> None:
    result, problems = parse_executor_result(EXECUTOR, steps=(1, 2))
    assert problems == []
    assert [(step.number, step.done) for step in result.steps] == [(1, True), (2, False)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- evidence: command `pytest -q` exit 1\n", ""),
        ("- evidence: command `pytest -q` exit 1\n", "- evidence: src/a.py:3\n"),
        ("- note: the code was there\n", ""),
        ("### Step 2 skipped", "### Step 1 done"),
        ("### Step 2 skipped", "### Second step"),
    ],
)
def test_a_step_without_its_record_is_told(old: str, new: str) -> None:
    rules = [problem.rule for problem in parse_executor_result(EXECUTOR.replace(old, new), steps=(1, 2))[1]]
    assert "R11" in rules


def test_a_missing_step_is_told() -> None:
    assert [problem.rule for problem in parse_executor_result(EXECUTOR, steps=(1, 2, 3))[1]] == ["R11"]
