"""What analysts are asked after their own results: verdicts on others' findings, or on the parts of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..results.convergence import Ballot, Group
from ..results.evidence import Checked
from ..results.parse import read_document
from ..results.records import Evidence, EvidenceStatus, Problem, Verdict
from ..results.worker import check_identity, parse_answers
from ..runs.prompting import stance, worker_prompt
from ..settings.roster import Worker
from ..system.text import text_bytes
from .assignments import Assignment, write_request
from .context import RunContext

_OWN_VIEW = "First form your own view of the code, then read the claims."
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
        "QUESTIONS": "\n\n".join(_question(group, ballots, checks) for group in groups),
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


def _question(group: Group, ballots: Sequence[Ballot], checks: Checks) -> str:
    leading = group.leading
    lines = [f"### {group.id} [{leading.severity}] {leading.title}", f"- claim: {leading.claim}"]
    lines += [f"- evidence: {line.as_text()}{_check_note(checks.get(line))}" for line in group.evidence]
    for ballot in ballots:
        if ballot.answer.item == group.id:
            basis = f" ({ballot.answer.basis})" if ballot.answer.basis else ""
            lines.append(f"- said in round {ballot.round}: {ballot.answer.verdict}{basis}: {ballot.answer.reason}")
            lines += [f"  - with: {line.as_text()}" for line in ballot.answer.evidence]
    return "\n".join(lines)


def _check_note(checked: Checked | None) -> str:
    """The result of okstra's own check of the evidence, for whoever has to judge it."""
    if checked is None:
        return ""
    where = ""
    if checked.status is EvidenceStatus.MOVED:
        where = f", it is at line {checked.first}"
    return f" [checked by okstra: {checked.status}{where}{'; ' + checked.note if checked.note else ''}]"
