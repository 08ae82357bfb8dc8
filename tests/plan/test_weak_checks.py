"""An exit check that can't fail is warned of, and is no error."""

from __future__ import annotations

import pytest

from okstra_ctl.plan.rules import check_plan
from support.plans import plan_text


def warnings_of(exit_check: str) -> list[tuple[str, str, str]]:
    checked = check_plan(plan_text({1: ()}, exit_check=exit_check.replace("|", "\\|")))
    assert checked.stage_map is not None
    assert checked.stage_map.stage(1).exit_check == exit_check
    return [(finding.rule, finding.severity, finding.message) for finding in checked.findings]


@pytest.mark.parametrize(
    ("exit_check", "told"),
    [
        ("pytest -q || true", "`|| true`"),
        ("pytest -q || :", "`|| :`"),
        ("pytest -q; true", "`; true`"),
        ("pytest -q; exit 0", "`; exit 0`"),
        ("pytest -q || echo failed", "`|| echo failed`"),
        ("if ls; then pytest; fi || true", "`|| true`"),
        ("echo done", "only says something"),
        ("echo one && printf two", "only says something"),
        ("true", "only says something"),
    ],
)
def test_a_check_that_can_not_fail_is_warned_of(exit_check: str, told: str) -> None:
    ((rule, severity, message),) = warnings_of(exit_check)
    assert (rule, severity) == ("S6", "warning")
    assert told in message


@pytest.mark.parametrize(
    "exit_check",
    [
        "pytest -q",
        "pytest -q && echo done",
        "echo begin; pytest -q",
        "pytest -q | tail -1",
        "make test || make test",
        "! grep -r TODO src",
        "! true",
        "echo x | grep -q x",
        "test -e 'a || true'",
        "grep '; true' x",
    ],
)
def test_a_check_that_can_fail_is_not(exit_check: str) -> None:
    assert warnings_of(exit_check) == []
