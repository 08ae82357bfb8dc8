"""Prices of models: dated, a person's own first, and no cost where there is no price."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.errors import UsageError
from okstra_ctl.system.assets import parse_toml
from okstra_ctl.usage.prices import Price, built_in_prices, own_prices, price_of, priced, repriced, usage_json
from okstra_ctl.usage.tokens import ModelTokens, Tokens, usage_of
from support import schemas
from support.sealed import ROOT

_PRICE = Price(2.0, 10.0, cache_read=0.2, cache_write=2.5, cache_write_1h=4.0)
_PRICES = {"m": _PRICE}
_COUNT = st.integers(min_value=0, max_value=10**9)


def _real() -> dict[str, Price]:
    return built_in_prices(parse_toml((ROOT / "prompts" / "models.toml").read_text(encoding="utf-8")))


def test_every_price_of_okstras_list_is_dated_and_plausible() -> None:
    assert len(_real()) > 5
    for model, price in _real().items():
        assert re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", price.dated), model
        assert 0 < price.input < price.output, model
        assert price.cache_read is not None and price.cache_read < price.input, model
        assert price.cache_write is None or price.cache_write > price.input, model


@pytest.mark.parametrize("name", ["m", "m[1m]", "m-20261001", "m-2026-10-01", "m-20261001[1m]"])
def test_a_version_of_a_model_has_its_price(name: str) -> None:
    assert price_of(name, _PRICES) == _PRICE


@pytest.mark.parametrize("name", ["", "m-2", "m2", "M", "m-mini"])
def test_another_model_has_not(name: str) -> None:
    assert price_of(name, _PRICES) is None


def test_each_kind_of_token_has_its_price() -> None:
    share = ModelTokens("m", Tokens(1_000_000, 2_000_000, 3_000_000, 4_000_000), long_written=1_000_000)
    spent = priced(share, "", _PRICES)
    assert (spent.usd, spent.usd_whole) == (2.0 + 0.4 + 2 * 2.5 + 4.0 + 40.0, True)


def test_the_clients_word_goes_before_a_price() -> None:
    spent = priced(ModelTokens("m", Tokens(1_000_000, 0, 0, 0), 0.123), "", _PRICES)
    assert (spent.usd, spent.usd_whole, spent.sources) == (0.123, True, frozenset())


def test_the_model_asked_for_is_taken_only_where_no_other_answered() -> None:
    tokens = Tokens(1_000_000, 0, 0, 0)
    assert priced(ModelTokens("", tokens), "m", _PRICES).usd == 2.0
    other = priced(ModelTokens("other", tokens), "m", _PRICES)
    assert (other.usd, other.usd_whole) == (0.0, False)


def test_a_count_without_a_price_makes_the_cost_a_least_one() -> None:
    prices = {"m": Price(2.0, 10.0)}
    assert priced(ModelTokens("m", Tokens(1_000_000, 0, 0, 0)), "", prices).usd_whole
    spent = priced(ModelTokens("m", Tokens(1_000_000, 5, 0, 0)), "", prices)
    assert (spent.usd, spent.usd_whole) == (2.0, False)


def test_beyond_the_prompt_that_a_price_holds_for_it_is_a_least_one() -> None:
    prices = {"m": _PRICE._replace(up_to=1000)}
    tokens = Tokens(900, 200, 0, 0)
    assert not priced(ModelTokens("m", tokens), "", prices).usd_whole
    assert priced(ModelTokens("m", tokens, largest=800), "", prices).usd_whole


@given(st.builds(Tokens, _COUNT, _COUNT, _COUNT, _COUNT), st.booleans())
def test_without_a_price_there_is_no_cost(tokens: Tokens, whole: bool) -> None:
    usage = usage_json([ModelTokens("unheard-of", tokens)], source="stream", asked="", prices=_PRICES, whole=whole)
    assert usage["input"] == tokens.input
    assert (usage["cost_usd"] is None) == (tokens != Tokens() or not whole)
    assert usage["cost_at_least_usd"] == 0
    assert schemas.faults({**_EVENT, "usage": usage}, "event-row") == []


_EVENT: dict[str, Any] = {
    "v": 1,
    "at": "2026-11-23T10:00:00Z",
    "event": "counted",
    "run_id": "p:g:t/error-analysis/001",
    "worker": "lead",
    "session": "s",
    "model": None,
}


def test_what_had_no_price_then_may_have_one_now() -> None:
    shares = [ModelTokens("m", Tokens(1_000_000, 0, 0, 0)), ModelTokens("n", Tokens(1, 0, 0, 0), 0.5)]
    then = usage_json(shares, source="stream", asked="", prices={}, whole=True)
    assert (then["cost_usd"], then["cost_at_least_usd"]) == (None, 0.5)
    now = repriced(then, "", _PRICES)
    assert isinstance(now, dict)
    assert (now["cost_usd"], now["sources"]) == (2.5, ["price", "stream"])
    told = usage_of([{**_EVENT, "usage": now}])
    assert told is not None
    assert told["total"]["cost_usd"] == 2.5
    assert repriced(now, "", {"m": _PRICE._replace(input=99.0)}) == now
    assert repriced(then, "", {}) == then
    assert repriced(None, "", _PRICES) is None


def test_a_persons_own_price_is_read() -> None:
    own = {"prices": {"gpt-5.6": {"input": 5, "output": 30.0, "dated": "2026-11-22"}}}
    assert own_prices(own, where="c") == {"gpt-5.6": Price(5.0, 30.0, dated="2026-11-22")}
    assert schemas.faults(own, "config") == []
    assert own_prices({}, where="c") == {}


@pytest.mark.parametrize(
    "given_price",
    [
        3,
        {},
        {"input": 1},
        {"input": "1", "output": 2},
        {"input": -1, "output": 2},
        {"input": True, "output": 2},
        {"input": float("nan"), "output": 2},
        {"input": 1, "output": 2, "cache": 1},
        {"input": 1, "output": 2, "up_to": 0},
        {"input": 1, "output": 2, "dated": 2026},
    ],
)
def test_a_price_that_is_none_is_refused_with_its_name(given_price: object) -> None:
    with pytest.raises(UsageError, match=r"prices\.m") as refused:
        own_prices({"prices": {"m": given_price}}, where="config.json")
    assert (refused.value.code, refused.value.where) == ("bad-config", "config.json")


def test_prices_that_are_no_map_are_refused() -> None:
    with pytest.raises(UsageError, match="prices"):
        own_prices({"prices": []}, where="config.json")


def test_a_damaged_list_is_refused() -> None:
    with pytest.raises(ValueError, match=r"claude\.prices\.m"):
        built_in_prices({"claude": {"known": [], "prices": {"m": {"input": 1}}}})
