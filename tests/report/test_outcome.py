"""Which verdicts a report may give, whether its run failed, and why."""

from __future__ import annotations

from typing import Any

import pytest

from okstra_ctl.report.outcome import (
    acceptance_tokens,
    allowed_tokens,
    failure_reasons,
    outcome_of,
    review_tokens,
    stands,
    voices_lines,
)
from okstra_ctl.results.convergence import Claim, Group, Outcome
from okstra_ctl.results.records import EvidenceStatus, Finding, FindingClass, FindingSeverity, Gate
from okstra_ctl.status import RunOutcome

TOKENS = ("good", "middling", "bad")
OPEN, SHUT = (Gate.PASSED, Gate.DISSENT), (Gate.FAILED, Gate.ABORTED)


def outcome(severity: FindingSeverity, closed_by: str = "") -> Outcome:
    found = Finding("F-001", severity, "t", "claim", (), None, 1)
    return Outcome(Group("G-001", (Claim("a", found),)), FindingClass.CONSENSUS, (), EvidenceStatus.VERIFIED, closed_by)


GRAVE = [FindingSeverity.CRITICAL, FindingSeverity.HIGH]


@pytest.mark.parametrize("severity", list(FindingSeverity))
def test_a_grave_finding_stands_until_somebody_closes_it(severity: FindingSeverity) -> None:
    assert stands(outcome(severity)) is (severity in GRAVE)
    assert not stands(outcome(severity, "b"))


@pytest.mark.parametrize("severity", list(FindingSeverity))
def test_a_review_is_as_bad_as_its_worst_open_finding(severity: FindingSeverity) -> None:
    closed = outcome(FindingSeverity.CRITICAL, "b")
    for others in ([], [closed]):
        assert review_tokens(TOKENS, [*others, outcome(severity)]) == ("bad" if severity in GRAVE else "middling",)
        assert review_tokens(TOKENS, others) == ("good",)
        assert review_tokens(("only",), [*others, outcome(severity)]) == ("only",)
    assert review_tokens(("only",), []) == ("only",)


def test_with_a_gate_that_failed_or_was_never_answered_only_the_worst_is_left() -> None:
    for gate in (*OPEN, Gate.BLOCKED):
        assert allowed_tokens(TOKENS, {"a": Gate.PASSED, "b": gate}) == TOKENS
    for gate in SHUT:
        assert allowed_tokens(TOKENS, {"a": Gate.PASSED, "b": gate}) == ("bad",)
    assert allowed_tokens(TOKENS, {}) == TOKENS


@pytest.mark.parametrize(
    ("verdicts", "gate", "outcomes", "looked_at_all", "left"),
    [
        (["good", "good"], Gate.DISSENT, [], True, TOKENS),
        (["good", "middling"], Gate.PASSED, [], True, TOKENS[1:]),
        (["bad", "good"], Gate.PASSED, [], True, TOKENS[2:]),
        ([], Gate.PASSED, [], True, TOKENS[2:]),
        (["good"], Gate.PASSED, [], False, TOKENS[1:]),
        (["bad"], Gate.PASSED, [], False, TOKENS[2:]),
        (["good"], Gate.BLOCKED, [], True, TOKENS[2:]),
        (["good"], Gate.PASSED, [outcome(FindingSeverity.HIGH)], True, TOKENS[2:]),
        (["good"], Gate.PASSED, [outcome(FindingSeverity.HIGH, "b"), outcome(FindingSeverity.LOW)], True, TOKENS),
    ],
)
def test_a_verification_accepts_no_more_than_its_worst_sign(
    verdicts: list[str], gate: Gate, outcomes: list[Outcome], looked_at_all: bool, left: tuple[str, ...]
) -> None:
    gates = {"a": Gate.PASSED, "b": gate}
    assert acceptance_tokens(TOKENS, gates, verdicts, outcomes, looked_at_all=looked_at_all) == left


def report(breaches: int = 0, **gates: Gate) -> dict[str, Any]:
    return {
        "gates": {
            name: {"gate": str(gate), "note": "why" if gate is Gate.FAILED else ""} for name, gate in gates.items()
        },
        "isolation": {"breaches": [{}] * breaches},
        "execution": [
            {"worker": "a", "outcome": "completed", "note": "x"},
            {"worker": "b", "outcome": "timeout", "note": ""},
            {"worker": "c", "outcome": "error", "note": "no network"},
            {"worker": "d", "outcome": "not-run", "note": "x"},
        ],
    }


SILENT = ["b: timeout", "c: no network"]


@pytest.mark.parametrize(
    ("made", "ended", "reasons"),
    [
        (report(plan=Gate.PASSED), RunOutcome.COMPLETED, []),
        (report(plan=Gate.BLOCKED, critic=Gate.FAILED), RunOutcome.COMPLETED, []),
        (report(plan=Gate.FAILED), RunOutcome.FAILED, [*SILENT, "plan: why"]),
        (report(plan=Gate.ABORTED, other=Gate.PASSED), RunOutcome.FAILED, [*SILENT, "plan: aborted-non-result"]),
        (report(1, plan=Gate.PASSED), RunOutcome.CONTRACT_VIOLATED, SILENT),
        (report(record=Gate.FAILED), RunOutcome.CONTRACT_VIOLATED, [*SILENT, "record: why"]),
    ],
)
def test_a_run_fails_for_shut_gates_and_breaches_and_says_why(
    made: dict[str, Any], ended: RunOutcome, reasons: list[str]
) -> None:
    assert outcome_of(made) is ended
    assert failure_reasons(made) == reasons


LABELS = {name: name for name in ("unknown", "voices", "voices_needed", "voices_worth", "voices_own", "voices_one")}


@pytest.mark.parametrize(
    ("families", "independent", "lines"),
    [
        ([], None, ["voices: 0 (voices_needed: 2)"]),
        (["claude"], None, ["voices: 1 (voices_needed: 2); claude (w)", "voices_one"]),
        (["codex"], None, ["voices: 1 (voices_needed: 2); codex (w)", "voices_own"]),
        (["unknown"], 1, ["voices: 1 (voices_needed: 2); unknown (w)", "voices_worth: 1", "voices_one"]),
        (["claude", "codex"], 1.5, ["voices: 2 (voices_needed: 2); claude (w); codex (w)", "voices_worth: 1.5"]),
    ],
)
def test_a_report_says_how_many_families_judged(
    families: list[str], independent: float | None, lines: list[str]
) -> None:
    listed = [{"family": family, "workers": ["w"]} for family in families]
    heard = {"families": listed, "quorum": 2, "independent": independent, "executor": "codex"}
    assert list(voices_lines({"voices": heard}, LABELS)) == lines
    assert list(voices_lines({}, LABELS)) == []
