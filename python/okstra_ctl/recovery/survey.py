"""Checks every claim of the registry, task by task, and changes nothing. `apply` repairs what was found, one by one: a
failed repair does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from .. import git
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import DONE_ROWS, LedgerRow, LedgerView, fold
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..errors import OkstraError, WorkFailed
from ..git import kept, worktree_admin
from ..index import run_index
from ..names import StageKey, TaskKey
from ..paths import ProjectFiles
from ..quarantine import recover
from ..quarantine.record import Quarantine
from ..quarantine.refused import LeftBehind, left_behind
from ..quoting import okstra_command
from ..services import Services
from ..sharing.joining import is_shared
from ..status import ClaimStatus, Liveness
from ..system import files, trash
from ..system.disk_use import show_size
from ..system.locks import LockKind, discard_stale_note, discard_stale_notes, locked
from ..system.process_identity import liveness
from ..tasks import catalog as task_catalog
from ..worktrees import create, half_made, teardown
from ..worktrees.half_made import finish_killed, killed_move
from .orphans import ALREADY_DONE, Finding, Kind, Outcome, orphans_of, rewritten_commits
from .unindexed import not_indexed


def survey(services: Services, start_root: str | None = None) -> list[Finding]:
    """Everything that is wrong, in all projects of this home; of the one at `start_root` also the runs that only
    its folders tell. Raises Unreadable for the registry itself."""
    doc = services.registry.read()
    repositories = {root: repository_of(root) for root in known_roots(doc, services)}
    found = [_project_gone(root) for root, repository in repositories.items() if repository is None]
    for task, claim in doc.tasks():
        repository = repositories[claim.project_root]
        if repository is not None:
            found += _findings_of(task, doc, services, partial(_of_task, task, claim, doc, repository, services))
    for root, repository in repositories.items():
        if repository is not None:
            found += orphans_of(repository, root, services)
    with_runs = sorted({*repositories, *([start_root] if start_root else [])})
    found += [behind for root in with_runs if (behind := _catalog_behind(root)) is not None]
    return [*found, *quarantines_left(services), *_damaged_index(services), *not_indexed(doc, with_runs, services)]


def _findings_of(
    key: TaskKey, doc: RegistryDoc, services: Services, look: Callable[[], Iterator[Finding]]
) -> list[Finding]:
    """The findings of a task; none when git failed because a command was changing the task meanwhile. Raises
    WorkFailed."""
    try:
        return list(look())
    except WorkFailed:
        now = services.registry.read()
        if (now.task(key), now.stages_of(key)) == (doc.task(key), doc.stages_of(key)):
            raise
        return []


def known_roots(doc: RegistryDoc, services: Services) -> list[str]:
    """The projects that the registry or the index of runs names: a lost registry must not hide its worktrees."""
    held = {root for root, _ in doc.claims()}
    seen = {str(row.get("project_root", "")) for row in run_index.rows_to_reconcile(services.home)}
    return sorted(held | {root for root in seen if os.path.isdir(root)})


def repository_of(root: str) -> git.Repository | None:
    try:
        return git.discover(root) if os.path.isdir(root) else None
    except OkstraError:
        return None


def _project_gone(root: str) -> Finding:
    """Gone, or there and not opened by git: then git's own words, for nothing is to be restored or removed."""
    try:
        if os.path.isdir(root):
            git.discover(root)
    except OkstraError as error:
        return Finding(Kind.PROJECT_GONE, root, error.message, error.hint or "mend what git says")
    what = "the project's folder or its repository is gone"
    ways = "if it was moved: okstra init --moved, in its new folder; else restore it, or remove its worktrees by hand"
    return Finding(Kind.PROJECT_GONE, root, what, ways)


def _catalog_behind(root: str) -> Finding | None:
    project = ProjectFiles(root)
    what = task_catalog.catalog_fault(project) if os.path.isdir(project.tasks_dir) else ""

    def make_anew() -> str:
        aside = task_catalog.rebuild(project)
        return "made anew from the tasks' manifests" + (f"; the old one is {aside}" if aside else "")

    return Finding(Kind.CATALOG, root, what, "okstra reconcile --apply", make_anew) if what else None


def _damaged_index(services: Services) -> Iterator[Finding]:
    what = run_index.damage(services.home)

    def put_aside() -> str:
        aside = run_index.set_damaged_aside(services.home)
        return f"moved to {aside}; its rows come back from the runs on disk" if aside else ALREADY_DONE

    if what:
        yield Finding(Kind.INDEX, services.home.run_index, what, "okstra reconcile --apply", put_aside)


def _of_task(
    key: TaskKey, claim: TaskClaim, doc: RegistryDoc, repository: git.Repository, services: Services
) -> Iterator[Finding]:
    if half_made.is_abandoned(claim):
        yield _abandoned(str(key), key, repository, services)
    elif killed_move(claim) is not None:
        yield _merge_unfinished(key, claim, repository)
    recorded: set[int] = set()
    for stage, held in sorted(doc.stages_of(key).items()):
        of_stage = list(_of_stage(StageKey(key, stage), held, repository, services))
        if services.registry.read().stage(StageKey(key, stage)) == held:  # else a command is changing it now
            yield from of_stage
        recorded |= {stage for found in of_stage if found.kind is Kind.DONE_MARK}
    yield from rewritten_commits(key, claim, repository, services)
    if is_shared(claim.project_root, services):
        from .shared_claims import left_at_remote

        yield from left_at_remote(key, claim.project_root, doc, recorded, services)
    yield from _ledger_lines(key, claim)


def _ledger_lines(key: TaskKey, claim: TaskClaim) -> Iterator[Finding]:
    """Lines that are no rows: skipped by every command, reported here."""
    path = ProjectFiles(claim.project_root).task(key).consumers
    lines = fold(ledger_file.read_lines(path), task_key=str(key), plan_digest="").unreadable
    if lines:
        what = f"{len(lines)} line(s) of the ledger are no rows: {', '.join(map(str, lines[:10]))}"
        yield Finding(
            Kind.LEDGER_LINES,
            path,
            what,
            "look at them; `okstra reconcile --done-rows` writes done rows that are missing",
        )


def _of_stage(key: StageKey, claim: StageClaim, repository: git.Repository, services: Services) -> Iterator[Finding]:
    if claim.status is ClaimStatus.PROVISIONING:
        if half_made.is_abandoned(claim):
            yield _abandoned(str(key), key.task, repository, services)
        return
    view = ledger_file.read(ledger_path(claim.plan), task_key=str(key.task), plan_digest=claim.plan_digest)
    done = _done_row(key, claim, view)
    if claim.status is ClaimStatus.ACTIVE and done is not None:
        yield Finding(
            Kind.DONE_MARK,
            str(key),
            "the ledger says done, the registry does not yet",
            "okstra reconcile --apply",
            lambda: _mark_done(key, claim, services),
        )
    elif claim.status is ClaimStatus.ACTIVE:
        yield from _of_active(key, claim, view, services)
    if not os.path.isdir(claim.path):
        yield _folder_gone(key, claim, repository, services)


def _of_active(key: StageKey, claim: StageClaim, view: LedgerView, services: Services) -> Iterator[Finding]:
    row = half_made.started_row_of(key, claim)
    if row.id not in view.ids:
        yield Finding(
            Kind.STARTED_ROW,
            str(key),
            "the ledger lacks the row that the stage was started",
            "okstra reconcile --apply",
            lambda: _write_started_row(key, claim, row, services),
        )
    if liveness(claim.owner) is Liveness.GONE and os.path.isdir(claim.path):
        what = f"the process that drove {claim.run_id} is gone; its work is kept"
        yield Finding(Kind.INTERRUPTED, str(key), what, _ways_on(claim, can_go_on=True))


def _done_row(key: StageKey, claim: StageClaim, view: LedgerView) -> LedgerRow | None:
    row = view.newest.get(key.stage)
    return row if row is not None and row.status in DONE_ROWS and row.epoch >= claim.epoch else None


def _abandoned(subject: str, key: TaskKey, repository: git.Repository, services: Services) -> Finding:
    def undo() -> str:
        return (
            "; ".join(half_made.recover_task(key, services.registry.read(), repository, services)) or "undone already"
        )

    what = "a run died while its worktree was being made; nobody worked in it"
    return Finding(Kind.ABANDONED, subject, what, "okstra reconcile --apply, or the next run of the task", undo)


def _merge_unfinished(key: TaskKey, claim: TaskClaim, repository: git.Repository) -> Finding:
    def finish() -> str:
        return finish_killed(repository, key, claim) or "finished already"

    what = f"an integration died while it moved {claim.branch} on"
    return Finding(Kind.MERGE, str(key), what, "okstra reconcile --apply, or the next run of the task", finish)


def _write_started_row(key: StageKey, claim: StageClaim, row: LedgerRow, services: Services) -> str:
    with services.registry.transaction() as doc:
        if doc.stage(key) != claim:
            return ALREADY_DONE
        return f"wrote {ledger_file.append(ledger_path(claim.plan), [row])} row"


def _mark_done(key: StageKey, claim: StageClaim, services: Services) -> str:
    with services.registry.transaction() as doc:
        if doc.stage(key) != claim:
            return ALREADY_DONE
        doc.put_stage(key, claim._replace(status=ClaimStatus.DONE, owner=None))
    return "marked as done"


def _ways_on(claim: StageClaim, *, can_go_on: bool) -> str:
    release = okstra_command("stage", "release", "--run", claim.run_id)
    return f"{okstra_command('run', '--again', claim.run_id)}; or {release}" if can_go_on else release


def _folder_gone(key: StageKey, claim: StageClaim, repository: git.Repository, services: Services) -> Finding:
    stands = git.branch_commit(repository.top, claim.branch) is not None
    if claim.status is not ClaimStatus.DONE:
        gone = f"its branch {claim.branch} stands" if stands else f"so is its branch {claim.branch}"
        what = f"the worktree {claim.path} is gone; {gone}"
        return Finding(Kind.FOLDER_GONE, str(key), what, _ways_on(claim, can_go_on=stands))
    what = f"the worktree {claim.path} of a done stage is gone"
    try:
        if commands := teardown.commands_for(key, claim):
            return Finding(
                Kind.FOLDER_GONE, str(key), what, teardown.without_folder(key, claim, commands, services).hint
            )
    except OkstraError as error:  # settings that can't be read: nobody knows what is to be torn down
        return Finding(Kind.FOLDER_GONE, str(key), what, f"{error.where}: {error.message}")
    way_on = "okstra reconcile --apply"
    return Finding(Kind.FOLDER_GONE, str(key), what, way_on, lambda: _forget(key, claim, repository, services))


def _forget(key: StageKey, claim: StageClaim, repository: git.Repository, services: Services) -> str:
    """Whoever restores the worktree marks the claim first, and then waits for the repository lock."""
    with locked(LockKind.REPOSITORY, repository.lock):
        if services.registry.read().stage(key) != claim or os.path.lexists(claim.path):
            return ALREADY_DONE
        create.forget(repository, claim.path)
        with services.registry.transaction() as doc:
            if doc.stage(key) != claim:
                return ALREADY_DONE
            doc.remove_stage(key)
    stands = git.branch_commit(repository.top, claim.branch) is not None
    branch = f"its branch {claim.branch} stands" if stands else f"its branch {claim.branch} is gone as well"
    return f"forgot the worktree; the stage is done, {branch}"


def reconcile(services: Services, *, apply: bool, start_root: str | None = None) -> list[Outcome]:
    """Everything that is wrong; with `apply`, after okstra repaired what it may. Raises Unreadable."""
    if not apply:
        return [Outcome(found) for found in survey(services, start_root)]
    outcomes = [_apply(found) for found in survey(services, start_root)]
    _sweep(services)
    return outcomes


def _apply(found: Finding) -> Outcome:
    if found.act is None:
        return Outcome(found)
    try:
        return Outcome(found, done=found.act())
    except OkstraError as error:
        return Outcome(found, failed=error.message)


def _sweep(services: Services) -> None:
    """Removes what killed commands left: half-deleted folders, half-written files, notes beside free locks."""
    doc = services.registry.read()
    trash.sweep(services.home)
    recover.sweep(services.home)
    for root in known_roots(doc, services):
        repository = repository_of(root)
        if repository is not None:
            worktree_admin.sweep(repository.common_dir)
            kept.sweep(repository.common_dir)
            discard_stale_note(LockKind.REPOSITORY, repository.lock)
            discard_stale_notes(ProjectFiles(root).okstra_dir)
            files.discard_stale_temporaries(ProjectFiles(root).okstra_dir, below=True)
    for folder in (services.home.root, services.home.worktrees):
        files.discard_stale_temporaries(folder, below=False)
    discard_stale_note(LockKind.REGISTRY, services.home.registry_lock)
    discard_stale_notes(os.path.dirname(services.home.index_lock))


def quarantines_left(services: Services) -> Iterator[Finding]:
    for one in recover.abandoned(services.home):
        yield _left(one, services)
    for left in left_behind(services.home):
        what = f"{left.why}; what the worker left stays in {left.folder} ({show_size(left.size)})"
        yield Finding(Kind.QUARANTINE, left.run_id, what, _way_to_look(left), notice=True)


def _way_to_look(left: LeftBehind) -> str:
    if not left.looks:
        return "no commit in it can be read; nothing else waits for it"
    more = f" (and {len(left.looks) - 1} more)" if len(left.looks) > 1 else ""
    return f"look at its commits{more}: {left.looks[0]}"


def _left(one: Quarantine, services: Services) -> Finding:
    def take() -> str:
        if one not in recover.abandoned(services.home):
            return ALREADY_DONE
        return "; ".join(recover.taken_home(one)) or "nothing was committed in it: removed"

    what = f"{one.worker} worked in a git folder of its own when its okstra was killed"
    return Finding(Kind.QUARANTINE, one.run_id, what, "okstra reconcile --apply, or okstra resume", take)
