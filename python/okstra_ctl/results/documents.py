"""Findings and their convergence as they are written: in the convergence state, in the report, for `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..status import AnswerState
from .convergence import Ballot, Group, Outcome, Round, Rules
from .evidence import Checked
from .records import Evidence, Gate

SCHEMA = "convergence/1"
_SHOWN_OUTPUT = 2000


def convergence_document(
    run_id: str,
    rules: Rules,
    analysts: Mapping[str, AnswerState],
    rounds: Sequence[Round],
    outcomes: Sequence[Outcome],
    gate: Gate,
    note: str,
) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "mode": rules.mode,
        "adversarial": rules.adversarial,
        "max_rounds": rules.max_rounds,
        "quorum": rules.quorum,
        "analysts": {worker: str(state) for worker, state in analysts.items()},
        "rounds": [
            {
                "round": one.number,
                "asked": {worker: list(ids) for worker, ids in one.asked.items()},
                "answers": {worker: str(state) for worker, state in one.states.items()},
            }
            for one in rounds
        ],
        "findings": [finding_json(one) for one in outcomes],
        "gate": str(gate),
        "note": note,
    }


def finding_json(outcome: Outcome) -> dict[str, object]:
    """One merged finding, as it is in the state and in the report."""
    group = outcome.group
    leading = group.leading
    return {
        "mark": str(outcome.mark),
        "id": group.id,
        "severity": str(leading.severity),
        "title": leading.title,
        "claim": leading.claim,
        "evidence": [_checked_json(line, outcome.checks.get(line)) for line in group.evidence],
        "raised_by": _raised_by(group),
        "verdicts": [_ballot_json(ballot, outcome.checks) for ballot in outcome.ballots],
        "evidence_status": str(outcome.evidence_status),
        "class": str(outcome.finding_class),
        "status": "closed" if outcome.closed_by else "open",
        "closed_by": outcome.closed_by,
    }


def _checked_json(line: Evidence, checked: Checked | None) -> dict[str, object]:
    """A line of evidence with the result of its check."""
    document = evidence_json(line)
    if checked is not None:
        found = [checked.first, checked.last] if checked.first else None
        document |= {"status": str(checked.status), "found_lines": found, "note": checked.note}
        if checked.exits:
            document |= {"exits": list(checked.exits), "output": end_of(checked.output)}
    return document


def end_of(output: str) -> str:
    """The end of what a command printed, as much as a report shows; the rest is in the run's record of commands."""
    return output if len(output) <= _SHOWN_OUTPUT else f"…{output[-_SHOWN_OUTPUT:]}"


def evidence_json(evidence: Evidence) -> dict[str, object]:
    if evidence.exit is not None:
        return {"command": evidence.command, "exit": evidence.exit}
    lines = [evidence.first, evidence.last] if evidence.first else None
    return {"path": evidence.path, "lines": lines, "quote": evidence.quote}


def _raised_by(group: Group) -> list[dict[str, object]]:
    return [
        {"worker": claim.worker, "finding": claim.finding.id, "severity": str(claim.finding.severity)}
        for claim in group.claims
    ]


def _ballot_json(ballot: Ballot, checks: Mapping[Evidence, Checked]) -> dict[str, object]:
    answer = ballot.answer
    return {
        "round": ballot.round,
        "worker": ballot.worker,
        "verdict": str(answer.verdict),
        "basis": str(answer.basis) if answer.basis else None,
        "reason": answer.reason,
        "evidence": [_checked_json(line, checks.get(line)) for line in answer.evidence],
    }
