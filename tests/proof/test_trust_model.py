"""The made-up workers of `make trust`: errors go together as much as is stated, and the figures meet the arithmetic."""

from __future__ import annotations

import importlib
import random
import sys

import pytest

from support.sealed import ROOT


@pytest.fixture(scope="module", autouse=True)
def _bench() -> None:
    sys.path.append(str(ROOT / "bench"))


@pytest.mark.parametrize(("families", "correlation"), [("ab", 0.35), ("aa", 0.62)])
def test_errors_go_together_as_stated(families: str, correlation: float) -> None:
    draws = importlib.import_module("trust_model").Draws
    chance, miss, trials = random.Random(1), 0.45, 20_000
    both = 0
    for _ in range(trials):
        one = draws(0.35, 0.62, chance)
        both += all(one.of(name, family)[1] < miss for name, family in zip("xy", families, strict=True))
    assert (both / trials - miss**2) / (miss - miss**2) == pytest.approx(correlation, abs=0.03)


@pytest.mark.parametrize("letters", ["ab", "aab"])
def test_what_nobody_raises_meets_the_theory(letters: str) -> None:
    model, rates, tables = map(importlib.import_module, ("trust_model", "trust_rates", "trust_tables"))
    workers = rates.families(rates.ANCHORED, letters)
    row = tables.measure(letters, workers, model.Rules(shared=rates.TOGETHER), 600)
    assert row.rates["missed"].low <= tables.theory_missed(workers, row.rules) <= row.rates["missed"].high


def test_the_published_goals_stand_in_the_page() -> None:
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    goals = importlib.import_module("trust_tables").GOALS
    table = page.partition("<!-- goals -->")[2].partition("<!-- /goals -->")[0]
    assert [one.what for one in goals] == [line.split(" | ")[0][2:] for line in table.strip().splitlines()[2:]]
    assert "missed" not in table
