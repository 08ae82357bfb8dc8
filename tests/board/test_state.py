"""Which runs are on the board, and what their events say of each worker."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.board.state import MOST_RUNS, choose, workers_of
from okstra_ctl.status import RunStatus

_ROSTER = [{"id": "claude", "role": "analyst", "provider": "claude", "model": "m"}, {"id": "critic", "role": "critic"}]


class Row(NamedTuple):
    run_id: str
    status: str
    at: str = "2026-11-23T10:00:00Z"
    stage: int | None = None


def begun(label: str = "", attempt: object = 1, worker: str = "claude") -> dict[str, Any]:
    return {"event": "dispatched", "worker": worker, "label": label, "attempt": attempt, "at": "2026-11-23T10:00:00Z"}


def ended(outcome: str = "completed", worker: str = "claude") -> dict[str, Any]:
    facts = {"outcome": outcome, "state": "clean", "seconds": 3.5, "at": "2026-11-23T10:01:00Z"}
    return {"event": "ended", "worker": worker, "label": "", "attempt": 1, **facts}


def states(*events: dict[str, Any], status: str = "running", written: tuple[str, ...] = ()) -> list[str]:
    return [worker.state for worker in workers_of(_ROSTER, events, status, written)]


def test_a_worker_waits_runs_and_ends() -> None:
    assert states() == ["waiting", "waiting"]
    assert states(begun()) == ["running", "waiting"]
    assert states(begun(), ended()) == ["completed", "waiting"]
    assert states(begun(), ended("timeout"), begun(attempt=2)) == ["running", "waiting"]
    assert states(written=("critic",)) == ["waiting", "written"]


def test_nobody_runs_in_a_run_that_nobody_leads() -> None:
    for status in ("interrupted", "reserved", "failed"):
        assert states(begun(), status=status)[0] == "stopped"
        assert states(begun(), ended("error"), status=status)[0] == "error"


def test_the_last_turn_is_told() -> None:
    worker, _ = workers_of(_ROSTER, [begun(), ended(), begun("round-1", 2)], "running")
    assert (worker.label, worker.attempt, worker.since, worker.seconds) == ("round-1", 2, "2026-11-23T10:00:00Z", None)
    worker, _ = workers_of(_ROSTER, [begun(), ended()], "running")
    assert (worker.seconds, worker.answer, worker.since) == (3.5, "clean", "2026-11-23T10:01:00Z")


def test_a_worker_whose_quota_is_spent_says_when_it_ends() -> None:
    at = "2026-11-24T09:00:00Z"
    worker, _ = workers_of(_ROSTER, [begun(), {**ended("quota"), "again_at": at}], "failed")
    assert (worker.state, worker.again_at) == ("quota", at)
    assert workers_of(_ROSTER, [begun(), {**ended("quota"), "again_at": at}, begun()], "running")[0].again_at == ""


def test_a_worker_that_has_stalled_says_since_when_until_it_is_at_work_again() -> None:
    at = "2026-11-23T10:12:00Z"
    stalled = {"event": "stalled", "worker": "claude", "label": "", "attempt": 1, "at": at}
    worker, _ = workers_of(_ROSTER, [begun(), stalled], "running")
    assert (worker.state, worker.stalled_since, worker.since) == ("running", at, "2026-11-23T10:00:00Z")
    for after in ({**stalled, "event": "active"}, ended(), begun(attempt=2)):
        assert workers_of(_ROSTER, [begun(), stalled, after], "running")[0].stalled_since == ""
    assert workers_of(_ROSTER, [begun(), stalled], "interrupted")[0].state == "stopped"


def test_records_that_are_damaged_are_no_stop() -> None:
    rows = [{"event": "ended", "worker": "claude"}, {"event": "dispatched"}, begun(attempt="x"), {"worker": 3}]
    assert [one.attempt for one in workers_of(_ROSTER, rows, "running")] == [1, 0]
    assert workers_of(None, rows, "running") == workers_of("x", rows, "running") == ()
    assert [one.worker for one in workers_of([3, {}, {"id": 7}], [], "running")] == ["", "7"]


def test_what_runs_comes_first_then_what_is_urgent() -> None:
    statuses = ["prepared", "failed", "running", "interrupted", "contract-violated", "reserved", "completed"]
    rows = [Row(f"d:c:T-{number}/error-analysis/001", status) for number, status in enumerate(statuses)]
    shown, more, lately = choose(rows, "2026-11-23T09:00:00Z")
    order = ["running", "contract-violated", "failed", "interrupted", "reserved", "prepared"]
    assert [row.status for row in shown] == order
    assert (more, [row.status for row in lately]) == (0, ["completed"])
    assert choose(rows, "2026-11-23T11:00:00Z")[2] == []


def test_a_failed_run_goes_when_a_later_one_is_there() -> None:
    first, second = Row("d:c:T/error-analysis/009", "failed"), Row("d:c:T/error-analysis/010", "completed")
    assert choose([first], "")[0] == [first]
    assert choose([first, second], "")[0] == []
    assert choose([second._replace(run_id="d:c:T/error-analysis/008"), first], "")[0] == [first]
    other = Row("d:c:T/implementation/stage-2/010", "completed")
    assert choose([Row("d:c:T/implementation/stage-1/009", "failed"), other], "")[0] != []
    held = Row("d:c:T/implementation/stage-2/009", "interrupted", stage=2)
    assert choose([held, other._replace(stage=2)], "")[0] == [], "the later one holds the stage"
    stopped = first._replace(status="interrupted")
    assert choose([stopped, second], "")[0] == [stopped], "its commits may be wanted"


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 1200), st.sampled_from(list(map(str, RunStatus)))),
        unique_by=lambda one: one[:2],
    )
)
def test_every_open_run_is_shown_or_counted(drawn: list[tuple[int, int, str]]) -> None:
    rows = [Row(f"d:c:T-{task}/x/{seq:03d}", status) for task, seq, status in drawn]
    shown, more, lately = choose(rows, "")
    told = {"completed", "released"}
    assert len(shown) <= MOST_RUNS
    busy = [row for row in rows if row.status not in told | {"failed", "contract-violated", "dropped"}]
    assert len(shown) + more >= len(busy)
    assert all(row.status in told for row in lately)
