"""How long runs took."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.history.durations import Spent, Timed, seconds_between, summed_up, total
from okstra_ctl.usage.tokens import duration_text

_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1)).map(lambda at: at.replace(microsecond=0))


def written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@given(_MOMENTS, _MOMENTS)
def test_seconds_are_those_of_the_calendar(begin: datetime, end: datetime) -> None:
    expected = int((end - begin).total_seconds())
    assert seconds_between(written(begin), written(end)) == (expected if expected >= 0 else None)


@pytest.mark.parametrize("at", ["", "yesterday", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T24:00:00Z", "null"])
def test_what_is_no_time_is_unknown(at: str) -> None:
    assert seconds_between(at, "2026-11-23T00:00:00Z") is None
    assert seconds_between("2026-11-23T00:00:00Z", at) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (3661, "1 h 01 min"), (90000, "1 d 01 h"), (864000, "10 d 00 h")],
)
def test_spoken(seconds: int, words: str) -> None:
    assert duration_text(seconds) == words


def _at(minutes: int) -> str:
    return written(datetime(2026, 11, 23) + timedelta(minutes=minutes))


def _run(status: str, *, name: str = "x", ended: bool = True, prepared: int = -1, started: int = -1) -> Timed:
    """A run that was heard of last after 30 minutes."""
    began = ["" if minutes < 0 else _at(minutes) for minutes in (prepared, started)]
    return Timed(name, status, ended, *began, last_seen=_at(30))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (_run("completed", prepared=0, started=20), {"counted": 1, "seconds": 600}),
        (_run("failed", prepared=10), {"counted": 1, "seconds": 1200, "from_prepared": 1}),
        (_run("running", ended=False, started=30), {"counted": 1, "seconds": 1800, "running": 1}),
        (_run("running", ended=False), {"unknown": 1}),
        (_run("completed"), {"unknown": 1}),
        (_run("completed", ended=False, prepared=0), {"unknown": 1}),
        (_run("prepared", ended=False, prepared=0), {"open": 1}),
        (_run("reserved", ended=False, prepared=0), {"open": 1}),
        (_run("interrupted", ended=False, started=0), {"open": 1}),
        (_run("interrupted", started=0), {"counted": 1, "seconds": 1800}),
        (_run("completed", started=40), {"unknown": 1}),
    ],
)
def test_what_counts_and_what_does_not(run: Timed, expected: dict[str, int]) -> None:
    (spent,) = summed_up([run], _at(60))
    longest = expected.get("seconds", 0)
    assert spent == Spent("x", runs=1, **expected)._replace(longest=longest)


def test_sums_by_name_and_in_all() -> None:
    runs = [_run("completed", name="b", started=0), _run("completed", name="a", started=20), _run("failed", name="b")]
    sums = summed_up(runs, _at(60))
    assert [(one.name, one.runs, one.counted, one.seconds) for one in sums] == [("a", 1, 1, 600), ("b", 2, 1, 1800)]
    whole = total(sums)
    assert (whole.runs, whole.counted, whole.seconds, whole.longest, whole.unknown) == (3, 2, 2400, 1800, 1)
    assert whole.mean == 1200
    assert total([]).mean == 0
