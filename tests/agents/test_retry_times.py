"""When a client may go on, as clients word it."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.agents.claude import Claude
from okstra_ctl.agents.codex import Codex
from okstra_ctl.agents.streams import retry_after_in
from okstra_ctl.agents.when_again import UnknownZone, again_at_epoch, again_in, unknown_zone, zone_of
from okstra_ctl.status import Failure
from support.client_streams import stream

PIECES = re.split(
    r"(?<=.) ",
    "again resets retry until at in after on - : , ( ) 3 12 99 1795435401 9999999999999 0 am pm 2026-12-01 T10:00 "
    "Dec Feb 30 mon tomorrow UTC +14:00 UTC+99 Europe/Berlin A/../../etc "
    "days h weeks ms an _ms Retry-After resetsAt \0 \u0661",
)
NOW = datetime(2026, 11, 30, 22, 0, 0, tzinfo=timezone(timedelta(hours=9)))
HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("try again in 20 ms", 0.02),
        ("Rate limit reached. Try again in 6m0s", 360.0),
        ("try again in 3 days 4 hours 9 minutes.", 3 * DAY + 4 * HOUR + 540),
        ("Try again in 1 hour, 30 minutes and 5 seconds", 1.5 * HOUR + 5),
        ("retry after 2 weeks", 14 * DAY),
        ("or try again at 3:35 AM.", 5 * HOUR + 35 * 60),
        ("try again at 11:00 PM", HOUR),
        ("try again at 9:59 PM", 60.0),
        ("try again at 9:00 PM", 23 * HOUR),
        ("5-hour limit reached ∙ resets 3am", 5 * HOUR),
        ("limit resets 14:00 UTC", HOUR),
        ("Your limit will reset at 11pm (Asia/Seoul).", HOUR),
        ("resets 5pm (Europe/Berlin)", 3 * HOUR),
        ("resets 3pm PT", 10 * HOUR),
        ("resets 9am ET", HOUR),
        ("resets 9am (Eastern Time)", HOUR),
        ("resets 8:00 AM US Central Standard Time", HOUR),
        ("resets 3pm (CET)", HOUR),
        ("resets 11pm KST", HOUR),
        ("resets at 2026-11-30 23:00 JST", HOUR),
        ("try again at 11:00 PM or upgrade", HOUR),
        ("resets 11pm (local time)", HOUR),
        ("try again at Dec 2nd, 2026 10:00 PM.", 2 * DAY),
        ("try again at Jan 1st 10:00 PM", 32 * DAY),
        ("resets at 2026-12-01T22:00:00+09:00", DAY),
        ("resets at 2026-11-30T14:00:00Z", HOUR),
        (f"Claude AI usage limit reached|{int(NOW.timestamp()) + 7200}", 7200.0),
        (f'{{"resetsAt": {(int(NOW.timestamp()) + 60) * 1000}}}', 60.0),
        ('{"resets_in_seconds": 12345}', 12345.0),
        ("Please retry in 41.44s.", 41.44),
        ("Your quota will reset after 18h31m10s.", 18 * HOUR + 31 * 60 + 10),
        ('"retryDelay": "3600s"', HOUR),
        ("please wait a minute", 60.0),
        ("try again in about an hour", HOUR),
        ("HTTP 429\nRetry-After: 120\n", 120.0),
        ("retry-after-ms: 1500", 1.5),
        ('{"retry_after": 7.5}', 7.5),
        ("retry-after: Mon, 30 Nov 2026 14:00:00 GMT", HOUR),
        ("anthropic-ratelimit-tokens-reset: 2026-11-30T14:00:00Z", HOUR),
        ("x-ratelimit-reset: " + str(int(NOW.timestamp()) + 90), 90.0),
        ('"quotaResetTimeStamp": "2026-11-30T15:00:00Z"', 2 * HOUR),
        ("You've hit your limit · resets Dec 3 at 9am (Europe/Berlin)", 2 * DAY + 19 * HOUR),
        ("Weekly limit reached ∙ resets Dec 3, 1pm (UTC)", 3 * DAY),
        ("resets 3 December at 13:00 UTC", 3 * DAY),
        ("resets Thursday at 10pm", 3 * DAY),
        ("resets Mon 10pm", 0.0),
        ("resets Mon 9pm", 7 * DAY - HOUR),
        ("resets 12am", 2 * HOUR),
        ("resets 12pm", 14 * HOUR),
        ("retry after 92 days", 92 * DAY),
        ("available again tomorrow at 10:00 pm", DAY),
        ("resets 15:00 UTC+1", HOUR),
        ("resets 9:00 AM EST", HOUR),
        ("resets at 2026-12-01 14:00 (Europe/Berlin)", DAY),
        ("resets at 2026-12-01 22:00", DAY),
        ("retry after 2026-12-01T10:00:00Z", 21 * HOUR),
        ("retry-after: 2026-12-01T10:00:00Z", 21 * HOUR),
        ('"retryAfter": "2026-12-01T10:00:00Z"', 21 * HOUR),
        ("resets in 2026-12-03 10:00", 2 * DAY + 12 * HOUR),
        ("available after 2026-12-03 10:00 (Europe/Berlin)", 2 * DAY + 20 * HOUR),
    ],
)
def test_the_time_to_go_on_is_read(message: str, seconds: float) -> None:
    assert retry_after_in(message, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "message",
    [
        *("", "rate limited", "try again later", "try again at 25:00", "error 429 in 3 files", "resets 3"),
        *("again at Foo 1", "resets 13pm", "resets 0:75", "try again at Feb 30 9am", "resets Nov 20 at 9am"),
        *("resets at 2020-01-01T00:00:00Z", "resetsAt: 1000000000", "retry after 999999999 weeks", "retry 3 times"),
        *("resets Dec 3 2031 9am", "retry-after: Mon, 99 Nov 2026 14:00:00 GMT", "reset at 9999999999999"),
        "resets at 0001-01-01T00:00:00+14:00",
        *(
            "retry after 2026-12-03",
            "reset in 2026-12-03",
            "retry after 5-10 minutes",
            "retry after 5 \u2013 10 minutes",
        ),
        *("retry after 12,000 seconds", "x-ratelimit-reset: 1764600000", "resets at midnight", "resets on Monday"),
    ],
)
def test_a_message_without_a_time_names_none(message: str) -> None:
    assert retry_after_in(message, NOW) is None
    assert unknown_zone(message) == ""


@pytest.mark.parametrize(
    ("message", "zone"),
    [
        ("resets 11pm (Nowhere/AtAll)", "Nowhere/AtAll"),
        ("resets 11pm IST", "IST"),
        ("resets at 2026-11-30 23:00 XYZ", "XYZ"),
        ("resets 11pm (Korea Standard Time)", "Korea Standard Time"),
        ("resets 3pm Central European Time", "Central European Time"),
        ("resets 11pm UTC+99", "UTC+99"),
        ("resets 11:00 PM UTC+24", "UTC+24"),
    ],
)
def test_a_time_in_an_unknown_zone_is_no_local_time(message: str, zone: str) -> None:
    assert retry_after_in(message, NOW) is None
    assert unknown_zone(message) == zone


@pytest.mark.parametrize(("zone", "summer"), [("PT", -7), ("Pacific Time", -7), ("PST", -8), ("ET", -4), ("CET", 1)])
def test_a_name_without_standard_or_daylight_follows_the_clocks_of_its_place(zone: str, summer: int) -> None:
    now = datetime(2026, 7, 1, 0, 0, tzinfo=timezone.utc)
    assert again_in(f"resets 3pm {zone}", now) == now + timedelta(hours=15 - summer)


@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=14,
    ).map(" ".join)
    | st.text(max_size=120),
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"]),
)
def test_whatever_is_printed_the_answer_is_none_or_a_time_ahead(text: str, naive: datetime, zone: str) -> None:
    now = naive.replace(tzinfo=ZoneInfo(zone))
    at = again_in(text, now)
    assert at is None or now.timestamp() - 0.001 <= at.timestamp() <= now.timestamp() + 92 * DAY + 60


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"]),
)
def test_a_time_of_day_is_the_next_such_on_the_clocks_of_its_zone(
    utc: datetime, hour: int, minute: int, zone: str
) -> None:
    now = utc.replace(tzinfo=timezone.utc)
    at = again_in(f"resets {hour}:{minute:02} ({zone})", now)
    assert at is not None
    ahead = at.timestamp() - now.timestamp()
    assert 0 <= ahead <= 26 * HOUR
    local = at.astimezone(ZoneInfo(zone))
    jumps = {-1.0, 0.0, 1.0, 0.5, -0.5}  # a time that clocks leave out is the one after it, or the one before
    shown = local.hour + local.minute / 60
    asked = hour + minute / 60
    assert ahead <= 60 or min(abs((shown - asked - jump) % 24) for jump in jumps) < 1e-6


@pytest.mark.parametrize(
    ("text", "now", "at"),
    [  # Berlin sets its clocks on at 2026-03-29 01:00Z, and back at 2026-10-25 01:00Z
        ("resets 9am (Europe/Berlin)", "2026-03-28T20:00:00+00:00", "2026-03-29T07:00:00+00:00"),
        ("resets 9am (Europe/Berlin)", "2026-10-24T20:00:00+00:00", "2026-10-25T08:00:00+00:00"),
        ("resets 2:30am (Europe/Berlin)", "2026-10-24T23:00:00+00:00", "2026-10-25T00:30:00+00:00"),
        ("resets 2:30am (Europe/Berlin)", "2026-10-25T00:45:00+00:00", "2026-10-25T01:30:00+00:00"),
        ("resets Feb 29 at 9am UTC", "2027-12-30T00:00:00+00:00", "2028-02-29T09:00:00+00:00"),
        ("resets Jan 2 at 9am UTC", "2026-12-30T00:00:00+00:00", "2027-01-02T09:00:00+00:00"),
    ],
)
def test_clocks_that_are_set_and_years_that_end(text: str, now: str, at: str) -> None:
    assert again_in(text, datetime.fromisoformat(now)) == datetime.fromisoformat(at)


def test_a_local_time_beyond_a_change_of_clocks_counts_the_seconds_between() -> None:
    now = datetime(2026, 3, 28, 21, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert retry_after_in("resets 9am", now) == 11 * HOUR


def test_a_text_without_end_is_read_at_once() -> None:
    beginnings = ("resets ", "again in ", "again at ")
    for text in (
        "resets " * 300_000,
        *(start + more * 300_000 for start in beginnings for more in ("1 day ", "9", "\0")),
    ):
        began = time.process_time()
        again_in(text, NOW)
        assert time.process_time() - began < 1.0


def test_the_end_of_a_window_that_still_allows_more_is_no_time_to_wait_for() -> None:
    end = int(datetime.now().timestamp() + 9 * HOUR)
    result = {"type": "result", "subtype": "success", "is_error": True, "api_error_status": 429, "result": "slow down"}

    def limit(status: str, kind: str, at: int) -> dict[str, object]:
        info = {"status": status, "rateLimitType": kind, "resetsAt": at}
        return {"type": "rate_limit_event", "rate_limit_info": info}

    assert Claude().read_stream(stream(limit("allowed", "five_hour", end), result), b"", 1).retry_after is None
    both = [limit("rejected", "seven_day", end + 7200), limit("rejected", "five_hour", end), result]
    after = Claude().read_stream(stream(*both), b"", 1).retry_after
    assert after == pytest.approx(11 * HOUR, abs=120)


def test_codex_tells_a_usage_limit_with_its_end() -> None:
    says = "You've hit your usage limit. Try again in 3 days 4 hours 9 minutes."
    for events in (
        [{"type": "turn.started"}, {"type": "turn.failed", "error": {"message": says}}],
        [{"type": "turn.started"}, {"type": "error", "message": says}],
    ):
        stream_result = Codex().read_stream(stream(*events), b"", 1)
        assert (stream_result.failure, stream_result.retry_after) == (Failure.RATE_LIMIT, 3 * DAY + 4 * HOUR + 540)


def test_claude_tells_a_usage_limit_with_its_end() -> None:
    end = datetime.now().timestamp() + 9 * HOUR
    result = {"type": "result", "subtype": "success", "is_error": True, "api_error_status": 429, "result": "limit"}
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": int(end)}}
    stream_result = Claude().read_stream(stream(limit, result), b"", 1)
    assert stream_result.failure is Failure.RATE_LIMIT
    assert stream_result.retry_after == pytest.approx(9 * HOUR, abs=120)
    said = Claude().read_stream(stream({**result, "result": f"usage limit reached|{int(end)}"}), b"", 1)
    assert said.retry_after == pytest.approx(9 * HOUR, abs=120)
    assert json.loads(stream(result))


@pytest.mark.parametrize(
    ("names", "hours"),
    [
        *(("Z UT UTC GMT", 0), ("EST", -5), ("EDT", -4), ("CST", -6), ("CDT", -5), ("MST", -7), ("MDT", -6)),
        *(("PST", -8), ("PDT", -7), ("CET", 1), ("CEST", 2), ("Seoul", 9)),  # the last is a word: the zone of now
    ],
)
def test_a_zones_short_name_is_its_offset(names: str, hours: int) -> None:
    for name in names.split():
        for written in (name, name.lower()):
            zone = zone_of(written, NOW)
            assert zone is not None and zone.utcoffset(NOW) == timedelta(hours=hours)


def test_a_short_name_that_is_unknown_is_not_the_zone_of_now() -> None:
    with pytest.raises(UnknownZone, match="PDX"):
        zone_of("PDX", NOW)


def test_a_number_of_thirteen_digits_is_in_milliseconds() -> None:
    at = datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)
    for epoch in (1e9, 1e12):
        assert again_at_epoch(epoch, at) == at


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [(-301, None), (-300, 60.0), (-1, 60.0), (0, 0.0), (92 * DAY, 92 * DAY), (92 * DAY + 1, None)],
)
def test_a_time_counts_from_five_minutes_ago_to_92_days_ahead(seconds: float, answer: float | None) -> None:
    at = again_at_epoch(NOW.timestamp() + seconds, NOW)
    assert (None if at is None else (at - NOW).total_seconds()) == answer


_ZONES = [
    *(("Etc/UTC", 1, "UTC"), ("Etc/UTC", 1, "UT"), ("Etc/UTC", 1, "Z"), ("Europe/London", 1, "GMT")),
    *(("America/New_York", 1, "EST"), ("America/New_York", 7, "EDT"), ("America/Chicago", 1, "CST")),
    *(("America/Chicago", 7, "CDT"), ("America/Denver", 1, "MST"), ("America/Denver", 7, "MDT")),
    *(("America/Los_Angeles", 1, "PST"), ("America/Los_Angeles", 7, "PDT"), ("America/Anchorage", 1, "AKST")),
    *(("America/Anchorage", 7, "AKDT"), ("Pacific/Honolulu", 1, "HST"), ("Europe/Lisbon", 1, "WET")),
    *(("Europe/Lisbon", 7, "WEST"), ("Europe/Paris", 1, "CET"), ("Europe/Paris", 7, "CEST")),
    *(("Europe/Helsinki", 1, "EET"), ("Europe/Helsinki", 7, "EEST"), ("Asia/Seoul", 1, "KST")),
    *(("Asia/Tokyo", 1, "JST"), ("Australia/Sydney", 7, "AEST"), ("Australia/Sydney", 1, "AEDT")),
]


@pytest.mark.parametrize(("place", "month", "name"), _ZONES)
def test_an_abbreviation_is_the_time_of_a_place_that_uses_it(place: str, month: int, name: str) -> None:
    there = datetime(2026, month, 15, tzinfo=ZoneInfo(place))
    zone = zone_of(name, NOW)
    assert zone is not None and there.astimezone(zone).utcoffset() == there.utcoffset()
