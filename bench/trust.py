"""`make trust`: what okstra's protocol makes of workers whose error rates are known; writes docs/trust.md and its plot.

Seeded, so that the same code gives the same table.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from trust_model import CAREFUL, KINDS, Rules, Worker, play  # noqa: E402

TRIALS = 4000
SEED = 20261123
MARKS = ("<!-- table -->", "<!-- /table -->")


class Rate(NamedTuple):
    """A share of trials with its 95 % interval (Wilson)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


class Row(NamedTuple):
    name: str
    missed: Rate
    theory_missed: float | None
    untrusted: Rate
    believed: Rate
    theory_believed: float | None
    blocked: Rate


def rate(hits: int, trials: int = TRIALS) -> Rate:
    z, share = 1.96, hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half))


def measure(name: str, workers: list[Worker], rules: Rules) -> Row:
    chance = random.Random(f"{SEED} {name}")
    results = [play(workers, rules, chance) for _ in range(TRIALS)]
    return Row(
        name,
        rate(sum(not one.raised for one in results)),
        theory_missed(workers, rules),
        rate(sum(not one.trusted for one in results)),
        rate(sum(one.false_trusted for one in results)),
        theory_believed(workers, rules),
        rate(sum(one.blocked for one in results)),
    )


def theory_missed(workers: list[Worker], rules: Rules) -> float | None:
    """Independent misses multiply; what all are blind to, all miss."""
    missed = rules.blind + (1 - rules.blind) * math.prod(worker.miss for worker in workers)
    return missed * 0.7 + rules.blind * 0.3 if rules.critic else missed


def theory_believed(workers: list[Worker], rules: Rules) -> float | None:
    """Two alike, one round, no checks: one invents, the other believes it. Told only where it is that simple."""
    plain = rules.rounds == 1 and not (rules.adversarial or rules.evidence or rules.critic)
    if not plain or len(workers) != 2 or len(set(workers)) != 1:
        return None
    one = workers[0].invent * workers[1].believe
    return 1 - (1 - one) ** 2


def rows() -> list[Row]:
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


def table(measured: list[Row]) -> str:
    lines = [
        "| protocol | bug raised by nobody | theory | bug not trusted in the end | something false trusted | theory "
        "| something false left open |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.missed} | {_theory(row.theory_missed)} | {row.untrusted} | {row.believed} "
        f"| {_theory(row.theory_believed)} | {row.blocked} |"
        for row in measured
    ]
    return "\n".join(lines)


def _theory(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def plot(measured: list[Row]) -> str:
    """Two bars a protocol: what is missed, and what false is trusted. Drawn by hand: no library for fourteen bars."""
    left, width, step = 330, 330, 34
    height = 60 + step * len(measured)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="720" height="{height}" fill="#fff"/>',
        '<text x="330" y="24"><tspan fill="#b3261e">■</tspan> bug not trusted  '
        '<tspan fill="#3b6ea5">■</tspan> something false trusted</text>',
    ]
    for number, row in enumerate(measured):
        top = 44 + number * step
        parts.append(f'<text x="{left - 8}" y="{top + 16}" text-anchor="end">{row.name}</text>')
        for offset, value, colour in ((0, row.untrusted, "#b3261e"), (11, row.believed, "#3b6ea5")):
            long = value.value * width
            parts += [
                f'<rect x="{left}" y="{top + offset}" width="{long:.1f}" height="9" fill="{colour}"/>',
                f'<text x="{left + long + 4:.1f}" y="{top + offset + 8}" font-size="9">{value.value:.1%}</text>',
            ]
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    measured = rows()
    text = table(measured)
    sys.stdout.write(text + "\n")
    page = ROOT / "docs" / "trust.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    page.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")
    (ROOT / "docs" / "trust.svg").write_text(plot(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
