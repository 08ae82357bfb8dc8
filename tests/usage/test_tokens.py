"""Sums of tokens and money: what is not known stays unknown, and is never zero."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.usage.tokens import COUNTS, NOTHING, UNKNOWN, Spent, Tokens, spent_of, spent_so_far, total, usage_of

_COUNT = st.integers(min_value=0, max_value=10**9)
_TOKENS = st.builds(Tokens, _COUNT, _COUNT, _COUNT, _COUNT)
_KNOWN = st.builds(
    Spent,
    _TOKENS,
    st.just(True),
    st.integers(0, 10**6).map(lambda cents: cents / 100),
    st.just(True),
    st.just(frozenset()),
)
_SPENT = st.one_of(_KNOWN, st.just(UNKNOWN), _KNOWN.map(lambda one: one._replace(usd_whole=False, tokens_whole=False)))


def _end(worker: str, usage: object, attempt: int = 1, **more: object) -> dict[str, Any]:
    return {"event": "ended", "worker": worker, "label": "", "attempt": attempt, "usage": usage, **more}


def _usage(*counts: int, cost: float | None = None, **more: object) -> dict[str, Any]:
    return {**dict(zip(COUNTS, counts, strict=True)), "cost_usd": cost, **more}


@given(st.lists(_SPENT))
def test_a_sum_is_whole_only_if_all_of_it_is(parts: list[Spent]) -> None:
    found = total(parts)
    assert found.usd_whole == all(part.usd_whole for part in parts)
    assert found.tokens_whole == all(part.tokens_whole for part in parts)
    assert (found.tokens is None) == all(part.tokens is None for part in parts)
    assert math.isclose(found.usd, math.fsum(part.usd for part in parts), abs_tol=1e-6)


@given(_SPENT, _SPENT)
def test_the_order_does_not_matter(one: Spent, other: Spent) -> None:
    assert one.plus(other) == other.plus(one)
    assert one.plus(NOTHING) == one


@given(st.lists(_SPENT, min_size=1))
def test_what_is_written_down_is_read_back(parts: list[Spent]) -> None:
    found = total(parts)
    told = found.to_json()
    assert (told["cost_usd"] is None) == (not found.usd_whole)
    assert (told["input"] is None) == (found.tokens is None)
    back = spent_of(told)
    assert (back.tokens, back.tokens_whole, back.usd_whole) == (found.tokens, found.tokens_whole, found.usd_whole)
    assert math.isclose(back.usd, found.usd, abs_tol=1e-5)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*COUNTS, "cost_usd", "models"]), inner),
    )
)
def test_what_cant_be_read_is_unknown_and_no_error(row: object) -> None:
    assert usage_of([_end("a", row)]) is not None
    assert not spent_of(row).usd_whole or isinstance(row, dict)


def test_nobody_was_asked() -> None:
    assert usage_of([{"event": "started"}]) is None


def test_a_worker_of_which_nothing_is_known_has_a_row_and_no_zero() -> None:
    usage = usage_of([_end("a", _usage(1, 2, 3, 4, cost=0.5)), _end("b", None)])
    assert usage is not None
    by_name = {row["worker"]: row for row in usage["workers"]}
    assert [by_name["b"][name] for name in (*COUNTS, "cost_usd")] == [None] * 5
    assert (by_name["a"]["cost_usd"], by_name["a"]["tokens_whole"]) == (0.5, True)
    whole = usage["total"]
    assert (whole["input"], whole["tokens_whole"], whole["cost_usd"], whole["cost_at_least_usd"]) == (
        1,
        False,
        None,
        0.5,
    )


def test_a_dispatch_whose_end_nobody_saw_has_spent_something() -> None:
    begun = {"event": "dispatched", "worker": "a", "label": "", "attempt": 1}
    again = {**begun, "attempt": 2}
    usage = usage_of([begun, _end("a", _usage(1, 0, 0, 1, cost=1.0)), again])
    assert usage is not None
    assert (usage["total"]["cost_usd"], usage["total"]["cost_at_least_usd"]) == (None, 1.0)
    settled = usage_of(
        [begun, _end("a", _usage(1, 0, 0, 1, cost=1.0)), again, _end("a", _usage(1, 0, 0, 1, cost=2.0), 2)]
    )
    assert settled is not None
    assert settled["total"]["cost_usd"] == 3.0


def test_a_session_that_is_counted_again_counts_once_and_leads() -> None:
    early = {"event": "counted", "worker": "lead", "session": "s", "model": "m", "usage": _usage(1, 0, 0, 1, cost=1.0)}
    late = {**early, "usage": _usage(5, 0, 0, 5, cost=5.0)}
    other = {**early, "session": "t", "usage": None}
    usage = usage_of([early, _end("a", _usage(1, 0, 0, 1, cost=0.0)), late])
    assert usage is not None
    assert [row["worker"] for row in usage["workers"]] == ["lead", "a"]
    assert usage["workers"][0]["cost_usd"] == 5.0
    assert spent_so_far([early, late, other]) == 5.0
    both = usage_of([late, other])
    assert both is not None and both["total"]["cost_usd"] is None


def test_sums_by_model_say_what_no_model_is_known_of() -> None:
    shares = [{"model": "x", **_usage(1, 0, 0, 1, cost=0.1)}, {"model": "y", **_usage(2, 0, 0, 2)}]
    events = [
        _end("a", _usage(3, 0, 0, 3, models=shares), model="x"),
        _end("b", _usage(10, 0, 0, 10, cost=1.0), model="x"),
        _end("c", _usage(7, 0, 0, 7), model=None),
    ]
    usage = usage_of(events)
    assert usage is not None
    assert [(row["model"], row["input"], row["cost_usd"]) for row in usage["models"]] == [
        ("x", 11, 1.1),
        ("y", 2, None),
        ("", 7, None),
    ]


def test_what_a_client_says_by_model_and_what_is_missing_of_it_stand_apart() -> None:
    """A client that says the shares of its models, and not all of them: the rest is nobody knows whose."""
    shares = [
        {"model": "small", **_usage(1, 2, 3, 4, cost=0.5)},
        {"model": "large", **_usage(10, 20, 30, 40, cost=1.0)},
    ]
    torn = _end("a", {**_usage(11, 22, 33, 44), "tokens_whole": False, "models": shares}, model="large")
    whole = _end("b", {**_usage(11, 22, 33, 44, cost=1.5), "tokens_whole": True, "models": shares}, model="large")
    found = usage_of([torn, whole])
    assert found is not None
    by_name = {row["model"]: row for row in found["models"]}
    assert list(by_name) == ["large", "small", ""]
    assert (by_name["large"]["input"], by_name["small"]["input"]) == (20, 2)
    assert (by_name[""]["input"], by_name[""]["cost_usd"]) == (None, None)
    of_whole = usage_of([whole])
    assert of_whole is not None
    assert [row["model"] for row in of_whole["models"]] == ["large", "small"]
