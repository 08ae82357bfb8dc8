"""Tokens and money as text for readers. Incomplete sums say so, and unknown is not zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..names import REHEARSAL
from .tokens import COUNTS, PRICE

_SMALL = 0.1
Row = Mapping[str, Any]
Labels = Mapping[str, str]


def count_text(row: Row, name: str, labels: Labels) -> str:
    value = row.get(name)
    whole = row.get("tokens_whole", True)
    if not isinstance(value, int) or (not whole and not value):  # at least none says nothing
        return labels["unknown"]
    return f"{value:,}" if whole else f"{labels['at_least']} {value:,}"


def cost_text(row: Row, labels: Labels) -> str:
    whole, least = row.get("cost_usd"), row.get("cost_at_least_usd")
    if isinstance(whole, int | float):
        return dollars(whole)
    return f"{labels['at_least']} {dollars(least)}" if isinstance(least, int | float) and least else labels["unknown"]


def dollars(amount: float) -> str:
    """With cents, and with more where cents would hide it."""
    return f"${amount:,.4f}" if 0 < amount < _SMALL else f"${amount:,.2f}"


def models_text(row: Row, labels: Labels) -> str:
    return ", ".join(map(str, row.get("models") or ())) or labels["unknown"]


def sources_text(row: Row, labels: Labels) -> str:
    return ", ".join(labels.get(f"word_{source}", str(source)) for source in row.get("sources") or ())


def usage_rows(usage: Mapping[str, Any], labels: Labels) -> Iterator[list[str]]:
    """By worker, and in all: name, models, the four counts, cost, where it is from."""
    for row in (one for one in usage["workers"] if isinstance(one, Mapping)):
        yield [str(row.get("worker", "")), models_text(row, labels), *_amounts(row, labels)]
    yield [labels["total"], "", *_amounts(usage["total"], labels)]


def model_rows(usage: Mapping[str, Any], labels: Labels) -> Iterator[list[str]]:
    for row in (one for one in usage.get("models") or () if isinstance(one, Mapping)):
        yield [str(row.get("model") or labels["unknown"]), *_amounts(row, labels)]


def usage_header(labels: Labels) -> list[str]:
    return [labels["worker"], labels["model"], *_amount_header(labels)]


def model_header(labels: Labels) -> list[str]:
    return [labels["model"], *_amount_header(labels)]


def usage_notes(usage: Mapping[str, Any], labels: Labels) -> Iterator[str]:
    """Notes that a reader needs to understand the figures."""
    models = {one.get("model") for one in usage.get("models") or () if isinstance(one, Mapping)}
    if models == {REHEARSAL}:
        yield labels["usage_rehearsal"]
    if PRICE in (usage["total"].get("sources") or ()):
        yield labels["usage_by_price"]


def _amount_header(labels: Labels) -> list[str]:
    return [*(labels[f"usage_{name}"] for name in COUNTS), labels["cost"], labels["usage_source"]]


def _amounts(row: Row, labels: Labels) -> list[str]:
    return [*(count_text(row, name, labels) for name in COUNTS), cost_text(row, labels), sources_text(row, labels)]
