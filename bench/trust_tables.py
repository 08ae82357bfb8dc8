"""The rows and tables of docs/trust.md: played, with what the arithmetic says beside it, and the goals."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from trust_model import BELIEVED, NONE, RUN, Play, Result, Rules
from trust_rates import (
    AGREES,
    ANCHORED,
    BEST,
    CAREFUL,
    CLOSER,
    INDEPENDENT,
    KINDS,
    LOOSER,
    TOGETHER,
    WORST,
    Worker,
    families,
)

from okstra_ctl.results.voices import worth

TRIALS, GOAL_TRIALS = 4000, 20_000
SEED = 20261123


class Rate(NamedTuple):
    """A share of trials with its 95 % interval (Wilson)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


class Row(NamedTuple):
    """`rates` by the field of Result, the negative ones turned: `missed` and `untrusted`."""

    name: str
    workers: Sequence[Worker]
    rules: Rules
    rates: dict[str, Rate]


def rate(hits: int, trials: int) -> Rate:
    z, share = 1.96, hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half))


def measure(name: str, workers: Sequence[Worker], rules: Rules, trials: int = TRIALS) -> Row:
    chance = random.Random(f"{SEED} {name}")
    results = [Play(workers, rules, chance).play() for _ in range(trials)]
    hits = {field: sum(getattr(one, field) for one in results) for field in Result._fields}
    hits |= {"missed": trials - hits["raised"], "untrusted": trials - hits["trusted"]}
    return Row(name, workers, rules, {field: rate(count, trials) for field, count in hits.items()})


def theory_missed(workers: Sequence[Worker], rules: Rules) -> float:
    """Independent misses multiply; those that are shared, and what all are blind to, don't. For equal workers."""
    miss, shared = max(worker.miss for worker in workers), rules.shared
    if shared == INDEPENDENT:
        missed = math.prod(worker.miss for worker in workers)
    else:
        rest = (shared.within - shared.across) / (1 - shared.across)
        sizes = Counter(worker.family for worker in workers).values()
        apart = math.prod(rest * miss + (1 - rest) * miss**size if size > 1 else miss for size in sizes)
        missed = shared.across * miss + (1 - shared.across) * apart
    missed = rules.blind + (1 - rules.blind) * missed
    return missed * 0.7 + rules.blind * 0.3 if rules.critic else missed


def theory_believed(workers: Sequence[Worker], rules: Rules) -> float | None:
    """Two alike, one round, no checks: one invents, the other believes it. Only where it is that simple."""
    plain = rules.rounds == 1 and not (rules.adversarial or rules.evidence or rules.critic)
    if not plain or len(workers) != 2 or len(set(workers)) != 1:
        return None
    one = workers[0].invent * workers[1].believe
    return 1 - (1 - one) ** 2


_SHARED = Rules(shared=TOGETHER)
_RUN = _SHARED._replace(commands=RUN, red_green=True)


def anchored_rows() -> list[Row]:
    """The published rates, one step of the protocol after the other; the last of each number is what okstra does."""
    rows = []
    for letters in ("ab", "abc"):
        number, workers = f"{len(letters)} families", families(ANCHORED, letters)
        steps = (
            ("as if errors were independent, no commands", Rules()),
            ("no commands", _SHARED),
            ("commands believed", _SHARED._replace(commands=BELIEVED)),
            ("commands run, outcome shown first", _SHARED._replace(commands=RUN, hidden=False)),
            ("commands run, outcome shown first, red–green", _RUN._replace(hidden=False)),
            ("commands run, outcome hidden, red–green: okstra", _RUN),
        )
        rows += [measure(f"{number}, {words}", workers, rules, GOAL_TRIALS) for words, rules in steps]
        agreeing = [*families(ANCHORED, letters[:-1]), AGREES]
        rows.append(measure(f"{number}, okstra, one agrees with anything", agreeing, _RUN, GOAL_TRIALS))
    liars = families(ANCHORED._replace(fabricate=0.5), "abc")
    return [
        *rows,
        measure("2 of one family, okstra", families(ANCHORED, "aa"), _RUN),
        measure("2 of one family and 1 of another, okstra", families(ANCHORED, "aab"), _RUN),
        measure("3 families, okstra, half of what nothing shows claimed to be run", liars, _RUN),
        measure("2 families, okstra, all rates at their best", families(BEST, "ab"), _RUN._replace(shared=LOOSER)),
        measure("2 families, okstra, all rates at their worst", families(WORST, "ab"), _RUN._replace(shared=CLOSER)),
        measure("3 families, okstra, all rates at their best", families(BEST, "abc"), _RUN._replace(shared=LOOSER)),
        measure("3 families, okstra, all rates at their worst", families(WORST, "abc"), _RUN._replace(shared=CLOSER)),
    ]


def independent_rows() -> list[Row]:
    bare = Rules(rounds=1, adversarial=False, evidence=False)
    two, three = [CAREFUL] * 2, [CAREFUL] * 3
    return [
        measure("1 analyst, nothing checked", [CAREFUL], bare),
        measure("2 analysts, one round, nothing checked", two, bare),
        measure("2 analysts, two rounds", two, bare._replace(rounds=2)),
        measure("2, adversarial", two, bare._replace(rounds=2, adversarial=True)),
        measure("2, evidence check", two, bare._replace(rounds=2, evidence=True)),
        measure("2, adversarial, evidence check (the default)", two, Rules()),
        measure("2, default, with a critic", two, Rules(critic=True)),
        measure("3, default", three, Rules()),
        measure("3, default, with a critic", three, Rules(critic=True)),
        *(
            measure(f"2, default, the second {kind}", [CAREFUL, worker], Rules())
            for kind, worker in KINDS.items()
            if worker != CAREFUL
        ),
        measure("3, default, one agrees with anything", [*two, KINDS["agrees with anything"]], Rules()),
        measure("2, default, a tenth of the bugs unseen by all", two, Rules(blind=0.1)),
        measure("3, default, a tenth of the bugs unseen by all", three, Rules(blind=0.1)),
    ]


def anchored_table(rows: Sequence[Row]) -> str:
    columns = {
        "missed": "bug raised by nobody",
        "untrusted": "bug not trusted",
        "closed": "bug wrongly closed",
        "shown": "bug shown",
        "proven": "bug proven",
        "false_trusted": "false trusted",
        "false_open": "false left open",
        "false_shown": "false shown",
        "false_proven": "false proven",
        "false_proven_alone": "false proven, not agreed on",
    }
    head = ["protocol", "independent voices", "theory of missing", *columns.values()]
    lines = [_line(head), "|---" * len(head) + "|"]
    for row in rows:
        voices = len(row.workers) if row.rules.shared == INDEPENDENT else worth([one.family for one in row.workers])
        cells = [row.name, f"{voices:.1f}", f"{theory_missed(row.workers, row.rules):.1%}"]
        lines.append(_line([*cells, *(_cell(row, field) for field in columns)]))
    return "\n".join(lines)


def _cell(row: Row, field: str) -> str:
    """The rate alone: the intervals are stated once. Nothing where the protocol has no such thing."""
    if "proven" in field and not row.rules.red_green:
        return ""
    if ("shown" in field and row.rules.commands != RUN) or (field == "closed" and row.rules.commands == NONE):
        return ""
    return f"{row.rates[field].value:.1%}"


def independent_table(rows: Sequence[Row]) -> str:
    head = "protocol, bug raised by nobody, theory, bug not trusted in the end, something false trusted, theory"
    columns = [*head.split(", "), "something false left open"]
    lines = [_line(columns), "|---" * len(columns) + "|"]
    for row in rows:
        believed = theory_believed(row.workers, row.rules)
        rates = row.rates
        cells = [row.name, rates["missed"], f"{theory_missed(row.workers, row.rules):.1%}", rates["untrusted"]]
        cells += [rates["false_trusted"], "" if believed is None else f"{believed:.1%}", rates["false_open"]]
        lines.append(_line(cells))
    return "\n".join(lines)


class Goal(NamedTuple):
    """`most` or, with `least`, the least share; by the number of families."""

    what: str
    field: str
    limits: tuple[float, float]
    least: bool = False
    agreeing: bool = False


GOALS = (
    Goal("something false, agreed on and proven", "false_proven", (0.035, 0.035)),
    Goal("the same, where one agrees with anything", "false_proven", (0.06, 0.06), agreeing=True),
    Goal("a true bug wrongly closed", "closed", (0.007, 0.016)),
    Goal("something false left open", "false_open", (0.45, 0.30)),
    Goal("a true bug proven", "proven", (0.38, 0.47), least=True),
)


def goals_table(rows: Sequence[Row]) -> str:
    columns = ["goal, at the published rates", "2 families", "", "3 families", ""]
    lines = [_line(columns), "|---" * len(columns) + "|"]
    for goal in GOALS:
        cells: list[object] = [goal.what]
        for number, limit in zip((2, 3), goal.limits, strict=True):
            end = "okstra, one agrees with anything" if goal.agreeing else "red–green: okstra"
            (row,) = [one for one in rows if one.name.startswith(f"{number} ") and one.name.endswith(end)]
            found = row.rates[goal.field]
            met = found.value >= limit if goal.least else found.value <= limit
            sign = "≥" if goal.least else "≤"
            cells += [f"{sign} {limit:.1%}", f"{found}: {'met' if met else '**missed**'}"]
        lines.append(_line(cells))
    return "\n".join(lines)


def _line(cells: Sequence[object]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in map(str, cells)) + "|"
