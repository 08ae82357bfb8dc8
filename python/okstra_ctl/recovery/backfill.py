"""`okstra reconcile --done-rows`: writes `done` rows that a crash left out, from the evidence on disk.

The evidence: the run's exit-check record has status 0 at the commit of the stage's branch, and every other requirement
of `stage done` is still met. Both `stage-<N>` folders and flat ones are searched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import row_id
from ..errors import OkstraError
from ..names import IMPLEMENTATION, RunId, TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..plan.approvals import in_force
from ..proof.rules import Outcome
from ..runs.find import KnownRun, stage_of
from ..runs.manifest import SCHEMA
from ..services import Services
from ..settings.project import Project
from ..stages.done import Seen, check_commits, claimed_folder, record_done
from ..stages.exit_check import EXIT_CHECK_SCHEMA, proof_of, reasons_of
from ..stages.records import require_gates_passed
from ..status import LedgerStatus
from ..system.files import names_in, read_json
from .unindexed import stage_numbers, tasks_of


class Backfilled(NamedTuple):
    """One run that has an exit-check record: `added`, or `left` with the reason."""

    run_id: str
    stage: int
    commit: str
    added: bool
    reason: str


def backfill(project: Project, services: Services, *, dry_run: bool) -> list[Backfilled]:
    """Examines every implementation run that has an exit-check record and still holds its stage."""
    return [
        _look_at(run, check, services, dry_run=dry_run)
        for key, task in tasks_of(project.root)
        for run, check in _checked_runs(project.files, key, task)
        if not _is_recorded(run)
    ]


def _look_at(run: KnownRun, check: dict[str, object], services: Services, *, dry_run: bool) -> Backfilled:
    stage, commit = run.id.stage or 0, str(check.get("commit", ""))
    left = partial(Backfilled, str(run.id), stage, commit, False)
    if check.get("exit") != 0:
        return left(f"its exit check ended with {check.get('exit')}")
    options, proof = reasons_of(check), proof_of(check)
    if proof == Outcome.UNPROVEN and not options.unproven:
        return left("its exit check passes without its code")
    try:
        require_gates_passed(run)
        worktree = claimed_folder(run, services)
        approved = in_force(run.plan_path, services, remember=not dry_run).stage_map
        planned = stage_of(approved, run)
        if check.get("command") != planned.exit_check:
            return left("its exit check was another than the approved plan's: call `okstra stage done`")
        head, _, _ = check_commits(worktree, run.base_commit, planned, options)
        if head != commit:
            return left("commits came after its exit check: call `okstra stage done`")
        if not dry_run:
            record_done(run, head, options, services, Seen(approved.digest, planned.exit_check, proof))
    except OkstraError as error:
        return left(error.message)
    return Backfilled(
        str(run.id), stage, commit, True, "its exit check was green at the commit where its branch stands"
    )


def _checked_runs(project: ProjectFiles, key: TaskKey, task: TaskFiles) -> Iterator[tuple[KnownRun, dict[str, object]]]:
    """Runs with an exit-check record, from `stage-<N>` folders and flat ones."""
    for stage in [*stage_numbers(task), None]:
        folder = os.path.join(task.run_dir(IMPLEMENTATION, stage), "manifests")
        for name in names_in(folder):
            try:
                manifest = read_json(os.path.join(folder, name), SCHEMA) if name.endswith(".json") else None
                if manifest is None:
                    continue
                run = RunId.parse(str(manifest.get("run_id")))
                files = task.run(IMPLEMENTATION, run.seq, stage)
                check = read_json(files.exit_check, EXIT_CHECK_SCHEMA)
            except OkstraError:
                continue
            if check is not None and run.task == key:
                yield KnownRun(run, project, files, manifest), check


def _is_recorded(run: KnownRun) -> bool:
    """Whether the ledger has a row that ended this run."""
    ledger, key = ledger_path(run.plan_path), str(run.id.task)
    view = ledger_file.read(ledger, task_key=key, plan_digest="")
    ended = (LedgerStatus.DONE, LedgerStatus.RELEASED)
    return any(row_id(str(run.id), run.epoch, status) in view.ids for status in ended)
