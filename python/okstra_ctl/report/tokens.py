"""What a report may conclude, given what the gates say: the worst token is always allowed, a better one must be
earned (spec 5, "Fail closed"). Tokens stand best first, as in `prompts/phases.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..results.convergence import Outcome
from ..results.findings import FindingSeverity, Gate

_GRAVE = (FindingSeverity.CRITICAL, FindingSeverity.HIGH)


def allowed_tokens(tokens: Sequence[str], gates: Mapping[str, Gate]) -> tuple[str, ...]:
    """All tokens while every gate is open; the worst alone when one failed or was never answered."""
    return tuple(tokens) if all(gate.open or gate is Gate.BLOCKED for gate in gates.values()) else (tokens[-1],)


def acceptance_tokens(
    tokens: Sequence[str],
    gates: Mapping[str, Gate],
    verdicts: Sequence[str],
    outcomes: Sequence[Outcome],
    *,
    looked_at_all: bool,
) -> tuple[str, ...]:
    """Of final-verification: no better than the worst verdict of an analyst; none better than `blocked` with a
    failed gate or a grave finding that stands; and what nothing was run for, or whose critic was not heard, is
    never plainly accepted (`looked_at_all`)."""
    best = max((tokens.index(verdict) for verdict in verdicts), default=len(tokens) - 1)
    if not looked_at_all:
        best = max(best, 1)
    if any(stands(outcome) for outcome in outcomes) or not all(gate.open for gate in gates.values()):
        best = len(tokens) - 1
    return tuple(tokens[best:])


def stands(outcome: Outcome) -> bool:
    """Whether a finding is grave and nobody has closed it. Votes against it make it contested, not closed."""
    return not outcome.closed_by and outcome.group.leading.severity in _GRAVE
