"""What a run with this report ended as (docs/design/leading.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..results.convergence import Outcome
from ..results.records import Gate
from ..results.voices import UNKNOWN
from ..results.worker import GRAVE
from ..status import RunOutcome, WorkerOutcome

CRITIC_GATE = "critic"  # reported only: what the critic did not say shuts nothing
RECORD_GATE = "record"  # there when the run's own record does not hold together


def closed_gates(report: Mapping[str, Any]) -> list[str]:
    """The gates that fail the run. A plan that its analysts block is work that was done; a gate that failed or was
    never answered is not."""
    gates = {name: Gate(gate["gate"]) for name, gate in report["gates"].items() if name != CRITIC_GATE}
    return [name for name, gate in gates.items() if not gate.open and gate is not Gate.BLOCKED]


def outcome_of(report: Mapping[str, Any]) -> RunOutcome:
    closed = closed_gates(report)
    if report["isolation"]["breaches"] or RECORD_GATE in closed:
        return RunOutcome.CONTRACT_VIOLATED
    return RunOutcome.FAILED if closed else RunOutcome.COMPLETED


def failure_reasons(report: Mapping[str, Any]) -> list[str]:
    """Why the run failed: what its workers' clients reported, then the gates that closed; none where it did not."""
    closed = closed_gates(report)
    if not closed and not report["isolation"]["breaches"]:
        return []
    silent = [
        one for one in report["execution"] if one["outcome"] not in (WorkerOutcome.COMPLETED, WorkerOutcome.NOT_RUN)
    ]
    workers = [f"{one['worker']}: {one['note'] or one['outcome']}" for one in silent]
    notes = {name: report["gates"][name]["note"] for name in closed}
    return [*workers, *(f"{name}: {note or report['gates'][name]['gate']}" for name, note in notes.items())]


def overrules_in(report: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """A person's words past the gates, in order: also of an earlier version's report, which kept one alone."""
    first = [report["overrule"]] if "overrule" in report else []
    return [*first, *report.get("overrules", ())]


def voices_lines(report: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[str]:
    """How many model families judged, which, and how independent that makes them; nothing in an earlier version's
    report, and in those of phases without judges."""
    heard = report.get("voices")
    if heard is None:
        return
    families = [
        f"{labels['unknown'] if one['family'] == UNKNOWN else one['family']} ({', '.join(one['workers'])})"
        for one in heard["families"]
    ]
    count = f"{len(families)} ({labels['voices_needed']}: {heard['quorum']})"
    yield f"{labels['voices']}: {'; '.join([count, *families])}"
    if families and heard["independent"] is not None:
        yield f"{labels['voices_worth']}: {heard['independent']}"
    if families and not {one["family"] for one in heard["families"]} - {heard["executor"]}:
        yield labels["voices_own"]
    elif len(families) == 1:
        yield labels["voices_one"]


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


def review_tokens(tokens: Sequence[str], outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Of a review: the worst with a grave finding that stands, the next with any open one; else the best."""
    if any(stands(outcome) for outcome in outcomes) or len(tokens) == 1:
        return (tokens[-1],)
    return (tokens[1],) if any(not outcome.closed_by for outcome in outcomes) else (tokens[0],)


def stands(outcome: Outcome) -> bool:
    """Whether a finding is grave and nobody has closed it. Votes against it make it contested, not closed."""
    return not outcome.closed_by and outcome.group.leading.severity in GRAVE


def isolation_commands(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The commands that a reader is given, each by its label's name. Those that earlier versions wrote as `undo`
    could throw away what a person had made meanwhile: they are not passed on."""
    if "look" not in one:
        return
    for name in ("look", "undo"):
        if one[name].strip():
            yield name, one[name].strip()
