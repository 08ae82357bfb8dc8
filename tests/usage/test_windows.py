"""The windows of a subscription, as claude and codex report them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.agents.claude import Claude
from okstra_ctl.agents.streams import time_of
from okstra_ctl.usage.windows import Window, of_claude, of_codex, short_of, window_text
from support.client_streams import CLAUDE_GOOD, stream

NOW, LATER = "2026-11-30T22:00:00Z", "2026-12-01T03:00:00Z"
EPOCH = 1796094000  # LATER


def test_claudes_events_are_kept_by_window_the_last_one_counts() -> None:
    infos = [
        {"rateLimitType": "five_hour", "status": "allowed", "resetsAt": EPOCH, "utilization": 0.5},
        {"rateLimitType": "seven_day", "status": "allowed_warning", "resetsAt": EPOCH * 1000, "utilization": 0.91},
        {"rateLimitType": "five_hour", "status": "rejected", "resetsAt": EPOCH},
        {"status": "allowed"},
    ]
    rows = [{"type": "rate_limit_event", "rate_limit_info": info} for info in infos]
    seen = Claude().read_stream(stream(*rows, *CLAUDE_GOOD), b"", 0).windows
    assert seen == (
        Window("five_hour", "rejected", None, LATER),
        Window("seven_day", "allowed_warning", 0.91, LATER),
    )


@pytest.mark.parametrize(
    "names", [("usedPercent", "windowDurationMins", "resetsAt"), ("used_percent", "window_minutes", "resets_at")]
)
def test_codex_reports_a_share_and_a_length(names: tuple[str, str, str]) -> None:
    primary, secondary = (dict(zip(names, row, strict=True)) for row in ((100.0, 300, EPOCH), (12, 10080, None)))
    assert of_codex({"primary": primary, "secondary": secondary, "planType": "plus"}, time_of) == (
        Window("five_hour", "rejected", 1.0, LATER),
        Window("seven_day", "allowed", 0.12, ""),
    )


def test_what_will_not_last_is_used_up_or_nearly_and_has_not_begun_anew() -> None:
    used = [Window("a", "allowed", 0.5, LATER), Window("b", "allowed", 0.93, LATER), Window("c", "rejected", None, "")]
    over = [Window("d", "rejected", 1.0, "2026-11-30T21:00:00Z")]
    assert [one.name for one in short_of([*used, *over], NOW)] == ["b", "c"]
    assert window_text(used[1]) == f"b 93% used, until {LATER}"
    assert window_text(used[2]) == "c used up"


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just([1])
keys = st.sampled_from(
    [
        "rateLimitType",
        "status",
        "utilization",
        "resetsAt",
        "usedPercent",
        "used_percent",
        "windowDurationMins",
        "resets_at",
    ]
)
rows = st.dictionaries(keys, values, max_size=6)


@settings(max_examples=40)
@given(
    st.lists(rows, max_size=4),
    st.dictionaries(st.sampled_from(["primary", "secondary", "x"]), rows | values, max_size=3),
)
def test_nothing_that_a_client_reports_raises(infos: list[dict[str, object]], limits: dict[str, object]) -> None:
    for window in (*of_claude(infos, time_of), *of_codex(limits, time_of)):
        assert Window.from_json(window.to_json()) == window
        window_text(window)
