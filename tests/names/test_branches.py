"""Branch names."""

from __future__ import annotations

import pytest

from okstra_ctl.names import (
    BRANCH_PREFIXES,
    CATEGORY_PREFIXES,
    DEFAULT_CATEGORY,
    TaskKey,
    category_of_branch,
    stage_branch,
    task_branch,
)


def test_the_seven_prefixes() -> None:
    assert sorted(CATEGORY_PREFIXES.values()) == ["chore", "docs", "feat", "fix", "improve", "ops", "refactor"]
    assert DEFAULT_CATEGORY in CATEGORY_PREFIXES


@pytest.mark.parametrize(
    ("category", "task_id", "branch"),
    [
        ("feature", "DEV-9436", "feat-dev-9436"),
        ("bugfix", "로그인 오류", "fix-로그인-오류"),
        ("improvement", "a..b", "improve-a.b"),
        ("chore", "x.lock", "chore-x-lock"),
        ("docs", "a", "docs-a"),
        ("refactor", "a", "refactor-a"),
        ("ops", "a", "ops-a"),
    ],
)
def test_task_branch(category: str, task_id: str, branch: str) -> None:
    assert task_branch(category, TaskKey("p", "g", task_id)) == branch


def test_stage_branch_is_plain_on_the_first_hold() -> None:
    assert stage_branch("feat-t-1", 3, 1) == "feat-t-1-s3"


def test_a_first_hold_does_not_dodge_somebody_elses_branch() -> None:
    assert stage_branch("feat-t-1", 3, 1, taken={"feat-t-1-s3"}) == "feat-t-1-s3"


def test_a_later_hold_takes_the_plain_name_when_it_is_free() -> None:
    assert stage_branch("feat-t-1", 3, 2, taken={"feat-t-1-s4"}) == "feat-t-1-s3"


def test_a_later_hold_is_told_apart_by_its_epoch() -> None:
    assert stage_branch("feat-t-1", 3, 2, taken={"feat-t-1-s3"}) == "feat-t-1-s3-e2"


def test_a_tasks_branch_names_its_category() -> None:
    key = TaskKey("p", "g", "T-1")
    for category in BRANCH_PREFIXES:
        assert category_of_branch(task_branch(category, key), key) == category
    for branch in ("feat-other", "t-1", "", "feat-t-1-s2"):
        assert category_of_branch(branch, key) == ""
