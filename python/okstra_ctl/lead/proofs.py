"""The commands of a task's open findings, run once more without the work and with it, before the task is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..checks.evidence import recorded_runs
from ..errors import OkstraError
from ..names import IMPLEMENTATION, REVIEW, VERIFICATION
from ..proof.checkout import BASE
from ..report.store import find_reports
from ..results.commands import Seen
from ..results.proofs import Proof, commands_before, open_findings, proof_of
from ..results.records import Mark
from ..runs.evidence_record import recorded_commands
from ..system import files
from .analysis import run_commands
from .context import RunContext

_ON_THE_WORK = (IMPLEMENTATION, VERIFICATION, REVIEW)
"""What they find is in the work itself: the task's base does not have it."""


def prove_open_findings(context: RunContext, head: str) -> tuple[Proof, ...]:
    """Raises as `proof.cited_commands.see_commands`."""
    base = context.run.base_commit
    findings = open_findings(
        _earlier_reports(context), lambda report: report["commit"] if report["task_type"] in _ON_THE_WORK else base
    )
    if not findings or not head:
        return ()
    for commit, cited in commands_before(findings).items():
        run_commands(context, cited, commit, checkout=BASE)
    run_commands(context, {command: () for finding in findings for command, _ in finding.commands}, head)
    # One run on each side may be chance: what comes and goes by itself does not turn twice.
    turned = [finding for finding in findings if proof_of(finding, head, _seen(context, head)).mark is Mark.PROVEN]
    for commit, cited in commands_before(turned).items():
        run_commands(context, cited, commit, checkout=BASE, twice=True)
    run_commands(context, {command: () for finding in turned for command, _ in finding.commands}, head, twice=True)
    seen = _seen(context, head)
    return tuple(proof_of(finding, head, seen) for finding in findings)


def _seen(context: RunContext, head: str) -> dict[tuple[str, str], Seen]:
    seen = {(one.command, one.commit): one for one in recorded_commands(context.files)}
    return seen | {(command, head): one for command, one in recorded_runs(context.run, head).items()}


def _earlier_reports(context: RunContext) -> Iterator[dict[str, Any]]:
    """Those of the task, newest first. One that can't be read has nothing to prove: `okstra check run` names it."""
    for found in find_reports(context.run.project, task_key=str(context.id.task)):
        if found.run_id == str(context.id):
            continue
        try:
            report = files.read_json(f"{found.path.removesuffix('.md')}.data.json")
        except OkstraError:
            continue
        if report is not None:
            yield report
