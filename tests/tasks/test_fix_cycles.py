"""Fix cycles: when one opens, which runs are of it, what closes it, and when a run has to say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.tasks.fix_cycles import (
    Cycle,
    RunEvent,
    cycle_of,
    finished_by,
    fold,
    must_be_asked,
    next_rows,
    open_cycle,
)
from support import schemas

_AT = "2026-01-01T00:00:00Z"


def _run(number: int, task_type: str = "error-analysis") -> str:
    return f"demo:core:T-1/{task_type}/{number:03d}"


def _what(run: str, **facts: object) -> RunEvent:
    base = RunEvent(run, _AT, prepared=True, fix_cycle="", finished=False, accepts=False)
    return base._replace(**facts)  # type: ignore[arg-type]


def _cycles_after(*happenings: RunEvent) -> list[Cycle]:
    rows: list[dict[str, object]] = []
    for one in happenings:
        rows += next_rows(fold(rows), one)
    assert [schemas.faults(row, "fix-cycle-row") for row in rows if schemas.faults(row, "fix-cycle-row")] == []
    return fold(rows)


_OPENS = _what(_run(1), fix_cycle="yes", finished=True)


def test_a_finished_task_that_is_opened_again_gets_a_cycle() -> None:
    (cycle,) = _cycles_after(_OPENS)
    assert (cycle.id, cycle.runs, cycle.is_open) == ("fc-001", (_run(1),), True)


@pytest.mark.parametrize(
    "what",
    [
        _OPENS._replace(finished=False),
        _OPENS._replace(fix_cycle="no"),
        _OPENS._replace(fix_cycle=""),
        _OPENS._replace(prepared=False),
    ],
)
def test_nothing_else_opens_one(what: RunEvent) -> None:
    assert _cycles_after(what) == []


def test_runs_prepared_meanwhile_are_of_it_unless_they_say_no() -> None:
    (cycle,) = _cycles_after(
        _OPENS, _what(_run(2)), _what(_run(3), fix_cycle="no"), _what(_run(4), fix_cycle="yes"), _what(_run(2))
    )
    assert cycle.runs == (_run(1), _run(2), _run(4))
    assert cycle_of([cycle], _run(3)) is None


def test_an_accepted_verification_of_its_own_closes_it_and_the_next_is_a_new_one() -> None:
    verified = _run(1, "final-verification")
    foreign = _what(_run(9, "final-verification"), prepared=False, accepts=True)
    assert open_cycle(_cycles_after(_OPENS, foreign)) is not None
    ended = _what(verified, prepared=False, accepts=True)
    cycles = _cycles_after(_OPENS, _what(verified), ended, ended, _what(_run(5)), _OPENS._replace(run_id=_run(6)))
    assert [(one.id, one.closed_by, one.runs) for one in cycles] == [
        ("fc-001", verified, (_run(1), verified)),
        ("fc-002", "", (_run(6),)),
    ]


def test_a_run_has_to_say_so_only_where_it_begins_work_on_what_is_finished() -> None:
    opened = _cycles_after(_OPENS)
    assert must_be_asked([], "error-analysis", "", finished=True)
    for cycles, task_type, flag, finished in (
        ([], "error-analysis", "", False),
        ([], "error-analysis", "no", True),
        ([], "implementation", "yes", True),
        ([], "final-verification", "", True),
        ([], "release-handoff", "", True),
        (opened, "error-analysis", "", True),
    ):
        assert not must_be_asked(cycles, task_type, flag, finished=finished), (task_type, flag, finished)


@pytest.mark.parametrize(
    ("before", "task_type", "event", "token", "after"),
    [
        ("", "final-verification", "completed", "accepted", "R"),
        ("", "final-verification", "contract-violated", "accepted", ""),
        ("", "final-verification", "completed", "conditional-accept", ""),
        ("B", "final-verification", "completed", "blocked", ""),
        ("B", "final-verification", "prepared", "", "B"),
        ("B", "final-verification", "failed", "blocked", "B"),
        ("", "release-handoff", "completed", "handed-off", "R"),
        ("B", "release-handoff", "failed", "not-handed-off", "B"),
        ("B", "implementation", "prepared", "", ""),
        ("B", "implementation", "done", "", "B"),
        ("B", "error-analysis", "completed", "cause-established", "B"),
    ],
)
def test_what_finishes_a_task(before: str, task_type: str, event: str, token: str, after: str) -> None:
    assert finished_by(before, "R", task_type, event, token) == after


_VALUES = st.one_of(st.none(), st.integers(), st.sampled_from(["fc-001", "fc-x", "opened", "run", "closed", "R", ""]))


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(["v", "id", "event", "run_id", "at"], _VALUES))))
def test_any_rows_can_be_read_and_the_next_cycle_has_a_new_id(rows: list[dict[str, object]]) -> None:
    known = fold(rows)
    if open_cycle(known) is None and cycle_of(known, _run(1)) is None:
        opened, run = next_rows(known, _OPENS)
        assert opened["id"] == run["id"] not in {cycle.id for cycle in known}


@pytest.mark.parametrize(
    "alien",
    [
        {"v": 2},
        {"v": None},
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"event": "reopened"},
        {"event": ["opened"]},
        {"run_id": None},
        {"run_id": ""},
        {"at": None},
        {"at": 20260101},
    ],
    ids=str,
)
def test_rows_that_are_none_are_passed_over(alien: dict[str, object]) -> None:
    row = {"v": 1, "id": "FC-001", "event": "opened", "run_id": _run(1), "at": _AT}
    assert [cycle.id for cycle in fold([row])] == ["FC-001"]
    assert fold([{**row, **alien}]) == []
    assert fold([{name: value for name, value in row.items() if name not in alien}]) == []
    other = {**row, "id": "FC-002", "run_id": _run(2)}
    assert [cycle.id for cycle in fold([{**row, **alien}, other])] == ["FC-002"]
