"""Undoing what dead runs left half made, and `started` rows that are missing (docs/how-to/recover.md).

Only `provisioning` claims of dead owners are undone: nobody knows their worktrees yet. An `active` claim is never
touched here; its worktree may have work in it.

The move of a task's branch in its worktree (a fast-forward) is finished after a kill. git writes the files first and
moves the branch last: after a kill in between, files and branch differ and git's locks remain. So the intended move is
recorded in git's folder of the worktree, which is removed together with the worktree.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from .. import git
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import LedgerRow, row_id, started_row
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..errors import OkstraError, WorkFailed
from ..git import kept as kept_work
from ..git import merge, worktree_admin
from ..names import Owner, RunId, StageKey, TaskKey
from ..paths import ProjectFiles
from ..runs.find import discard_run_files
from ..services import Services
from ..status import ClaimStatus, LedgerStatus, Liveness
from ..system import files, trash
from ..system.locks import LockKind, locked
from ..system.process_identity import liveness, this_process
from . import create, proofs, teardown
from .unsaved import SavePolicy, is_being_removed, kept_place, save_unsaved

_NOTE = "okstra-moving-on.json"
_SCHEMA = "moving-on/1"
_LOCKS = ("index.lock", "HEAD.lock", "ORIG_HEAD.lock")


def recover_task(key: TaskKey, doc: RegistryDoc, repository: git.Repository, services: Services) -> list[str]:
    """Undoes the task's half-made worktrees whose owners are dead; returns a sentence for each.

    Also deletes what killed commands left in the trash, without a sentence.
    """
    trash.sweep(services.home)
    worktree_admin.sweep(repository.common_dir)
    kept_work.sweep(repository.common_dir)
    sentences = [undo(StageKey(key, stage), claim, services) for stage, claim in doc.stages_of(key).items()]
    task_claim = doc.task(key)
    if task_claim is not None:
        sentences.append(undo(key, task_claim, services))
        sentences.append(finish_killed(repository, key, task_claim))
    return [sentence for sentence in sentences if sentence]


def undo(key: TaskKey | StageKey, claim: TaskClaim | StageClaim, services: Services) -> str:
    """Undoes the creation, or finishes the removal, that a dead process began; returns a sentence, or "" when there was
    none.

    The process may be gone because it finished since the claim was read: then nothing is touched. The claim's own
    repository is used: the caller may be another clone with the same project id. Raises Busy.
    """
    repository = git.discover(claim.project_root) if is_abandoned(claim) else None
    if repository is None:
        return ""
    if isinstance(key, TaskKey):  # killed while the task's worktree was removed
        proofs.remove(services.home, repository, key)
    kept = left = ""
    took_over = isinstance(claim, StageClaim) and claim.before is not None
    if claim.restores or not took_over:
        site = _site(claim, repository)
        left = _tear_down(key, claim, repository, services)
        kept = _save_what_came_later(key, claim, repository)
        create.clear(services.home, site, unchanged=lambda: services.registry.read().claim_of(key) == claim)
    if not drop_unfinished(key, claim, services, with_files=True):
        return ""
    name = claim.run_id if isinstance(claim, StageClaim) else f"the task {key}"
    what = "the unfinished rerun" if took_over else "the unfinished worktree of"
    also = f"; what was unsaved in it is kept by {kept}" if kept else ""
    also += f"; worktreeTeardown failed, what its set-up began may go on: {left}" if left else ""
    return f"undid {what} {name}, whose process is gone{also}"


def _tear_down(
    key: TaskKey | StageKey, claim: TaskClaim | StageClaim, repository: git.Repository, services: Services
) -> str:
    """Ends what a set-up that was killed had begun; a removal has done that before it began. Returns why it failed,
    or "": the worktree goes all the same, since nobody can use it."""
    admin = worktree_admin.at(repository.common_dir, claim.path)
    if admin is None or is_being_removed(admin.folder) or not os.path.isdir(claim.path):
        return ""
    try:
        if commands := teardown.commands_for(key, claim):
            teardown.tear_down(key, claim, commands, services)
    except OkstraError as error:
        return error.where or error.message
    return ""


def _save_what_came_later(key: TaskKey | StageKey, claim: TaskClaim | StageClaim, repository: git.Repository) -> str:
    """Keeps what was written in a worktree after its removal was killed; returns the ref, or "". Nobody knows a
    worktree that was never finished, so it has nothing to keep. Raises Refused (`worktree-dirty`), WorkFailed."""
    admin = worktree_admin.at(repository.common_dir, claim.path)
    if admin is None or not is_being_removed(admin.folder) or not os.path.isdir(claim.path):
        return ""
    return save_unsaved(claim.path, key, SavePolicy(force=True)).ref


def drop_unfinished(
    key: TaskKey | StageKey, claim: TaskClaim | StageClaim, services: Services, *, with_files: bool = False
) -> bool:
    """Drops an unfinished claim, if it is still the one that was undone; a claim that it took over is restored.

    A task whose stages were begun keeps its anchor and epochs. `with_files`: the run's files are removed first, before
    another run can get its number. Returns whether the claim still existed.
    """
    with services.registry.transaction() as doc:
        if doc.claim_of(key) != claim:
            return False
        if with_files and isinstance(claim, StageClaim):
            _discard_files_of_unprepared_run(claim)
        if isinstance(key, StageKey):
            before = claim.as_before() if isinstance(claim, StageClaim) else None
            if before is None:
                doc.remove_stage(key)
            else:
                doc.put_stage(key, before)
        elif isinstance(claim, TaskClaim) and claim.implementation_base:
            doc.put_task(key, claim._replace(status=ClaimStatus.DONE, owner=None, restores=False))
        else:
            doc.remove_task(key)
        return True


def _discard_files_of_unprepared_run(claim: StageClaim) -> None:
    """Keeps the files of a run that has ledger rows: it was prepared, and its process died later, removing the
    worktree."""
    run = RunId.parse(claim.run_id)
    view = ledger_file.read(ledger_path(claim.plan), task_key=str(run.task), plan_digest=claim.plan_digest)
    if not any(row_id(claim.run_id, claim.epoch, status) in view.ids for status in LedgerStatus):
        discard_run_files(ProjectFiles(claim.project_root).task(run.task).run_of(run))


def append_missing_started_rows(key: TaskKey, doc: RegistryDoc) -> int:
    """Writes missing `started` rows of active claims whose runs died between commit point and ledger."""
    missing: dict[str, list[LedgerRow]] = {}
    for stage, claim in doc.stages_of(key).items():
        if claim.status is ClaimStatus.ACTIVE:
            missing.setdefault(ledger_path(claim.plan), []).append(started_row_of(StageKey(key, stage), claim))
    return sum(
        ledger_file.append(path, rows) for path, rows in missing.items() if not ledger_file.contains_all(path, rows)
    )


def started_row_of(key: StageKey, claim: StageClaim) -> LedgerRow:
    return started_row(
        key,
        run_id=claim.run_id,
        epoch=claim.epoch,
        digest=claim.plan_digest,
        base=claim.base_commit,
        at=claim.reserved_at,
    )


def is_abandoned(claim: TaskClaim | StageClaim) -> bool:
    return claim.status is ClaimStatus.PROVISIONING and liveness(claim.owner) is Liveness.GONE


def _site(claim: TaskClaim | StageClaim, repository: git.Repository) -> create.Site:
    return create.Site(repository, claim.path, claim.branch, claim.base_commit, claim.token, claim.restores)


class Move(NamedTuple):
    """From which commit to which, and who moves it."""

    start: str
    target: str
    owner: Owner


def fast_forward(repository: git.Repository, key: TaskKey, claim: TaskClaim, start: str, target: str) -> bool:
    """Moves branch and files from `start` to `target`; False when they are not at `start` any more. Raises Busy."""
    note = os.path.join(git.worktree_git_dir(claim.path), _NOTE)
    with locked(LockKind.REPOSITORY, repository.lock):
        if _read(note) is not None or git.resolve(claim.path, "HEAD") != start:
            return False
        me = this_process()
        files.replace_json(note, {"schema": _SCHEMA, "start": start, "target": target, "owner": me.to_json()})
    before = git.dirty_files(claim.path)
    with worktree_admin.fenced(os.path.dirname(note)) as fence:
        status = merge.fast_forward(claim.path, target, keep_open=(fence,))
    if status < 0 or (status and git.dirty_files(claim.path) != before):  # killed, or the disk was full
        _finish(repository, key, claim, note, Move(start, target, me))
        return git.resolve(claim.path, "HEAD") == target
    files.discard(note)
    return status == 0


def finish_killed(repository: git.Repository, key: TaskKey, claim: TaskClaim) -> str:
    """Finishes the move that a dead process began; returns a sentence, or "" when there was none. Raises Busy."""
    move = killed_move(claim)
    if move is None:
        return ""
    return _finish(repository, key, claim, os.path.join(git.worktree_git_dir(claim.path), _NOTE), move)


def killed_move(claim: TaskClaim) -> Move | None:
    """The move that a dead process began in the task's worktree; None when there is none."""
    try:
        move = _read(os.path.join(git.worktree_git_dir(claim.path), _NOTE))
    except WorkFailed:  # there is no worktree
        return None
    return move if move and liveness(move.owner) is Liveness.GONE else None


def _finish(repository: git.Repository, key: TaskKey, claim: TaskClaim, note: str, move: Move) -> str:
    """Everything was checked before the move began, so it is finished, not undone.

    Files that differ from both commits may be a person's later edits: everything uncommitted is kept by a ref first.
    """
    admin = os.path.dirname(note)
    worktree_admin.wait_until_idle(admin)
    with locked(LockKind.REPOSITORY, repository.lock) as lock:
        if _read(note) != move:
            return ""
        for path in [*(os.path.join(admin, name) for name in _LOCKS), _branch_lock(repository, claim)]:
            files.discard(path)
        kept = ""
        if git.resolve(claim.path, "HEAD") == move.start and git.head_branch(claim.path) == claim.branch:
            if _holds_more(claim.path, move):
                kept = f"{kept_place(key)}moving-on/{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"
                kept_work.snapshot(claim.path, f"okstra: what {key} held when its merge was finished", kept)
            merge.move_to(claim.path, move.target, keep_open=lock.keep_open)
        files.discard(note)
    message = f"finished the merge into {claim.branch}, whose process is gone"
    return f"{message}; what was uncommitted is kept by {kept}" if kept else message


def _holds_more(path: str, move: Move) -> bool:
    """Whether anything is uncommitted that the move itself did not write."""
    moved = set(git.changed_files(path, move.start, move.target))
    dirty = set(git.dirty_files(path))
    return bool(dirty - moved or merge.files_of_neither(path, sorted(dirty & moved), (move.start, move.target)))


def _branch_lock(repository: git.Repository, claim: TaskClaim) -> str:
    return os.path.join(repository.common_dir, "refs", "heads", f"{claim.branch}.lock")


def _read(note: str) -> Move | None:
    try:
        found = files.read_json(note, _SCHEMA)
        owner = Owner.from_json(found.get("owner")) if found else None
    except (OkstraError, ValueError):
        return None
    return Move(str(found.get("start")), str(found.get("target")), owner) if found and owner else None
