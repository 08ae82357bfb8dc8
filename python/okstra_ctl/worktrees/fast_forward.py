"""Fast-forwards a task's branch in its worktree, so that the next command finishes it after a kill.

git writes the files first and moves the branch last: after a kill in between, files and branch differ and git's locks
remain. So the intended move is recorded in git's folder of the worktree, which is removed together with the worktree.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from .. import git
from ..claims.registry_document import TaskClaim
from ..errors import OkstraError, WorkFailed
from ..git import kept as kept_work
from ..git import merge, worktree_admin
from ..names import Owner, TaskKey
from ..status import Liveness
from ..system import files
from ..system.locks import LockKind, locked
from ..system.owner import liveness, this_process
from .unsaved import kept_place

_NOTE = "okstra-moving-on.json"
_SCHEMA = "moving-on/1"
_LOCKS = ("index.lock", "HEAD.lock", "ORIG_HEAD.lock")


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
