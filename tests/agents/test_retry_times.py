"""When a client may go on, as clients word it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from okstra_ctl.agents.claude import Claude
from okstra_ctl.agents.codex import Codex
from okstra_ctl.agents.streams import retry_after_in
from okstra_ctl.status import Failure
from support.client_streams import stream

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
        ("resets 11pm (Nowhere/AtAll)", HOUR),
        ("try again at Dec 2nd, 2026 10:00 PM.", 2 * DAY),
        ("try again at Jan 1st 10:00 PM", 32 * DAY),
        ("resets at 2026-12-01T22:00:00+09:00", DAY),
        ("resets at 2026-11-30T14:00:00Z", HOUR),
        (f"Claude AI usage limit reached|{int(NOW.timestamp()) + 7200}", 7200.0),
        (f'{{"resetsAt": {(int(NOW.timestamp()) + 60) * 1000}}}', 60.0),
        ('{"resets_in_seconds": 12345}', 12345.0),
    ],
)
def test_the_time_to_go_on_is_read(message: str, seconds: float) -> None:
    assert retry_after_in(message, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "message",
    ["", "rate limited", "try again later", "try again at 25:00", "error 429 in 3 files", "resets 3", "again at Foo 1"],
)
def test_a_message_without_a_time_names_none(message: str) -> None:
    assert retry_after_in(message, NOW) is None


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
