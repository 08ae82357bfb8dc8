"""The report's draft: everything that comes from okstra's own records (docs/formats.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .. import __version__
from ..errors import OkstraError
from ..quoting import okstra_command
from ..report.parts import SCHEMA, Schema, blank, phase_schema
from ..results.convergence import Outcome
from ..results.documents import finding_json
from ..results.records import Gate
from ..status import WorkerOutcome
from ..system import files
from ..tasks.brief import request_in
from ..tasks.records import title_of
from .analysis import Collected
from .assignments import Answer
from .context import RunContext


class Material(NamedTuple):
    """What a phase contributes to its report. `tokens` are the verdicts that it may reach, best first."""

    answers: tuple[Answer, ...]
    verdicts: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    gates: Mapping[str, tuple[Gate, str]]
    tokens: tuple[str, ...]
    commit: str
    phase: Mapping[str, Any] = {}
    commits: tuple[Mapping[str, str], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    checked: tuple[Mapping[str, str], ...] = ()
    risks: tuple[str, ...] = ()
    proofs: tuple[Mapping[str, Any], ...] = ()


def material(
    context: RunContext, collected: Collected, outcomes: Sequence[Outcome], gates: Mapping[str, tuple[Gate, str]]
) -> Material:
    """The material of an analysis phase; other phases replace some of its fields."""
    verdicts = {worker: result.verdict for worker, result in collected.results.items() if result.verdict}
    return Material(collected.answers, verdicts, tuple(outcomes), gates, context.phase.verdict_tokens, context.commit)


def draft(context: RunContext, material: Material, schema: Schema) -> dict[str, Any]:
    """The report without its writer's text. Its token is the worst one until a better one is earned."""
    manifest = context.run.manifest
    return {
        "schema": SCHEMA,
        "run_id": str(context.id),
        "task_key": str(context.id.task),
        **_subject(context),
        "task_type": context.id.task_type,
        "seq": context.id.seq,
        "stage": context.id.stage,
        "commit": material.commit,
        "language": context.values.get("REPORT_LANGUAGE", "en"),
        "rehearsal": manifest.get("rehearsal") is True,
        "okstra_version": __version__,
        "lead": {"mode": "auto", "model": ""},  # whoever prepared it, okstra leads it now, without a model
        "author": {"worker": "", "provider": "", "model": None, "reason": ""},
        "verdict": {
            "conclusion": "",
            "token": material.tokens[-1],
            "direction": "",
            "approval_needed": context.id.task_type == "implementation-planning",
            "next_step": okstra_command("show", context.id),
        },
        "execution": _execution(context, material),
        "gates": {name: {"gate": str(gate), "note": note} for name, (gate, note) in material.gates.items()},
        "usage": None,
        "isolation": {"breaches": [], "notes": [], "receipt": context.files.isolation},
        "clarifications": [],
        "findings": [finding_json(outcome) for outcome in material.outcomes],
        **({"proofs": [dict(row) for row in material.proofs]} if material.proofs else {}),
        "risks": list(material.risks),
        "follow_ups": [],
        "checked": [dict(row) for row in material.checked],
        "commits": [dict(row) for row in material.commits],
        "steps": [dict(row) for row in material.steps],
        "phase": {**blank(phase_schema(schema, context.id.task_type)), **material.phase},
    }


def _subject(context: RunContext) -> dict[str, str]:
    """The task's title, and what was asked for; what can't be read is left out."""
    task = context.run.project.task(context.id.task)
    try:
        text = (files.read_bytes(os.path.join(task.instruction_set, "brief.md")) or b"").decode("utf-8", "replace")
    except OkstraError:
        text = ""
    found = {"title": title_of(task), "request": request_in(text)}
    return {name: value for name, value in found.items() if value}


def guide(schema: Schema, task_type: str) -> dict[str, str]:
    """For the writer: what belongs in each field of the phase's section."""
    shapes = phase_schema(schema, task_type)["properties"]
    return {name: _field_hint(shape) for name, shape in shapes.items()}


def _field_hint(shape: Schema) -> str:
    items = shape.get("items", {}).get("properties")
    form = f"list of {{{', '.join(items)}}}: " if items else ("list: " if shape["type"] == "array" else "")
    return f"{form}{shape['description']}" + ("; must not be empty" if shape.get("needed") else "")


def _execution(context: RunContext, material: Material) -> list[dict[str, Any]]:
    rows = []
    newest = {answer.worker.id: answer for answer in material.answers}
    for worker in context.roster:
        answer = newest.get(worker.id)
        rows.append(
            {
                "worker": worker.id,
                "role": worker.role,
                "provider": worker.provider,
                "model": worker.model,
                "model_observed": None,
                "outcome": str(answer.outcome if answer else WorkerOutcome.NOT_RUN),
                "state": str(answer.state) if answer else None,
                "verdict": material.verdicts.get(worker.id, ""),
                "findings": sum(
                    claim.worker == worker.id for outcome in material.outcomes for claim in outcome.group.claims
                ),
                "note": "",
                **({"again_at": answer.again_at} if answer and answer.again_at else {}),
            }
        )
    return rows
