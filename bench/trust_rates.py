"""The rates of the made-up workers in `make trust`: anchored in published figures, with the ends of their ranges, and
the independent ones of before. docs/trust.md says where each comes from."""

from __future__ import annotations

from typing import NamedTuple

from okstra_ctl.results.voices import ACROSS, WITHIN


class Worker(NamedTuple):
    """Rates from 0 to 1. `miss`: it does not raise the bug. `invent`: it raises a false finding. `fake`: a false
    finding quotes what is not there. `believe`: it agrees with a false finding of another's; `hold`: with its own, when
    somebody objects. `doubt`: it disagrees with the bug. `silent`: it gives no answer in rounds.

    Of commands: `reproduce`: what it rightly claims has one that ends as it says. `weak`: so has what it wrongly
    claims, and `weak_turn`: one that turns green with the work, besides; `weak_refutation`: a wrong objection has one.
    `fabricate`: where there is none, it cites one that ends otherwise. `family` is empty for one of its own.
    """

    miss: float = 0.3
    invent: float = 0.2
    fake: float = 0.5
    believe: float = 0.3
    hold: float = 0.3
    doubt: float = 0.1
    silent: float = 0.0
    reproduce: float = 0.5
    weak: float = 0.3
    weak_turn: float = 0.1
    weak_refutation: float = 0.15
    fabricate: float = 0.1
    family: str = ""


class Shared(NamedTuple):
    """How errors of two workers go together: of other families and of one; and inventions, which are then the same."""

    across: float = 0.0
    within: float = 0.0
    invention_across: float = 0.0
    invention_within: float = 0.0


FLAKY = 0.02
INDEPENDENT = Shared()
TOGETHER = Shared(ACROSS, WITHIN, 0.05, 0.40)
LOOSER, CLOSER = Shared(0.18, 0.45, 0.0, 0.20), Shared(0.52, 0.70, 0.15, 0.60)

CAREFUL = Worker()
KINDS = {
    "careful": CAREFUL,
    "agrees with anything": CAREFUL._replace(believe=1.0, hold=1.0, doubt=0.0),
    "contrarian": CAREFUL._replace(believe=0.0, hold=0.0, doubt=1.0),
    "silent in rounds": CAREFUL._replace(silent=1.0),
    "finds nothing": CAREFUL._replace(miss=1.0, invent=0.0),
}
CRITIC = Worker(miss=0.7, invent=0.1)

ANCHORED = Worker(miss=0.45, invent=0.40, fake=0.15, believe=0.35, hold=0.50, doubt=0.20)
BEST = Worker(
    miss=0.20,
    invent=0.20,
    fake=0.05,
    believe=0.15,
    hold=0.30,
    doubt=0.10,
    reproduce=0.60,
    weak=0.15,
    weak_turn=0.05,
    weak_refutation=0.08,
    fabricate=0.03,
)
WORST = Worker(
    miss=0.65,
    invent=0.70,
    fake=0.30,
    believe=0.60,
    hold=0.80,
    doubt=0.35,
    reproduce=0.35,
    weak=0.60,
    weak_turn=0.20,
    weak_refutation=0.30,
    fabricate=0.30,
)
AGREES = ANCHORED._replace(believe=1.0, hold=1.0, doubt=0.0, family="z")


def families(worker: Worker, letters: str) -> list[Worker]:
    """A worker of each of these families: `aab` is two of one, and one of another."""
    return [worker._replace(family=letter) for letter in letters]
