"""A provider's limit that ends later: other workers go on, the time is shown, and a run may wait for it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.limits import wait_asked
from support import schemas
from support.okstra import Ended, Project
from support.rehearsal import events_of, install, led, led_args, manifest_of, part, report_of, result

pytestmark = pytest.mark.contained
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SHORT = {"limits": {"softMinutes": 0.1, "hardMinutes": 0.2}}
"""Six seconds: what ends later than that is a quota."""


class Limited(NamedTuple):
    project: Project
    ended: Ended


@pytest.fixture
def limited(project: Project) -> Limited:
    """A run of which one analyst's limit ends in 11 days."""
    install(
        project,
        part({"fault": "rate-limit", "after": 1_000_000}, worker="rehearsal-a", round=""),
        part({"result": result()}, worker="rehearsal-b", round=""),
    )
    return Limited(project, led(project, "error-analysis"))


def test_others_go_on_and_the_time_is_shown_everywhere(limited: Limited) -> None:
    project, ended = limited
    rows = [row for row in events_of(ended) if row["event"] == "ended"]
    mine = [row for row in rows if row["worker"] == "rehearsal-a"]
    assert [(row["outcome"], row["starts"]) for row in mine if not row["label"]] == [("quota", 1)]
    at = mine[0]["again_at"]
    assert TIME.fullmatch(at)
    assert all(row["starts"] == 0 for row in mine[1:])  # nothing more is asked of it
    assert ("rehearsal-b", "completed") in [(row["worker"], row["outcome"]) for row in rows]
    assert [fault for row in events_of(ended) for fault in schemas.faults(row, "event-row")] == []
    report = report_of(ended)
    assert schemas.faults(report, "final-report") == []
    assert {row["worker"]: row.get("again_at") for row in report["execution"]}["rehearsal-a"] == at
    assert f"quota (again at {at})" in Path(ended.data["report"]).read_text()
    run = ended.data["run_id"]
    (row,) = [row for row in project.okstra("status", "--json").data["runs"] if row["run_id"] == run]
    assert row["limited_until"] == at
    assert at in project.okstra("status").stdout
    assert at in project.okstra("next", run.rpartition("/")[0].rpartition("/")[0]).stdout
    assert f"again at {at}" in project.okstra("board", "--once").stdout


def test_a_run_waits_for_its_quota_and_goes_on_by_itself(project: Project) -> None:
    install(
        project,
        part({"fault": "rate-limit", "after": 7}, worker="rehearsal-a", round="", attempt="1"),
        part({"result": result()}, role="analyst", round=""),
        **SHORT,
    )
    ended = led(project, "error-analysis", "--wait-quota", "5m")
    assert ended.status == 0, ended
    assert manifest_of(ended)["requested"]["wait_quota"] == "5m"
    rows = events_of(ended)
    mine = [row for row in rows if row["event"] == "ended" and (row["worker"], row["label"]) == ("rehearsal-a", "")]
    assert [(row["outcome"], row["starts"]) for row in mine] == [("quota", 1), ("completed", 1)]
    (waiting,) = [row for row in rows if row["event"] == "waiting"]
    assert waiting["again_at"] == mine[0]["again_at"] <= mine[1]["at"]


@pytest.mark.parametrize(("text", "seconds"), [("", 0.0), ("90m", 5400.0), ("8h", 28800.0), ("2d", 172800.0)])
def test_times_to_wait(text: str, seconds: float) -> None:
    assert wait_asked(text) == seconds


@pytest.mark.parametrize("text", ["8", "h", "0h", "-1h", "8 h", "8w", "1.5h", "99999h"])
def test_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        wait_asked(text)
    assert "--wait-quota" in refused.value.message


def test_ctrl_c_ends_the_wait_and_a_resume_waits_on_without_a_start(project: Project) -> None:
    install(project, part({"fault": "rate-limit", "after": 1_000_000}, role="analyst"))
    args = (*led_args(project, "error-analysis"), "--wait-quota", "30d")
    assert _stopped_while_it_waits(project, *args, waits=1) == 130
    events = _events(project)
    assert [row["starts"] for row in events if row["event"] == "ended"] == [1, 1]
    run = next(row["run_id"] for row in events if row["event"] == "started")
    assert _stopped_while_it_waits(project, "resume", run, waits=2) == 130
    events = _events(project)
    assert sum(row["event"] == "dispatched" for row in events) == 2
    assert [row["starts"] for row in events if row["event"] == "ended"] == [1, 1, 0, 0]
    (shown,) = project.okstra("status", "--json").data["runs"]
    assert shown["status"] == "interrupted"
    assert shown["limited_until"] == events[-2]["again_at"]


def _stopped_while_it_waits(project: Project, *args: str | Path, waits: int) -> int:
    process = project.okstra.start(*args)
    deadline = time.monotonic() + 60
    while sum(row["event"] == "waiting" for row in _events(project)) < waits:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    return process.returncode


def _events(project: Project) -> list[dict[str, Any]]:
    found = list((project.repo.path / ".okstra").rglob("events-001.jsonl"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines() if line.endswith("}")]
