"""Prints the path of a task's worktree, or of a stage's. The completion script has `okcd KEY`, which goes there."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from ..claims.registry_document import StageClaim, TaskClaim
from ..errors import UsageError
from ..names import StageKey, TaskKey
from ..options import add_task_key
from ..output import Reply
from ..quoting import okstra_command, quote
from ..services import Call, Services


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task", required=True)
    parser.add_argument("--stage", metavar="N", type=int, help="the worktree of that stage")
    parser.add_argument(
        "--env", action="store_true", help="print variables for a shell: the task, its branch, places and ports"
    )


def execute(args: Namespace, call: Call) -> Reply:
    key = TaskKey.parse(args.task_key)
    from ..worktrees.ports import variables_of

    claim = require_worktree(key, args.stage, call.services)
    variables = {
        "OKSTRA_TASK_KEY": str(key),
        "OKSTRA_TASK_STAGE": str(args.stage or ""),
        "OKSTRA_TASK_WORKTREE": claim.path,
        "OKSTRA_TASK_BRANCH": claim.branch,
        "OKSTRA_TASK_PROJECT": claim.project_root,
    }
    if args.env or getattr(args, "json", False):
        place = StageKey(key, args.stage) if args.stage is not None else key
        variables.update(variables_of(place, claim.project_root, call.services))
    lines = [f"export {name}={quote(value)}" for name, value in variables.items()] if args.env else [claim.path]
    return Reply({"path": claim.path, "variables": variables}, "\n".join(lines))


def require_claim(key: TaskKey, stage: int | None, services: Services) -> TaskClaim | StageClaim:
    """Raises UsageError (`not-found`)."""
    place = StageKey(key, stage) if stage is not None else key
    claim = services.registry.read().claim_of(place)
    if claim is None:
        raise UsageError("not-found", f"{place} has no worktree", where=str(place), hint="okstra worktree list")
    return claim


def require_worktree(key: TaskKey, stage: int | None, services: Services) -> TaskClaim | StageClaim:
    """As `require_claim`, and the folder is there."""
    claim = require_claim(key, stage, services)
    if not os.path.isdir(claim.path):
        place = StageKey(key, stage) if stage is not None else key
        hint = okstra_command("worktree", "restore", place)
        raise UsageError("not-found", f"the worktree of {place} is gone", where=claim.path, hint=hint)
    return claim
