"""`okstra gc`: removes worktrees that are proven safe, oldest first; their unsaved work is kept by a ref.

Also removes what ended runs left beside their records.

The home's note of how an isolation receipt began is for a run that goes on; a completed one never does. A worker's own
folder is okstra's to remove once its dispatch has ended and nobody leads the run: what okstra took over is among the
results, and a resume asks anew for the rest. A folder that no dispatch was given is not okstra's, and stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from shutil import rmtree
from typing import Any, NamedTuple

from .. import git
from ..agents import sweep
from ..claims.registry_document import StageClaim, TaskClaim
from ..errors import OkstraError
from ..guard.receipt import home_file
from ..index import run_index
from ..leadership import owner_in_manifest
from ..names import RunId, StageKey, TaskKey, format_seq, parse_place_key
from ..paths import OKSTRA_DIR, RunFiles
from ..quarantine.recover import take_abandoned
from ..runs.events import digest_of, events_of
from ..runs.manifest import SCHEMA
from ..services import Services
from ..status import ClaimStatus, Liveness, RunOutcome
from ..system import foreign_files, trash
from ..system.disk_use import DiskUse
from ..system.files import discard, names_in, read_json
from ..system.locks import LockKind, locked
from ..system.process_identity import liveness
from ..worktrees import half_made
from ..worktrees.remove import remove_proofs, remove_worktree
from ..worktrees.unsaved import SavePolicy
from ..worktrees.users import Blocker, removal_blocker
from .policy import GcDecision, WorktreeFacts, judge, to_remove


class RemovedWorktree(NamedTuple):
    """One removal: `kept` is the ref that has what was uncommitted, `ignored` the ignored files that were removed."""

    key: str
    path: str
    size: int
    kept: str
    ignored: tuple[str, ...]
    failed: str


class GcResult(NamedTuple):
    """`leftovers` are files and folders of runs that no run can need any more."""

    decisions: tuple[GcDecision, ...]
    removed: tuple[RemovedWorktree, ...]
    leftovers: tuple[str, ...]


def collect(services: Services, *, limit: int | None, dry_run: bool, skip_teardown: bool = False) -> GcResult:
    """Judges every worktree; removes what `to_remove` names. One that can't be removed stops no other.

    Creations and removals by killed commands are undone or finished first.
    """
    if not dry_run:
        _finish_killed(services)
    decisions = tuple(judge(facts) for facts in _all_facts(services))
    chosen = to_remove(decisions, limit)
    if dry_run:
        return GcResult(
            decisions,
            tuple(RemovedWorktree(one.facts.key, one.facts.path, one.facts.size, "", (), "") for one in chosen),
            leftovers(services, dry_run=True),
        )
    removed = tuple(_remove(one, services, SavePolicy(True, skip_teardown)) for one in chosen)
    trash.sweep(services.home)
    return GcResult(decisions, removed, leftovers(services, dry_run=False))


def _finish_killed(services: Services) -> None:
    take_abandoned(services.home)
    doc = services.registry.read()
    claims: list[tuple[TaskKey | StageKey, TaskClaim | StageClaim]] = [*doc.stages(), *doc.tasks()]
    for key, claim in claims:
        with suppress(OkstraError):  # its verdict says so
            half_made.undo(key, claim, services)
            if isinstance(key, TaskKey) and claim.status is ClaimStatus.DONE:  # what was proven after its removal
                remove_proofs(key, claim.project_root, services)


def _remove(one: GcDecision, services: Services, policy: SavePolicy) -> RemovedWorktree:
    facts = one.facts
    try:
        gone = remove_worktree(parse_place_key(facts.key), services, policy=policy)
    except OkstraError as error:
        return RemovedWorktree(facts.key, facts.path, facts.size, "", (), error.message)
    return RemovedWorktree(facts.key, facts.path, facts.size, gone.kept, gone.ignored, "")


def _all_facts(services: Services) -> list[WorktreeFacts]:
    doc = services.registry.read()
    tasks = dict(doc.tasks())
    stages = dict(doc.stages())
    measured = [*(path for _, path in doc.claims()), *map(services.home.proofs, tasks)]
    measuring = DiskUse([path for path in measured if os.path.isdir(path)])  # runs while git is queried
    facts = [
        facts_of(str(key), claim, removal_blocker(key, claim, doc, services), "")
        for key, claim in tasks.items()
        if claim.status is not ClaimStatus.DONE
    ]
    for key, claim in stages.items():
        task = tasks.get(key.task)
        facts.append(facts_of(str(key), claim, removal_blocker(key, claim, doc, services), task.branch if task else ""))
    sizes = measuring.finish()
    for task_key, task_claim in tasks.items():  # removed with the task's worktree
        sizes[task_claim.path] = sizes.get(task_claim.path, 0) + sizes.get(services.home.proofs(task_key), 0)
    return [one._replace(size=sizes.get(one.path, 0)) for one in facts]


def facts_of(key: str, claim: TaskClaim | StageClaim, blocker: Blocker | None, task_branch: str) -> WorktreeFacts:
    in_use = f"{blocker.reason}: {blocker.next_step}" if blocker else ""
    exists = os.path.isdir(claim.path)
    try:
        on_branch = exists and git.head_branch(claim.path) == claim.branch
        merged_into = _merged_into(claim, task_branch) if on_branch and not in_use else ""
    except OkstraError:
        on_branch, merged_into = False, ""
    used_at = _used_at(claim.path)
    return WorktreeFacts(key, claim.path, used_at > 0, in_use, claim.branch, on_branch, merged_into, used_at, size=0)


def _used_at(path: str) -> float:
    """When something in the folder's first level last changed; 0 for a folder that is gone, or goes meanwhile."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _merged_into(claim: TaskClaim | StageClaim, task_branch: str) -> str:
    """The first of the task branch, the main worktree's branch and its remote-tracking ones that has the HEAD."""
    head = git.resolve(claim.path, "HEAD")
    if head is None:
        return ""
    candidates = [f"refs/heads/{task_branch}"] if task_branch else []
    main = git.head_branch(claim.project_root)
    candidates += [f"refs/heads/{main}"] if main and main != claim.branch else []
    for ref in [*candidates, *git.remote_refs(claim.project_root)]:
        if git.resolve(claim.path, ref) and git.is_ancestor(claim.path, head, ref):
            return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    return ""


def leftovers(services: Services, *, dry_run: bool) -> tuple[str, ...]:
    """The paths that were removed, or would be. What can't be read or removed stays. Raises Unreadable for the
    index."""
    manifests = _manifests(services)
    known = {home_file(one, services): one for one in manifests}
    notes = tuple(path for path in _notes(services) if _drop_note(path, known.get(path, ""), services, dry_run=dry_run))
    return (*notes, *(path for one in _with_drops(manifests) for path in _sweep_drops(one, dry_run=dry_run)))


def _manifests(services: Services) -> dict[str, RunId]:
    """Of every run that the index knows, its manifest's path."""
    found = {}
    for row in run_index.newest_rows(services.home, run_index.EVERYTHING):
        try:
            run = RunId.parse(row["run_id"])
        except OkstraError:
            continue
        if row.get("manifest"):
            found[str(row["manifest"])] = run
    return found


def _notes(services: Services) -> Iterator[str]:
    folder = os.path.dirname(services.home.receipt(""))
    yield from (os.path.join(folder, name) for name in names_in(folder) if name.startswith("receipt-"))


def _drop_note(path: str, manifest: str, services: Services, *, dry_run: bool) -> bool:
    """A note whose manifest neither it nor the index names stays: its run may go on."""
    try:
        manifest = manifest or str((read_json(path) or {}).get("manifest") or "")
        if not manifest or home_file(manifest, services) != path or not _is_over(manifest):
            return False
        if not dry_run:
            discard(path)
    except OkstraError:
        return False
    return True


def _is_over(manifest: str) -> bool:
    """Whether nobody can go on with the run: it is completed, or its records were removed from a project that is there.

    Neither can change later, so no lock is needed. A project's folder that is missing may be on a disk that is not
    mounted.
    """
    project, _, _ = manifest.rpartition(f"/{OKSTRA_DIR}/tasks/")
    document = read_json(manifest)
    if document is None:
        return bool(project) and os.path.isdir(os.path.join(project, OKSTRA_DIR, "tasks"))
    return document.get("outcome") == RunOutcome.COMPLETED


def _with_drops(manifests: Mapping[str, RunId]) -> Iterator[RunFiles]:
    for path, run in manifests.items():
        files = RunFiles(os.path.dirname(os.path.dirname(path)), run.task_type, format_seq(run.seq))
        if files.manifest == path and os.path.isdir(files.drops) and not os.path.islink(files.drops):
            yield files


def _sweep_drops(files: RunFiles, *, dry_run: bool) -> list[str]:
    """Under the manifest's lock, so that nobody takes the lead meanwhile."""
    removed = []
    try:
        with locked(LockKind.INDEX, f"{files.manifest}.lock"):
            manifest = read_json(files.manifest, SCHEMA)
            if manifest is None or _may_be_led(files, manifest):
                return []
            over = _ended_marks(events_of(files), completed=manifest.get("outcome") == RunOutcome.COMPLETED)
            for name in names_in(files.drops):
                folder = os.path.join(files.drops, name)
                if digest_of(os.fsencode(name)) in over and (dry_run or _removed(folder, files)):
                    removed.append(folder)
            if not dry_run and not names_in(files.drops):
                os.rmdir(files.drops)
    except (OkstraError, OSError):
        pass
    return removed


def _may_be_led(files: RunFiles, manifest: Mapping[str, object]) -> bool:
    """Raises Unreadable."""
    owner = owner_in_manifest(manifest, where=files.manifest)
    return owner is not None and liveness(owner) is not Liveness.GONE


def _ended_marks(events: Sequence[Mapping[str, Any]], *, completed: bool) -> set[str]:
    """The marks of folders that nobody needs. A dispatch whose end was not recorded is read by a resume, if the run can
    be resumed."""
    by_dispatch: dict[tuple[object, object], list[Mapping[str, Any]]] = {}
    for row in events:
        if row.get("event") in ("dispatched", "ended"):
            by_dispatch.setdefault((row.get("worker"), row.get("label")), []).append(row)
    found = set()
    for rows in by_dispatch.values():
        started = [row for row in rows if row["event"] == "dispatched"]
        over = rows[-1]["event"] == "ended" or completed
        if over and not any(sweep.find(str(row["token"])) for row in started if row.get("token")):
            found |= {str(row["drop"]) for row in started if row.get("drop")}
    return found


def _removed(folder: str, files: RunFiles) -> bool:
    """Moves results of a dispatch's earlier starts beside the last one first."""
    for name in names_in(folder):
        final, attempt, _ = name.partition(".attempt-")
        if attempt:
            os.rename(
                os.path.join(folder, name), foreign_files.free_name(os.path.join(files.folder("worker-results"), final))
            )
    rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)
