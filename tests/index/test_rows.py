"""Rows of the run index: which of a run's rows counts, and what a row is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from okstra_ctl.index.database import rows_of, unchanged, with_beginnings

_NOW = "2026-06-20T10:00:00Z"


def row(number: int, event: str = "prepared", at: str = _NOW, **more: object) -> dict[str, Any]:
    run_id = f"p:g:1/error-analysis/{number:03d}"
    fields = {"v": 1, "run_id": run_id, "event": event, "at": at, "task_type": "error-analysis", "stage": None}
    return {**fields, "project_root": "/p", "manifest": "/m", **more}


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"{\n", b"\xff\n", b"3\n", b'{"v": 2, "run_id": "x"}\n', b'{"v": 1}\n', b"\n"),
        *(lines({**row(3), "at": 5}), lines({**row(3), "event": []}), lines({**row(3), "stage": "1"})),
    ],
)
def test_damaged_lines_and_a_torn_last_one_are_passed_over(garbage: bytes) -> None:
    found = rows_of(lines(row(1)) + garbage + lines(row(2)) + b'{"v": 1, "run_id": "torn')
    assert found == [row(1), row(2)]


def test_the_later_row_and_the_later_place_count_and_beginnings_stay_known() -> None:
    first = [row(1, at="2026-01-01T00:00:00Z"), row(2)]
    second = [row(1, "started", "2026-01-02T00:00:00Z"), row(1, "done", "2026-01-03T00:00:00Z")]
    found = {one["run_id"][-1]: one for one in with_beginnings([first, second])}
    assert found["1"]["event"] == "done"
    assert (found["1"]["prepared_at"], found["1"]["started_at"]) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert (found["2"]["prepared_at"], "started_at" in found["2"]) == (_NOW, False)


def test_a_run_that_went_on_is_not_unchanged() -> None:
    seen = {one["run_id"]: one for one in (row(1), row(2))}
    now = [row(1), row(2, "done"), row(3)]
    runs = [row(number)["run_id"] for number in (1, 2, 3, 4)]
    assert unchanged(runs, seen, now) == {runs[0], runs[3]}
