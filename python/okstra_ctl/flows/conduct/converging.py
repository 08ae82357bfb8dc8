"""Sending findings round among the analysts until they are settled or the rounds are over (spec 5, "Convergence")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...core.convergence.document import Round, convergence_document
from ...core.convergence.grouping import group_findings
from ...core.convergence.records import Ballot, Claim, Group, Outcome
from ...core.convergence.rounds import outcome, questions
from ...core.results.answers import parse_answers
from ...core.results.document import read_document
from ...core.results.records import Problem
from ...core.roster import Worker
from ...edges import fsio
from ...words.findings import Gate
from ...words.outcomes import AnswerState
from ..prompting import stance, worker_prompt
from .analysis import Collected, analyse, check_identity
from .assignments import Answer, Assignment
from .dispatch import dispatch
from .scene import Scene


class Converged(NamedTuple):
    """What became of all findings, and whether enough voices were heard."""

    outcomes: tuple[Outcome, ...]
    rounds: tuple[Round, ...]
    gate: Gate
    note: str
    critique: Collected | None


def converge(scene: Scene, collected: Collected) -> Converged:
    """Runs the rounds and, when the run has a critic, its gaps once. Writes the state after each round."""
    groups = group_findings({worker: result.findings for worker, result in collected.results.items()})
    gate, note = quorum_gate(scene, collected)
    ballots: list[Ballot] = []
    rounds: list[Round] = []
    analysts = [answer.worker for answer in collected.answers if answer.state.counts]
    limit = scene.settings.rules.max_rounds if gate.open else 0
    for number in range(1, limit + 1):
        asked = questions(groups, ballots, [worker.id for worker in analysts], number)
        if not asked:
            break
        _one_round(scene, number, asked, groups, analysts, ballots, rounds)
        _write_state(scene, collected, groups, ballots, rounds, gate, note)
    _write_state(scene, collected, groups, ballots, rounds, gate, note)
    critique = analyse(scene, scene.workers("critic")) if scene.workers("critic") else None
    if critique is not None:
        gaps = _gap_groups(critique, len(groups))
        groups = (*groups, *gaps)
        if gaps and gate.open:
            asked = {worker.id: tuple(gap.id for gap in gaps) for worker in analysts}
            _one_round(scene, len(rounds) + 1, asked, groups, analysts, ballots, rounds)
        _write_state(scene, collected, groups, ballots, rounds, gate, note)
    return Converged(_outcomes(scene, collected, groups, ballots), tuple(rounds), gate, note, critique)


def quorum_gate(scene: Scene, collected: Collected) -> tuple[Gate, str]:
    """Open when enough different voices gave an answer; their absence never opens it."""
    voices = set(collected.voices.values())
    if len(voices) >= scene.quorum:
        return Gate.PASSED, ""
    silent = ", ".join(f"{worker} ({state})" for worker, state in collected.states.items() if not state.counts)
    return Gate.ABORTED, f"{len(voices)} of {scene.quorum} voices answered" + (f"; not: {silent}" if silent else "")


def _one_round(
    scene: Scene,
    number: int,
    asked: Mapping[str, tuple[str, ...]],
    groups: Sequence[Group],
    analysts: Sequence[Worker],
    ballots: list[Ballot],
    rounds: list[Round],
) -> None:
    scene.say(f"round {number}: {sum(map(len, asked.values()))} questions to {len(asked)} analysts")
    assignments = [
        _question_assignment(
            scene, worker, number, [group for group in groups if group.id in asked[worker.id]], ballots
        )
        for worker in analysts
        if worker.id in asked
    ]
    answers = dispatch(scene, assignments)
    ballots += [ballot for answer in answers for ballot in _ballots(answer, number)]
    rounds.append(Round(number, asked, {answer.worker.id: answer.state for answer in answers}))
    scene.tell("round-done", round=number)


def _question_assignment(
    scene: Scene, worker: Worker, number: int, groups: Sequence[Group], ballots: Sequence[Ballot]
) -> Assignment:
    rules = scene.settings.rules
    values = {
        **scene.values,
        "ROUND": str(number),
        "ROUND_NOTE": ", or that are still disputed" if number > 1 else "",
        "STANCE": " ".join(
            [
                stance(adversarial=rules.adversarial),
                *(
                    ["First form your own view of the code, then read the claims."]
                    if rules.mode != "lightweight"
                    else []
                ),
            ]
        ),
        "QUESTIONS": "\n\n".join(_question(group, ballots) for group in groups),
        "WORKER_AUDIT_PATH": scene.files.worker_audit(worker.id),
    }
    return answers_assignment(
        scene, worker, f"round-{number}", "answers", values, [group.id for group in groups], str(number)
    )


def answers_assignment(
    scene: Scene,
    worker: Worker,
    label: str,
    part: str,
    values: Mapping[str, str],
    items: Sequence[str],
    round_word: str,
) -> Assignment:
    """Asks a worker for verdicts on items. The prompt is on disk before anybody is dispatched."""
    result = scene.files.worker_answers(worker.id, label)
    values = {**values, "ITEMS": ", ".join(items)}
    prompt = scene.files.extra_prompt(worker.id, label)
    fsio.replace(prompt, worker_prompt(values, worker, part, result).encode("utf-8", "surrogateescape"))

    def check(text: str) -> list[Problem]:
        return [*parse_answers(text, items=items)[1], *check_identity(scene, worker, read_document(text).fields)]

    facts = {"ROUND": round_word, "ITEMS": "\n".join(items)}
    return Assignment(worker, label, prompt, result, check, facts=facts)


def _question(group: Group, ballots: Sequence[Ballot]) -> str:
    leading = group.leading
    lines = [f"### {group.id} [{leading.severity}] {leading.title}", f"- claim: {leading.claim}"]
    lines += [f"- evidence: {line.as_text()}" for line in group.evidence]
    for ballot in ballots:
        if ballot.answer.item == group.id:
            basis = f" ({ballot.answer.basis})" if ballot.answer.basis else ""
            lines.append(f"- said in round {ballot.round}: {ballot.answer.verdict}{basis}: {ballot.answer.reason}")
            lines += [f"  - with: {line.as_text()}" for line in ballot.answer.evidence]
    return "\n".join(lines)


def _ballots(answer: Answer, number: int) -> list[Ballot]:
    if answer.text is None:
        return []
    given = parse_answers(answer.text, items=())[0]
    return [Ballot(number, answer.worker.id, one) for one in given]


def _gap_groups(critique: Collected, offset: int) -> tuple[Group, ...]:
    gaps = [Claim(worker, finding) for worker, result in critique.results.items() for finding in result.findings]
    return tuple(Group(f"G-{offset + number:03d}", (claim,)) for number, claim in enumerate(gaps, 1))


def _outcomes(
    scene: Scene, collected: Collected, groups: Sequence[Group], ballots: Sequence[Ballot]
) -> tuple[Outcome, ...]:
    by_group: dict[str, list[Ballot]] = {group.id: [] for group in groups}
    for ballot in ballots:
        by_group.get(ballot.answer.item, []).append(ballot)
    return tuple(outcome(group, by_group[group.id], collected.voices, quorum=scene.quorum) for group in groups)


def _write_state(
    scene: Scene,
    collected: Collected,
    groups: Sequence[Group],
    ballots: Sequence[Ballot],
    rounds: Sequence[Round],
    gate: Gate,
    note: str,
) -> None:
    states: dict[str, AnswerState] = collected.states
    outcomes = _outcomes(scene, collected, groups, ballots)
    document = convergence_document(str(scene.id), scene.settings.rules, states, rounds, outcomes, gate, note)
    fsio.replace_json(scene.files.convergence, document)
