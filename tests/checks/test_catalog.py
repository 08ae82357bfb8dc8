"""The checks of a run's record: documented as they are in the code."""

from __future__ import annotations

import re

from okstra_ctl.checks.record_rules import CHECKS, GROUPS
from support.sealed import ROOT

_ROW = re.compile(r"^\| `([a-z-]+)` \| `([a-z]+)` \| (.*) \| (.*) \|$", re.M)


def test_the_page_lists_every_check_as_it_is() -> None:
    page = (ROOT / "docs" / "how-to" / "check-a-run.md").read_text(encoding="utf-8")
    rows = {name: (group, meaning, remedy) for name, group, meaning, remedy in _ROW.findall(page)}
    assert rows == {name: tuple(check) for name, check in CHECKS.items()}


def test_every_group_has_checks_and_every_check_a_group() -> None:
    assert {check.group for check in CHECKS.values()} == set(GROUPS)
