"""Asking the analysts about one another's findings until they are settled or the rounds are over, and about the plan
that the report writer made of them (docs/design/leading.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..report.parts import plan_items, plan_lines
from ..results.commands import cited_commands
from ..results.convergence import (
    Ballot,
    Claim,
    Group,
    Objection,
    Outcome,
    PlanGate,
    Round,
    group_findings,
    outcome,
    plan_gate,
    questions,
)
from ..results.documents import convergence_document
from ..results.evidence import Checked
from ..results.parse import read_document
from ..results.records import Evidence, EvidenceStatus, FindingClass, Gate, Problem, Verdict
from ..results.worker import check_identity, parse_answers
from ..runs.prompting import stance, worker_prompt
from ..settings.roster import Worker
from ..system import files
from ..system.text import text_bytes
from .analysis import Collected, analyse, check_evidence, cited_in, run_commands
from .assignments import Answer, Assignment, write_request
from .context import RunContext
from .dispatch import dispatch
from .voices import voices_of

_MOST_NAMED = 10
_OWN_VIEW = "First form your own view of the code, then read the claims."
LABEL = "plan-check"


class Convergence(NamedTuple):
    """The outcome of every finding, and whether enough voices answered."""

    outcomes: tuple[Outcome, ...]
    gate: Gate
    note: str
    critique: Collected | None


def converge(context: RunContext, collected: Collected) -> Convergence:
    """Runs the rounds, and one more for the gaps that a critic finds, if the run has one. Raises as `dispatch`."""
    debate = Debate(context, collected)
    limit = context.settings.rules.max_rounds if debate.gate.open else 0
    for number in range(1, limit + 1):
        asked = questions(debate.groups, debate.ballots, list(debate.analysts), number)
        if not asked:
            break
        debate.run_round(number, asked)
    critique = analyse(context, context.workers("critic")) if context.workers("critic") else None
    if critique is not None:
        debate.add_gaps(critique)
    debate.close()
    return Convergence(debate.outcomes(), debate.gate, debate.note, critique)


def quorum_gate(context: RunContext, collected: Collected) -> tuple[Gate, str]:
    """Open when enough different voices gave an answer; a missing answer never opens it."""
    voices = set(collected.voices.values())
    silent = ", ".join(f"{worker} ({state})" for worker, state in collected.states.items() if not state.counts)
    if len(voices) >= context.quorum:
        return Gate.PASSED, f"not heard: {silent}" if silent else ""
    return Gate.ABORTED, f"{len(voices)} of {context.quorum} voices answered" + (f"; not: {silent}" if silent else "")


class Debate:
    """The findings of a run and the verdicts on them. Its state is written to disk after every round."""

    def __init__(self, context: RunContext, collected: Collected) -> None:
        self._context = context
        self._collected = collected
        self.groups = group_findings({worker: result.findings for worker, result in collected.results.items()})
        self.gate, self.note = quorum_gate(context, collected)
        self.analysts = {answer.worker.id: answer.worker for answer in collected.answers if answer.state.counts}
        self.ballots: list[Ballot] = []
        self._rounds: list[Round] = []
        self._checks: dict[Evidence, Checked] = check_evidence(context, cited_in(collected))
        self._write()

    def run_round(self, number: int, asked: Mapping[str, tuple[str, ...]]) -> None:
        """Asks each analyst about its groups, all at once."""
        context = self._context
        context.print_progress(f"round {number}: {sum(map(len, asked.values()))} questions to {len(asked)} analysts")
        by_id = {group.id: group for group in self.groups}
        assignments = [
            round_assignment(
                context, self.analysts[worker], number, [by_id[name] for name in ids], self.ballots, self._checks
            )
            for worker, ids in asked.items()
        ]
        answers = dispatch(context, assignments)
        self.ballots += [ballot for answer in answers for ballot in _ballots(answer, number)]
        self._run_commands()
        self._rounds.append(Round(number, asked, {answer.worker.id: answer.state for answer in answers}))
        self._write()
        context.record_event("round-done", round=number)

    def add_gaps(self, critique: Collected) -> None:
        """A critic's gaps become findings, each verified once by every analyst."""
        claims = [Claim(worker, finding) for worker, result in critique.results.items() for finding in result.findings]
        first = len(self.groups) + 1
        gaps = tuple(Group(f"G-{number:03d}", (claim,)) for number, claim in enumerate(claims, first))
        self.groups = (*self.groups, *gaps)
        self._checks.update(check_evidence(self._context, cited_in(critique)))
        if gaps and self.gate.open:
            ids = tuple(gap.id for gap in gaps)
            self.run_round(len(self._rounds) + 1, dict.fromkeys(self.analysts, ids))
        self._write()

    def close(self) -> None:
        """After the last round: a finding with too few answers closes the gate, and missing answers are noted."""
        self._run_commands()
        silent = [
            f"{worker} in round {one.number} ({state})"
            for one in self._rounds
            for worker, state in one.states.items()
            if not state.counts
        ]
        unanswered = [one.group.id for one in self.outcomes() if one.finding_class is FindingClass.ABORTED]
        notes = [self.note] if self.note else []
        if self.gate.open and unanswered:
            self.gate = Gate.ABORTED
            notes.append(f"too few have answered {_some(unanswered)}")
        if silent:
            notes.append(f"not heard: {_some(silent)}")
        self.note = "; ".join(notes)
        self._write()

    def _run_commands(self) -> None:
        """Runs what was cited, after those who were asked have answered: who sees an outcome first believes it. So
        nothing of it is on disk before."""
        cited = [line for group in self.groups for line in group.evidence]
        cited += [line for ballot in self.ballots for line in ballot.answer.evidence]
        run_commands(self._context, cited_commands(cited), self._context.commit)
        unchecked = [line for line in cited if line.exit is not None or line not in self._checks]
        self._checks.update(check_evidence(self._context, unchecked))

    def outcomes(self) -> tuple[Outcome, ...]:
        by_group: dict[str, list[Ballot]] = {group.id: [] for group in self.groups}
        for ballot in self.ballots:
            by_group.get(ballot.answer.item, []).append(ballot)
        voices, quorum, silent = self._collected.voices, self._context.quorum, self._collected.silent
        return tuple(
            outcome(group, by_group[group.id], voices, quorum=quorum, checks=self._checks, silent=silent)
            for group in self.groups
        )

    def _write(self) -> None:
        context = self._context
        document = convergence_document(
            str(context.id),
            context.settings.rules,
            self._collected.states,
            self._rounds,
            self.outcomes(),
            self.gate,
            self.note,
        )
        files.replace_json(context.files.convergence, document)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _ballots(answer: Answer, number: int) -> list[Ballot]:
    if answer.text is None:
        return []
    return [Ballot(number, answer.worker.id, one) for one in parse_answers(answer.text, items=())[0]]


Checks = Mapping[Evidence, Checked]


def round_assignment(
    context: RunContext, worker: Worker, number: int, groups: Sequence[Group], ballots: Sequence[Ballot], checks: Checks
) -> Assignment:
    """The request for verdicts on these findings, with the verdicts of earlier rounds."""
    rules = context.settings.rules
    own_view = [] if rules.mode == "lightweight" else [_OWN_VIEW]
    values = {
        **context.values,
        "ROUND": str(number),
        "ROUND_NOTE": ", or that are still disputed" if number > 1 else "",
        "STANCE": " ".join([stance(adversarial=rules.adversarial), *own_view]),
        "QUESTIONS": "\n\n".join(_question(group, ballots, checks, worker.id) for group in groups),
        "WORKER_AUDIT_PATH": context.files.worker_audit(worker.id),
    }
    items = [group.id for group in groups]
    return verdict_assignment(context, worker, f"round-{number}", "answers", values, items, str(number))


def verdict_assignment(
    context: RunContext,
    worker: Worker,
    label: str,
    part: str,
    values: Mapping[str, str],
    items: Sequence[str],
    round_word: str,
) -> Assignment:
    """The request for verdicts on items. Its prompt is on disk before anybody is dispatched."""
    result = context.files.worker_answers(worker.id, label)
    prompt = context.files.extra_prompt(worker.id, label)
    values = {**values, "ITEMS": ", ".join(items)}
    write_request(prompt, text_bytes(worker_prompt(values, worker, part, result)), result)

    def check(text: str) -> list[Problem]:
        fields = read_document(text).fields
        identity = check_identity(fields, task_key=str(context.id.task), worker=worker.id)
        return [*parse_answers(text, items=items)[1], *identity]

    facts = {"ROUND": round_word, "ITEMS": "\n".join(items)}
    return Assignment(worker, label, prompt, result, check, has_findings=_objects, facts=facts)


def _objects(text: str) -> bool:
    return any(answer.verdict is not Verdict.AGREE for answer in parse_answers(text, items=())[0])


def _question(group: Group, ballots: Sequence[Ballot], checks: Checks, worker: str) -> str:
    leading = group.leading
    given = [ballot for ballot in ballots if ballot.answer.item == group.id]
    has_answered = worker in group.raisers or any(ballot.worker == worker for ballot in given)
    lines = [f"### {group.id} [{leading.severity}] {leading.title}", f"- claim: {leading.claim}"]
    lines += [f"- evidence: {line.as_text()}{_check_note(line, checks, has_answered)}" for line in group.evidence]
    for ballot in given:
        basis = f" ({ballot.answer.basis})" if ballot.answer.basis else ""
        lines.append(f"- said in round {ballot.round}: {ballot.answer.verdict}{basis}: {ballot.answer.reason}")
        lines += [
            f"  - with: {line.as_text()}{_check_note(line, checks, has_answered)}" for line in ballot.answer.evidence
        ]
    return "\n".join(lines)


def _check_note(line: Evidence, checks: Checks, has_answered: bool) -> str:
    """The result of okstra's own check, for whoever has to judge it. How a command ended is for those alone who have
    given a verdict of their own: a weak run that is green would persuade the others."""
    checked = checks.get(line)
    if checked is None or (line.exit is not None and not has_answered):
        return ""
    where = ""
    if checked.status is EvidenceStatus.MOVED:
        where = f", it is at line {checked.first}"
    return f" [checked by okstra: {checked.status}{where}{'; ' + checked.note if checked.note else ''}]"


def check_plan_with_analysts(context: RunContext, report: Mapping[str, Any]) -> PlanGate:
    """Asks the analysts about the plan in the report. Raises as `dispatch`."""
    stages = report["phase"]["stages"]
    items = plan_items(stages)
    options = "\n".join(
        f"- {'**chosen** ' if one['chosen'] else ''}{one['title']}: {one['trade_offs']}"
        for one in report["phase"]["options"]
    )
    values = {
        **context.values,
        "STANCE": stance(adversarial=context.settings.rules.adversarial),
        "QUESTIONS": f"{options}\n\n" + "\n".join(plan_lines(stages)).replace("\n## ", "\n### "),
    }
    assignments = [
        verdict_assignment(
            context,
            worker,
            LABEL,
            LABEL,
            {**values, "WORKER_AUDIT_PATH": context.files.worker_audit(worker.id)},
            items,
            "plan",
        )
        for worker in context.workers("analyst")
    ]
    answers = [answer for answer in dispatch(context, assignments) if answer.text is not None]
    given = {answer.worker.id: parse_answers(answer.text or "", items=items)[0] for answer in answers}
    voices = voices_of(context, (answer.worker for answer in answers))
    return plan_gate(given, voices, items, quorum=context.quorum)


def with_plan_gate(report: dict[str, Any], found: PlanGate) -> dict[str, Any]:
    """The report with the plan gate added: objections become questions that block approval, dissent becomes a risk."""
    note = "; ".join(_objection_text(one) for one in (*found.objections, *found.dissent))
    report = {**report, "gates": {**report["gates"], "plan": {"gate": str(found.gate), "note": note}}}
    blocking = [_objection_text(one) for one in found.objections]
    if found.gate is Gate.ABORTED:
        blocking = ["Too few analysts have judged this plan. Is it good enough to be built?"]
    known = {row["question"] for row in report["clarifications"]}
    rows = [question for question in blocking if question not in known]
    first = 1 + max((int(row["id"][2:]) for row in report["clarifications"]), default=0)
    report["clarifications"] = [
        *report["clarifications"],
        *(
            {"id": f"C-{number:03d}", "question": question, "status": "open", "blocks": "approval", "answer": ""}
            for number, question in enumerate(rows, first)
        ),
    ]
    dissent = [f"Dissent on {_objection_text(one)}" for one in found.dissent]
    report["risks"] = [*report["risks"], *(line for line in dissent if line not in report["risks"])]
    if found.gate in (Gate.BLOCKED, Gate.ABORTED):
        report["verdict"] = {**report["verdict"], "token": "needs-input"}
    return report


def _objection_text(objection: Objection) -> str:
    return f"{objection.item}: {' / '.join(objection.reasons)}"
