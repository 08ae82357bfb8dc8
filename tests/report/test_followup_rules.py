"""What a report proposes, and what a person decided about it; of any bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.report.followup_rules import (
    BEGINNINGS,
    DISMISSED,
    SPAWNED,
    Decision,
    background,
    decisions,
    proposals_of,
    quoted,
    row_of,
)
from support import schemas

_RUN = "demo:core:T-1/error-analysis/001"
_AT = "2026-01-01T00:00:00Z"


def _report(**fields: object) -> dict[str, Any]:
    return {"run_id": _RUN, "task_key": "demo:core:T-1", "task_type": "error-analysis", "phase": {}, **fields}


def _follow_up(title: str = "Do it", task_type: str = "error-analysis", reason: str = "why") -> dict[str, str]:
    return {"title": title, "task_type": task_type, "reason": reason}


def _discovered(routing: str, category: str = "bugfix") -> dict[str, Any]:
    phase = {"routing": routing, "work_category": category, "tasks": [{"title": "One", "summary": "s"}]}
    return _report(task_type="requirements-discovery", phase=phase)


def test_follow_ups_are_numbered_by_their_place() -> None:
    found = proposals_of(_report(follow_ups=[_follow_up("A"), 3, _follow_up(" \n"), _follow_up("B\nC")]))
    assert [(one.id, one.title, one.run_id) for one in found] == [("FU-001", "A", _RUN), ("FU-004", "B C", _RUN)]


@pytest.mark.parametrize(
    ("proposed", "task_type", "category"),
    [
        ("error-analysis", "error-analysis", "bugfix"),
        ("improvement-discovery", "improvement-discovery", "improvement"),
        ("implementation", "implementation-planning", ""),
        ("implementation-planning", "implementation-planning", ""),
        ("final-verification", "requirements-discovery", ""),
        ("$(reboot)", "requirements-discovery", ""),
    ],
)
def test_a_new_task_begins_where_a_task_can_begin(proposed: str, task_type: str, category: str) -> None:
    (found,) = proposals_of(_report(follow_ups=[_follow_up(task_type=proposed)]))
    assert (found.task_type, found.category) == (task_type, category)


@pytest.mark.parametrize(
    ("routing", "task_type"),
    [
        ("error-analysis first: nobody knows the cause", "error-analysis"),
        ("Straight to implementation-planning.", "implementation-planning"),
        ("error-analysis, then implementation-planning", "requirements-discovery"),
        ("pre-error-analysis", "requirements-discovery"),
        ("", "requirements-discovery"),
    ],
)
def test_a_fan_out_goes_where_the_routing_sends_it(routing: str, task_type: str) -> None:
    (found,) = proposals_of(_discovered(routing))
    assert (found.id, found.kind, found.task_type, found.category) == ("FO-001", "fan-out", task_type, "bugfix")


def test_only_a_discovery_fans_out_and_a_category_that_is_none_is_left_out() -> None:
    assert proposals_of(_report(phase={"tasks": [{"title": "x", "summary": "y"}]})) == []
    assert proposals_of(_discovered("", "sorcery"))[0].category == ""


def test_the_newest_decision_counts() -> None:
    (proposal,) = proposals_of(_report(follow_ups=[_follow_up()]))
    rows = [
        row_of(proposal, DISMISSED, _AT, reason="no"),
        row_of(proposal, SPAWNED, _AT, task_key="demo:core:T-1-1"),
        {**row_of(proposal, SPAWNED, _AT), "note": "a row without its task"},
        {**row_of(proposal, DISMISSED, _AT), "v": 2},
    ]
    assert decisions(rows) == {(_RUN, "FU-001"): Decision(SPAWNED, "demo:core:T-1-1", "", _AT)}
    assert [schemas.faults(row, "follow-up-row") for row in rows[:2]] == [[], []]


def test_the_findings_that_it_names_go_along_with_their_evidence() -> None:
    finding = {"id": "G-002", "severity": "high", "class": "consensus", "title": "T", "claim": "c\n# not a heading"}
    report = _report(follow_ups=[_follow_up(reason="see G-002, G-009")], findings=[{"id": "G-001"}, finding])
    (proposal,) = proposals_of(report)
    text = background(report, proposal, page="r.md", lines_of={"G-002": ["`a` exit 1"]})
    assert "**G-002 [high, consensus] T**\n\n> c\n> # not a heading\n\n- evidence: `a` exit 1" in text
    assert "G-001" not in text
    assert "It names no finding" not in text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "id", "x"]), inner),
    max_leaves=8,
)
_NAMES = ["run_id", "task_type", "task_key", "phase", "follow_ups", "findings"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _JSON)))
def test_any_report_can_be_read(report: dict[str, Any]) -> None:
    for one in proposals_of(report):
        assert one.task_type in BEGINNINGS
        assert one.title.strip() == one.title != ""
        assert background(report, one, page="r", lines_of={})


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(["v", "run_id", "item", "state", "task_key"], _JSON))))
def test_any_rows_can_be_read(rows: list[dict[str, Any]]) -> None:
    assert all(one.state in (SPAWNED, DISMISSED) for one in decisions(rows).values())


@given(st.text())
def test_what_is_quoted_is_quoted_whole(text: str) -> None:
    assert all(line.startswith(">") for line in quoted(text))
