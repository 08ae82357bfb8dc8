"""`okstra gc`: removes worktrees that are proven safe, oldest first; their unsaved work is kept by a ref.

Also removes what ended runs left beside their records.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from .. import git
from ..claims.registry_document import StageClaim, TaskClaim
from ..errors import OkstraError
from ..names import StageKey, TaskKey, parse_place_key
from ..services import Services
from ..status import ClaimStatus
from ..system import processes, trash
from ..worktrees import half_made
from ..worktrees.remove import remove_worktree
from ..worktrees.unsaved import SavePolicy
from ..worktrees.users import Blocker, removal_blocker
from .leftovers import leftovers
from .policy import GcDecision, WorktreeFacts, judge, to_remove


class DiskUse:
    """A running measurement of existing folders; `finish` waits for it."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._running = processes.start(["du", "-sk", *paths]) if paths else None

    def finish(self) -> dict[str, int]:
        """Bytes by path, a hard link counted once; a folder that is gone is left out."""
        output = b"\n" + (self._running.finish().stdout if self._running else b"")
        sizes = {}
        for path in self._paths:
            line = re.search(rb"\n(\d+)\t" + re.escape(os.fsencode(path)) + rb"\n", output)
            if line:
                sizes[path] = int(line[1]) * 1024
        return sizes


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


def collect(services: Services, *, limit: int | None, dry_run: bool) -> GcResult:
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
    removed = tuple(_remove(one, services) for one in chosen)
    trash.sweep(services.home)
    return GcResult(decisions, removed, leftovers(services, dry_run=False))


def _finish_killed(services: Services) -> None:
    doc = services.registry.read()
    claims: list[tuple[TaskKey | StageKey, TaskClaim | StageClaim]] = [*doc.stages(), *doc.tasks()]
    for key, claim in claims:
        with suppress(OkstraError):  # its verdict says so
            half_made.undo(key, claim, services)


def _remove(one: GcDecision, services: Services) -> RemovedWorktree:
    facts = one.facts
    try:
        gone = remove_worktree(parse_place_key(facts.key), services, policy=SavePolicy(force=True))
    except OkstraError as error:
        return RemovedWorktree(facts.key, facts.path, facts.size, "", (), error.message)
    return RemovedWorktree(facts.key, facts.path, facts.size, gone.kept, gone.ignored, "")


def _all_facts(services: Services) -> list[WorktreeFacts]:
    doc = services.registry.read()
    tasks = dict(doc.tasks())
    stages = dict(doc.stages())
    measuring = DiskUse([path for _, path in doc.claims() if os.path.isdir(path)])  # runs while git is queried
    facts = [
        _facts(str(key), claim, removal_blocker(key, claim, doc, services), "")
        for key, claim in tasks.items()
        if claim.status is not ClaimStatus.DONE
    ]
    for key, claim in stages.items():
        task = tasks.get(key.task)
        facts.append(_facts(str(key), claim, removal_blocker(key, claim, doc, services), task.branch if task else ""))
    sizes = measuring.finish()
    return [one._replace(size=sizes.get(one.path, 0)) for one in facts]


def _facts(key: str, claim: TaskClaim | StageClaim, blocker: Blocker | None, task_branch: str) -> WorktreeFacts:
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
