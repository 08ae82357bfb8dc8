"""Shows what a task, or one of its stages, changed: git's own diff, what is not committed yet included. Files that git
does not know yet are in no diff: they are named on stderr.

With --json, the changed files. Where the worktree is gone, its branch is compared.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from .. import git
from ..errors import UsageError
from ..names import StageKey, TaskKey
from ..options import add_task_key
from ..output import Reply
from ..services import Call, Services
from ..system import processes
from ..system.text import printable
from .cd import require_claim


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task", required=True)
    parser.add_argument("--stage", metavar="N", type=int, help="what that stage changed")
    parser.add_argument("--stat", action="store_true", help="how much of each file, not the lines")


def execute(args: Namespace, call: Call) -> Reply:
    key = TaskKey.parse(args.task_key)
    folder, base, head = _range(key, args.stage, call.services)
    if not getattr(args, "json", False):
        untracked = [] if head else git.untracked_files(folder)
        if untracked:
            sys.stderr.write(printable(f"not in git yet: {', '.join(untracked)}") + "\n")
            sys.stderr.flush()
        ends = [base, head] if head else [base]
        words = ["git", "-C", folder, "diff", *(["--stat"] if args.stat else []), *ends, "--"]
        processes.become(words, git.users_environment(call.services.environment), ".")
    files = git.changed_files(folder, base, head or git.resolve(folder, "HEAD") or base)
    unsaved = [] if head else git.dirty_files(folder)
    return Reply({"base": base, "head": head, "folder": folder, "files": files, "not_committed": unsaved}, "")


def _range(key: TaskKey, stage: int | None, services: Services) -> tuple[str, str, str]:
    """Where git is asked, the commit at which the work began, and its end: empty for the worktree as it is now.

    Raises UsageError (`not-found`).
    """
    claim = require_claim(key, stage, services)
    if os.path.isdir(claim.path):
        return claim.path, claim.base_commit, ""
    head = git.branch_commit(claim.project_root, claim.branch)
    if head is None:
        place = StageKey(key, stage) if stage is not None else key
        raise UsageError("not-found", f"{place} has neither a worktree nor a branch", where=claim.branch)
    return claim.project_root, claim.base_commit, head
