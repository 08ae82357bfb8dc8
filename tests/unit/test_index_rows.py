"""The central index, folded and rotated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.core.index_rows import (
    ENDED,
    UNDATED,
    month_of,
    newest_of_each,
    rotate,
    rows_of,
    with_beginnings,
)
from support import schemas

_OLDEST = "2026-06-01T00:00:00Z"
_NOW = "2026-06-20T10:00:00Z"


def row(number: int, event: str = "prepared", at: str = _NOW, **more: object) -> dict[str, Any]:
    run_id = f"p:g:1/error-analysis/{number:03d}"
    fields = {"v": 1, "run_id": run_id, "event": event, "at": at, "task_type": "error-analysis", "stage": None}
    return {**fields, "project_root": "/p", "manifest": "/m", **more}


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


def told(data: bytes) -> list[tuple[int, str]]:
    return [(int(one["run_id"][-3:]), one["event"]) for one in rows_of(data)]


def test_ended_runs_move_whole_and_open_ones_stay_whole() -> None:
    active = lines(row(1), row(2), row(1, "started"), row(3), row(1, "completed"), row(2, "started"))
    moved = rotate(active, b"", oldest=_OLDEST)
    assert moved is not None
    assert told(moved.active) == [(2, "prepared"), (3, "prepared"), (2, "started")]
    assert told(moved.recent) == [(1, "completed")]
    assert moved.archive == {}


def test_nothing_ended_is_nothing_to_do() -> None:
    assert rotate(lines(row(1), row(2, "started")), lines(row(3, "done")), oldest=_OLDEST) is None


def test_the_one_row_that_is_kept_tells_when_it_began() -> None:
    owner = {"host": "h", "boot_id": "b", "pid": 1, "start_time": "2"}
    at = [f"2026-06-20T10:00:0{second}Z" for second in range(5)]
    first = lines(row(1, "prepared", at[0]), row(1, "started", at[1], owner=owner), row(1, "failed", at[2]))
    moved = rotate(first, b"", oldest=_OLDEST)
    assert moved is not None
    resumed = lines(row(1, "started", at[3], owner=owner), row(1, "completed", at[4]))
    again = rotate(moved.active + resumed, moved.recent, oldest=_OLDEST)
    assert again is not None
    (kept,) = rows_of(again.recent)
    assert kept == row(1, "completed", at[4], prepared_at=at[0], started_at=at[1])
    assert schemas.faults(kept, "index-row") == []


def test_beginnings_are_found_over_all_places() -> None:
    recent = [row(1, "failed", prepared_at="2026-06-01T00:00:00Z", started_at="2026-06-02T00:00:00Z")]
    (joined,) = with_beginnings([recent, [row(1, "started")]])
    assert (joined["event"], joined["prepared_at"][:10], joined["started_at"][:10]) == (
        *("started", "2026-06-01", "2026-06-02"),
    )


def test_what_is_too_many_or_too_old_goes_to_the_archive_of_its_month() -> None:
    old = lines(row(1, "done", "2026-04-30T23:59:59Z"), row(2, "done", "2026-05-01T00:00:00Z"))
    new = lines(*(row(number, "done", f"2026-06-10T00:00:0{number}Z") for number in (3, 4, 5)))
    moved = rotate(old + new, b"", oldest=_OLDEST, most=2)
    assert moved is not None
    assert told(moved.recent) == [(4, "done"), (5, "done")]
    assert {month: told(data) for month, data in moved.archive.items()} == {
        "2026-04": [(1, "done")],
        "2026-05": [(2, "done")],
        "2026-06": [(3, "done")],
    }


def test_a_run_that_is_open_again_keeps_its_recent_row() -> None:
    """A reader that saw the active file before it was opened finds it there."""
    recent = lines(row(1, "failed", "2026-04-01T00:00:00Z"), row(2, "failed", "2026-04-01T00:00:00Z"))
    moved = rotate(lines(row(1, "started"), row(3, "done")), recent, oldest=_OLDEST)
    assert moved is not None
    assert told(moved.recent) == [(1, "failed"), (3, "done")]
    assert told(moved.archive["2026-04"]) == [(2, "failed")]


@pytest.mark.parametrize("strange", [b"{", b"\xff", b"3", b"", b'{"v": 2, "run_id": "x"}', b'{"v":1},{"v":1}'])
def test_what_is_not_understood_stays_where_it_is(strange: bytes) -> None:
    moved = rotate(
        lines(row(1)) + strange + b"\n" + lines(row(1, "done")), strange + b"\n" + lines(row(2, "done")), oldest=_OLDEST
    )
    assert moved is not None
    assert moved.active == strange + b"\n"
    assert moved.recent.startswith(strange + b"\n")
    assert told(moved.recent) == [(1, "done"), (2, "done")]


def test_a_torn_last_line_stays_the_last() -> None:
    moved = rotate(lines(row(1, "done"), row(2)) + b'{"v": 1, "run', b"", oldest=_OLDEST)
    assert moved is not None
    assert moved.active == lines(row(2)) + b'{"v": 1, "run'


@pytest.mark.parametrize("at", ["", "../../x", "2026-13-01T00:00:00Z", "2026-00-01", "20261-01-01", "/etc"])
def test_a_strange_time_names_no_strange_file(at: str) -> None:
    moved = rotate(lines(row(1, "done", at)), lines(), oldest=_OLDEST, most=0)
    assert moved is not None
    assert list(moved.archive) == [UNDATED] == [month_of(at)]


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.none(),  # a rotation
            st.tuples(
                st.integers(1, 6),
                st.sampled_from(["prepared", "started", *ENDED]),
                st.integers(1, 9),
            ),
        ),
        max_size=40,
    ),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_rotated_or_not_each_run_has_the_same_newest_row(
    acts: list[tuple[int, str, int] | None], most: int, killed: int
) -> None:
    """However it is rotated in between, with times that go back and forth; also when each rotation is killed."""
    plain = active = recent = b""
    archive: dict[str, bytes] = {}
    for act in acts:
        if act is not None:
            number, event, day = act
            line = lines(row(number, event, f"2026-06-0{day}T00:00:00Z"))
            plain, active = plain + line, active + line
            continue
        moved = rotate(active, recent, oldest=_OLDEST, most=most)
        if moved is not None:
            for month, data in moved.archive.items() if killed != 1 else ():
                archive[month] = archive.get(month, b"") + data
            recent = moved.recent if killed not in (1, 2) else recent
            active = moved.active if killed == 0 else active
    places = [rows_of(data) for data in (*[archive[month] for month in sorted(archive)], recent, active)]
    expected = {one["run_id"]: (one["event"], one["at"]) for one in newest_of_each([rows_of(plain)])}
    assert {one["run_id"]: (one["event"], one["at"]) for one in newest_of_each(places)} == expected
