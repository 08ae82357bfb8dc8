"""A worker of which nothing is at work is reported on the board and in the run's events, and ended at its limit."""

from __future__ import annotations

import pytest

from support import schemas
from support.okstra import Project
from support.rehearsal import events_of, install, led, part, result

pytestmark = pytest.mark.contained


def test_a_stalled_worker_is_reported_and_ended_at_its_limit_alone(project: Project) -> None:
    install(
        project,
        part({"fault": "hang"}, worker="rehearsal-a", round=""),
        part({"result": result()}, worker="rehearsal-b", round=""),
        limits={"softMinutes": 0.1, "hardMinutes": 0.12, "stallAfter": 0.03},
    )
    ended = led(project, "error-analysis")
    rows = events_of(ended)
    mine = [row for row in rows if row.get("worker") == "rehearsal-a" and not row.get("label")]
    assert [row["event"] for row in mine] == ["dispatched", "stalled", "ended"]
    assert mine[-1]["outcome"] == "timeout"
    assert [fault for row in rows for fault in schemas.faults(row, "event-row")] == []
    assert "rehearsal-a: no output, processor time or network traffic for" in ended.stderr
    assert not any(row["event"] == "stalled" and row["worker"] == "rehearsal-b" for row in rows)
