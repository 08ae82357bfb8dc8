"""The plan's gate: once the report writer has made one plan, every analyst gives a verdict on each of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..report.parts import plan_items, plan_lines
from ..results.convergence import Objection, PlanGate, plan_gate
from ..results.records import Gate
from ..results.worker import parse_answers
from ..runs.prompting import stance
from .context import RunContext
from .dispatch import dispatch
from .questions import verdict_assignment

LABEL = "plan-check"


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
    voices = {answer.worker.id: answer.worker.voice for answer in answers}
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
