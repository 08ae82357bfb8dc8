"""What was spent: tokens, money and time, by worker and model, and as text for readers. Unknown stays unknown
(docs/how-to/cost.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..names import REHEARSAL

COUNTS = ("input", "cached", "cache_written", "output")
STREAM, SESSION, PRICE = "stream", "session", "price"
LEAD = "lead"
_LARGEST = 10**15
_SMALL = 0.1


class Tokens(NamedTuple):
    """`input` is without what was read from a cache."""

    input: int = 0
    cached: int = 0
    cache_written: int = 0
    output: int = 0

    def plus(self, other: Tokens) -> Tokens:
        return Tokens(*(one + more for one, more in zip(self, other, strict=True)))


class ModelTokens(NamedTuple):
    """One model's share in a dispatch or a session."""

    model: str
    """Empty where the client does not say which model answered."""
    tokens: Tokens
    cost_usd: float | None = None
    """What the client itself says; else None."""
    long_written: int = 0
    """How many of the tokens written to the cache are kept for an hour, which costs more."""
    largest: int = 0
    """The largest prompt of a single request; 0 where that is not known."""


class Spent(NamedTuple):
    """What is known to be spent. If it is not whole, an unknown amount comes on top."""

    tokens: Tokens | None
    """None: nothing is known of them."""
    tokens_whole: bool
    usd: float
    usd_whole: bool
    sources: frozenset[str] = frozenset()
    """Where it comes from: the client's stream, its session file, a price."""

    def plus(self, other: Spent) -> Spent:
        known = [one for one in (self.tokens, other.tokens) if one is not None]
        return Spent(
            known[0].plus(known[1]) if len(known) == 2 else (known[0] if known else None),
            self.tokens_whole and other.tokens_whole,
            self.usd + other.usd,
            self.usd_whole and other.usd_whole,
            self.sources | other.sources,
        )

    def to_json(self) -> dict[str, Any]:
        """Counts of which nothing is known are null; so is a cost that is not known whole."""
        nothing = Tokens() if self.tokens_whole else None
        counts = self.tokens or nothing
        return {
            **(counts._asdict() if counts is not None else dict.fromkeys(COUNTS)),
            "tokens_whole": self.tokens_whole,
            "cost_usd": round(self.usd, 6) if self.usd_whole else None,
            "cost_at_least_usd": round(self.usd, 6),
            "sources": sorted(self.sources),
        }


NOTHING = Spent(None, True, 0.0, True)
UNKNOWN = Spent(None, False, 0.0, False)


def total(parts: Iterable[Spent]) -> Spent:
    found = NOTHING
    for part in parts:
        found = found.plus(part)
    return found


def spent_of(row: object) -> Spent:
    """What one `usage` of the run's events says; null, and what can't be read, is unknown."""
    counts = [_count(row.get(name)) for name in COUNTS] if isinstance(row, Mapping) else []
    if not isinstance(row, Mapping) or all(count is None for count in counts):
        return UNKNOWN
    cost, least = _amount(row.get("cost_usd")), _amount(row.get("cost_at_least_usd"))
    sources = row.get("sources")
    return Spent(
        Tokens(*(count or 0 for count in counts)),
        None not in counts and row.get("tokens_whole", True) is True,
        (least or 0.0) if cost is None else cost,
        cost is not None,
        frozenset(map(str, sources)) if isinstance(sources, list) else frozenset({STREAM}),
    )


def usage_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Tokens and cost of a run by worker, by model and in all, from its events. None: nobody was asked anything.

    The lead comes first. A dispatch whose end nobody recorded has spent what nobody knows.
    """
    parts = _parts(events)
    if not parts:
        return None
    names = sorted({name for name, _, _ in parts}, key=lambda name: (name != LEAD, name))
    workers, models = [], by_model([(model, row) for _, model, row in parts])
    for name in names:
        mine = [(model, row) for one, model, row in parts if one == name]
        used = [model["model"] for model in by_model(mine) if model["model"]]
        spent = total(spent_of(row) for _, row in mine)
        workers.append({"worker": name, "models": used, **spent.to_json()})
    whole = total(spent_of(row) for _, _, row in parts)
    return {"workers": workers, "models": models, "total": whole.to_json()}


def by_model(parts: Sequence[tuple[str, object]]) -> list[dict[str, Any]]:
    """Sums by model; the last row, of an empty name, is what no model is known of. `parts` are pairs of the model
    that answered as a whole, and a `usage`."""
    sums: dict[str, Spent] = {}
    for answered, row in parts:
        shares = row.get("models") if isinstance(row, Mapping) else None
        shares = [one for one in shares if isinstance(one, Mapping)] if isinstance(shares, list) else []
        for name, share in [(str(one.get("model") or ""), one) for one in shares] or [(answered, row)]:
            sums[name] = sums.get(name, NOTHING).plus(spent_of(share))
        if shares and isinstance(row, Mapping) and row.get("tokens_whole") is False:
            sums[""] = sums.get("", NOTHING).plus(UNKNOWN)
    return [{"model": name, **sums[name].to_json()} for name in sorted(sums, key=lambda name: (not name, name))]


def spent_so_far(events: Sequence[Mapping[str, Any]]) -> float:
    """The US dollars that are known to be spent, for comparison with a budget."""
    return total(spent_of(row) for _, _, row in _parts(events)).usd


def _parts(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, object]]:
    """Worker, model and usage of each dispatch and of each session; of a session that was counted again, the newest."""
    ended: list[tuple[str, str, object]] = []
    counted: dict[tuple[str, str], tuple[str, str, object]] = {}
    open_ones: dict[tuple[str, str, str], None] = {}
    for row in events:
        name, event = str(row.get("worker")), row.get("event")
        key = (name, str(row.get("label")), str(row.get("attempt")))
        part = (name, str(row.get("model") or ""), row.get("usage"))
        if event == "dispatched":
            open_ones[key] = None
        elif event == "ended":
            open_ones.pop(key, None)
            ended.append(part)
        elif event == "counted":
            counted[name, str(row.get("session"))] = part
    return [*counted.values(), *ended, *((name, "", None) for name, _, _ in open_ones)]


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < _LARGEST else None


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _LARGEST else None


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


def duration_text(seconds: float) -> str:
    """Such as `4.5 s`, `45 s`, `12 min 05 s`, `3 h 20 min`, `2 d 04 h`."""
    whole = round(seconds)
    for size, unit, part, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02d} {smaller}"
    return f"{seconds:.1f} s" if isinstance(seconds, float) and seconds < 10 else f"{whole} s"
