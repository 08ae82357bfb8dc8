"""Prices of models, dated: `prompts/models.toml`, and a person's own in `config.json` over them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..errors import bad_config
from .tokens import PRICE, ModelTokens, Spent, Tokens, spent_of, total

_bad = partial(bad_config, page="docs/how-to/cost.md")
_MILLION = 1_000_000
_RATES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
_VERSION_TAIL = re.compile(r"-(20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2})$")
_WINDOW_TAIL = re.compile(r"\[[0-9]+[km]\]$")


class Price(NamedTuple):
    """US dollars per million tokens; None if the provider has no price for it."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    up_to: int | None = None
    """The largest prompt of a request, cache and all, for which this holds; a larger one costs more."""
    dated: str = ""
    """From when on, or when it was read."""


Prices = Mapping[str, Price]


def built_in_prices(document: Mapping[str, Any]) -> dict[str, Price]:
    """From the parsed `models.toml`. Raises ValueError on another shape: a damaged installation."""
    found = {}
    for provider, fields in document.items():
        prices = fields.get("prices", {}) if isinstance(fields, Mapping) else {}
        for model, given in prices.items():
            fault = _fault(given)
            if fault:
                raise ValueError(f"{provider}.prices.{model}{fault}")
            found[str(model)] = _price(given)
    return found


def own_prices(config: Mapping[str, object], *, where: str) -> dict[str, Price]:
    """`prices` of `config.json`, by model. Raises UsageError (`bad-config`)."""
    given = config.get("prices", {})
    if not isinstance(given, Mapping):
        raise _bad(where, "prices is not a map from models to prices")
    for model, one in given.items():
        if fault := _fault(one):
            raise _bad(where, f"prices.{model}{fault}")
    return {str(model): _price(one) for model, one in given.items()}


def price_of(model: str, prices: Prices) -> Price | None:
    """The model's price; one that is listed without the date or window in its name counts for it too."""
    bare = _WINDOW_TAIL.sub("", model)
    return prices.get(model) or prices.get(bare) or prices.get(_VERSION_TAIL.sub("", bare))


def priced(share: ModelTokens, asked: str, prices: Prices) -> Spent:
    """The share with its cost: the client's word, else by the price of the model that answered, else of the one that
    was asked for, else unknown. Without the client's word it is no bill: a contract may have other prices."""
    if share.cost_usd is not None:
        return Spent(share.tokens, True, share.cost_usd, True)
    price = price_of(share.model or asked, prices)
    if price is None:
        return Spent(share.tokens, True, 0.0, share.tokens == Tokens())
    usd, whole = _cost(share, price)
    return Spent(share.tokens, True, usd, whole, frozenset({PRICE}))


def usage_json(
    shares: Sequence[ModelTokens], *, source: str, asked: str, prices: Prices, cost: float | None = None, whole: bool
) -> dict[str, Any]:
    """A `usage` of the run's events. `cost` is what the client says of it all; not `whole` means there was more."""
    rows = [(share, priced(share, asked, prices)) for share in shares]
    summed = total(spent for _, spent in rows)
    known = cost is not None
    sources = {source} | (set() if known else summed.sources)
    summed = summed._replace(
        usd=summed.usd if cost is None else cost,
        usd_whole=(known or summed.usd_whole) and whole,
        tokens_whole=whole,
        sources=frozenset(sources),
    )
    models = [
        {"model": share.model, **spent._replace(sources=spent.sources | {source}).to_json()} for share, spent in rows
    ]
    return {**summed.to_json(), "models": models}


def repriced(usage: object, asked: str, prices: Prices) -> object:
    """The `usage` of an event with what had no price when it was recorded, and has one now. Else as it is."""
    rows = usage.get("models") if isinstance(usage, Mapping) else None
    if not isinstance(usage, Mapping) or not isinstance(rows, list) or usage.get("cost_usd") is not None:
        return usage
    shares = [(str(row.get("model") or ""), spent_of(row)) for row in rows if isinstance(row, Mapping)]
    known = [(model, _with_price(model, spent, asked, prices)) for model, spent in shares]
    if known == shares:
        return usage
    summed, before = total(spent for _, spent in known), spent_of(usage)
    whole = before._replace(
        usd=summed.usd, usd_whole=summed.usd_whole and before.tokens_whole, sources=before.sources | summed.sources
    )
    return {**usage, **whole.to_json(), "models": [{"model": model, **spent.to_json()} for model, spent in known]}


def _with_price(model: str, spent: Spent, asked: str, prices: Prices) -> Spent:
    if spent.tokens is None or spent.usd or spent.usd_whole:
        return spent
    now = priced(ModelTokens(model, spent.tokens), asked, prices)
    return spent._replace(usd=now.usd, usd_whole=now.usd_whole, sources=spent.sources | now.sources)


def _cost(share: ModelTokens, price: Price) -> tuple[float, bool]:
    """Dollars, and whether that is all: a count without a price, or a prompt over the limit, makes it less."""
    tokens = share.tokens
    long_written = min(share.long_written, tokens.cache_written)
    parts = (
        (tokens.input, price.input),
        (tokens.output, price.output),
        (tokens.cached, price.cache_read),
        (tokens.cache_written - long_written, price.cache_write),
        (long_written, price.cache_write if price.cache_write_1h is None else price.cache_write_1h),
    )
    usd = sum(count * rate for count, rate in parts if rate is not None) / _MILLION
    prompt = share.largest or tokens.input + tokens.cached + tokens.cache_written
    in_limit = price.up_to is None or prompt <= price.up_to
    return usd, in_limit and all(rate is not None or not count for count, rate in parts)


def _price(given: Mapping[str, Any]) -> Price:
    rates = {name: float(given[name]) for name in _RATES if name in given}
    return Price(**rates, up_to=given.get("up_to"), dated=str(given.get("dated", "")))


def _fault(given: object) -> str:
    return next(_faults(given), "")


def _faults(given: object) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield ' is not a price such as {"input": 3, "output": 15}'
        return
    for name in sorted(set(map(str, given)) - {*_RATES, "up_to", "dated"}):
        yield f".{name} is not known; there are {', '.join((*_RATES, 'up_to', 'dated'))}"
    for name in _RATES:
        value = given.get(name, None if name in ("input", "output") else 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MILLION:
            yield f".{name} is not an amount of US dollars per million tokens"
    up_to = given.get("up_to", 1)
    if isinstance(up_to, bool) or not isinstance(up_to, int) or up_to < 1:
        yield ".up_to is not a number of tokens"
    if not isinstance(given.get("dated", ""), str):
        yield ".dated is not a date"
