"""Finds what the central index lacks of the runs on disk and in their projects' copies: runs and ends that a kill left
out, or everything when the index was lost. Also what a project's own copy of the index lacks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial
from typing import NamedTuple

from ..claims.registry_document import RegistryDoc, StageClaim
from ..errors import OkstraError
from ..index import run_index
from ..index.database import ENDED, Row
from ..index.run_index import IndexRow, rows_of_copy
from ..names import IMPLEMENTATION, RunId, TaskKey, number_in
from ..paths import ProjectFiles, TaskFiles
from ..runs.manifest import SCHEMA
from ..services import Services
from ..status import ClaimStatus, LedgerStatus
from ..system import files
from ..system.jsonl import read_rows
from ..tasks.records import read_task_identity
from .orphans import ALREADY_DONE, Finding, Kind

_MANIFEST = re.compile(r"run-manifest-(?P<type>[a-z][a-z-]*)-(?P<seq>[0-9]{3,9})\.json\Z")
_NAMED = 3  # of the runs in a finding
_WAY_ON = "okstra reconcile --apply"
_ENDS = (str(LedgerStatus.DONE), str(LedgerStatus.RELEASED))


def tasks_of(root: str) -> Iterator[tuple[TaskKey, TaskFiles]]:
    """Every task that the project has a folder of."""
    folder = ProjectFiles(root).tasks_dir
    for group in files.names_in(folder):
        for name in files.names_in(os.path.join(folder, group)):
            place = os.path.join(folder, group, name)
            try:
                key = read_task_identity(place)
            except OkstraError:
                continue
            if key is not None:
                yield key, TaskFiles(place)


def stage_numbers(task: TaskFiles) -> list[int]:
    """The stages that have a run folder."""
    names = (name for name in files.names_in(task.run_dir(IMPLEMENTATION)) if name.startswith("stage-"))
    numbers = [number_in(name.removeprefix("stage-")) for name in names]
    return sorted(number for number in numbers if number is not None)


def runs_of(key: TaskKey, task: TaskFiles) -> Iterator[tuple[RunId, str]]:
    """Every run that has a manifest, with the manifest's path. No manifest is read for it."""
    for task_type in files.names_in(os.path.join(task.root, "runs")):
        for stage in [None, *(stage_numbers(task) if task_type == IMPLEMENTATION else [])]:
            folder = os.path.join(task.run_dir(task_type, stage), "manifests")
            for name in files.names_in(folder):
                found = _MANIFEST.fullmatch(name)
                if found and found["type"] == task_type:
                    yield RunId(key, task_type, stage, int(found["seq"])), os.path.join(folder, name)


class _Run(NamedTuple):
    id: RunId
    root: str
    manifest: str
    task: TaskFiles


def not_indexed(doc: RegistryDoc, roots: Iterable[str], services: Services) -> Iterator[Finding]:
    """Runs that hold a stage, one by one; the others of each project together."""
    indexed = {row["run_id"]: row for row in run_index.rows_to_reconcile(services.home)}
    claims = {claim.run_id: claim for _, claim in doc.stages() if claim.status is not ClaimStatus.PROVISIONING}
    for run_id in sorted(claims.keys() - indexed.keys()):
        act = partial(_add_claimed_run, claims[run_id], indexed, services)
        yield Finding(Kind.NOT_INDEXED, run_id, "the index of runs lacks it", _WAY_ON, act)
    for root in roots:
        runs = list(_runs(root))
        lacking = _lacking(runs, indexed.keys() | claims.keys())
        if lacking:
            what = f"the index of runs lacks {_counted(lacking)}"
            yield Finding(Kind.NOT_INDEXED, root, what, _WAY_ON, partial(_add_runs, lacking, indexed, services))
        opened = [run for run in runs if str(run.id) in indexed and indexed[str(run.id)].get("event") not in ENDED]
        unended = [run for run in opened if row_of(run, _ledger_ends(run.task)).event in ENDED]
        if unended:
            what = f"the index of runs lacks the end of {_counted(unended)}"
            yield Finding(Kind.NOT_INDEXED, root, what, _WAY_ON, partial(_add_runs, unended, indexed, services))
        yield from _of_copy(root, runs, indexed.keys() | claims.keys(), [*lacking, *unended], services)


def _of_copy(root: str, runs: list[_Run], known: Set[str], added: list[_Run], services: Services) -> Iterator[Finding]:
    """What the project's copy knows beyond the index, and what it lacks; of the `added` runs it will hear anyway."""
    mirrored = {row["run_id"]: row for row in rows_of_copy(root)}
    gone = [row for run_id, row in mirrored.items() if run_id not in known | {str(run.id) for run in runs}]
    if gone:
        what = f"the index of runs lacks {len(gone)} run(s) that the project remembers and whose folders are gone"
        yield Finding(Kind.NOT_INDEXED, root, what, _WAY_ON, partial(_add_remembered, gone, services))
    open_there = [run for run in runs if mirrored.get(str(run.id), {}).get("event") not in ENDED]
    not_added = [run for run in open_there if run not in added]
    not_copied = [
        run
        for run, row in zip(not_added, _rows_of(not_added), strict=True)
        if row.at and (row.run_id not in mirrored or row.event in ENDED)
    ]
    if not_copied:
        what = f"the project's own copy of the index lacks {_counted(not_copied)}"
        yield Finding(Kind.NOT_INDEXED, root, what, _WAY_ON, partial(_add_to_copy, root, not_copied, mirrored))


def add_missing(root: str, services: Services) -> int:
    """Adds a project's runs that the index lacks; returns how many. Raises Unreadable, WorkFailed, Busy."""
    indexed = {row["run_id"]: row for row in run_index.newest_rows(services.home, run_index.EVERYTHING)}
    runs = list(_runs(root))
    added = _append(_lacking(runs, indexed.keys()), indexed, services)
    here = {str(run.id) for run in runs}
    gone = [row for row in rows_of_copy(root) if row["run_id"] not in indexed.keys() | here]
    return added + (run_index.add_missing_rows(services.home, gone) if gone else 0)


def _lacking(runs: Iterable[_Run], known: Set[str]) -> list[_Run]:
    """Runs that are not known, but those whose manifest tells nothing."""
    return [run for run in runs if str(run.id) not in known and row_of(run, {}).at]


def row_of(run: _Run, ledger_ends: Mapping[str, tuple[str, str]]) -> IndexRow:
    """The one row that tells what the run's manifest and its task's ledger know of it."""
    manifest = _read(run.manifest)
    prepared, started, ended, outcome = (
        str(manifest.get(name) or "") for name in ("prepared_at", "started_at", "ended_at", "outcome")
    )
    ends = [(ended, outcome)] if ended and outcome in ENDED else []
    ends += [ledger_ends[str(run.id)]] if str(run.id) in ledger_ends else []
    row = partial(IndexRow, str(run.id), task_type=run.id.task_type, stage=run.id.stage, project_root=run.root)
    if ends:
        at, event = max(ends)
        return row(event=event, at=at, manifest=run.manifest, prepared_at=prepared, started_at=started)
    if started:
        lead = manifest.get("lead")
        owner = lead.get("owner") if isinstance(lead, dict) else None
        owner = owner if isinstance(owner, dict) else None
        return row(event="started", at=started, manifest=run.manifest, owner=owner, prepared_at=prepared)
    return row(event="prepared", at=prepared, manifest=run.manifest)


def _rows_of(runs: Iterable[_Run]) -> list[IndexRow]:
    """The row of each; a task's ledger is read once."""
    ends: dict[str, Mapping[str, tuple[str, str]]] = {}
    rows = []
    for run in runs:
        if run.task.root not in ends:
            ends[run.task.root] = _ledger_ends(run.task)
        rows.append(row_of(run, ends[run.task.root]))
    return rows


def _append(runs: Iterable[_Run], seen: Mapping[str, Row], services: Services) -> int:
    rows = sorted(_rows_of(runs), key=lambda row: row.at)
    return run_index.append_if_unchanged(services.home, rows, seen) if rows else 0


def _add_runs(runs: Iterable[_Run], seen: Mapping[str, Row], services: Services) -> str:
    added = _append(runs, seen, services)
    return f"added {added} run(s)" if added else ALREADY_DONE


def _add_remembered(rows: list[Row], services: Services) -> str:
    added = run_index.add_missing_rows(services.home, rows)
    return f"added {added} run(s)" if added else ALREADY_DONE


def _add_to_copy(root: str, runs: list[_Run], seen: Mapping[str, Row]) -> str:
    """Raises WorkFailed (`write-failed`)."""
    added = run_index.add_to_mirror(root, _rows_of(runs), seen)
    return f"gave it {added} run(s)" if added else ALREADY_DONE


def _add_claimed_run(claim: StageClaim, seen: Mapping[str, Row], services: Services) -> str:
    """Its manifest may be gone as well: the claim tells enough."""
    run = RunId.parse(claim.run_id)
    task = ProjectFiles(claim.project_root).task(run.task)
    found = _Run(run, claim.project_root, task.run_of(run).manifest, task)
    row = row_of(found, _ledger_ends(task))
    row = row if row.at else row._replace(at=claim.reserved_at)
    return "added to the index" if run_index.append_if_unchanged(services.home, [row], seen) else ALREADY_DONE


def _runs(root: str) -> Iterator[_Run]:
    for key, task in tasks_of(root):
        for run, manifest in runs_of(key, task):
            if os.path.isfile(manifest):
                yield _Run(run, root, manifest, task)


def _ledger_ends(task: TaskFiles) -> dict[str, tuple[str, str]]:
    """When and how stage runs ended, by run."""
    try:
        rows = read_rows(task.consumers).rows
    except OkstraError:
        return {}
    ends = ((str(row.get("run_id")), str(row.get("at")), str(row.get("status"))) for row in rows)
    return {run_id: (at, status) for run_id, at, status in ends if status in _ENDS}


def _read(manifest: str) -> Mapping[str, object]:
    try:
        return files.read_json(manifest, SCHEMA) or {}
    except OkstraError:
        return {}


def _counted(runs: list[_Run]) -> str:
    names = ", ".join(str(run.id) for run in runs[:_NAMED])
    return f"{len(runs)} run(s) of the project: {names}{', …' if len(runs) > _NAMED else ''}"
