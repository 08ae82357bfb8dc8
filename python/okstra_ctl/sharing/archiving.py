"""`okstra gc --remote`: shared tasks that are over go below one archive commit on the remote."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import OkstraError, UsageError
from ..names import TaskKey
from ..plan import plans
from ..quoting import okstra_command
from ..remote.archive import archive_tasks
from ..remote.exchange import Exchange, Seen
from ..services import Services
from ..settings.project import Project
from .joining import sharing_of


class Archived(NamedTuple):
    """A task that this machine saw on the remote: archived now, or why not."""

    task_key: str
    archived: bool
    why: str


def archive_finished(project: Project, keys: list[TaskKey], services: Services, *, dry_run: bool) -> list[Archived]:
    """Of these tasks, archives those whose stages are all done and merged. With `dry_run` only says which.

    Raises UsageError (`not-found`) where nothing is shared, and what `archive_tasks` raises.
    """
    if not project.config.claims.remote:
        hint = okstra_command("remote", "use", "origin")
        raise UsageError("not-found", "this clone shares no tasks", where=project.root, hint=hint)
    over: dict[str, Exchange] = {}
    tips: dict[str, str] = {}
    done = []
    for key in keys:
        sharing = sharing_of(project.root, key, services)
        if sharing is None or not sharing.was_seen:
            continue
        try:
            seen = sharing.read()
            why = "it is archived already" if seen.is_archived else why_not_over(seen, sharing.exchange)
        except OkstraError as error:
            why = error.message
        if why:
            done.append(Archived(str(key), False, why))
        else:
            over[str(key)], tips[sharing.exchange.ref] = sharing.exchange, seen.tip
    if not over or dry_run:
        return [*done, *(Archived(key, False, "it is over: it would be archived") for key in over)]
    one = next(iter(over.values()))
    gone = archive_tasks(one.side, one.archive, tips)
    moved = "somebody changed it meanwhile"
    return [*done, *(Archived(key, at.ref in gone, "" if at.ref in gone else moved) for key, at in over.items())]


def why_not_over(seen: Seen, exchange: Exchange) -> str:
    """Why the task may go on; empty when all its stages are done, and merged."""
    task = seen.task
    stage_map = plans.check_text(exchange.ref, seen.files.plan.decode("utf-8", "replace")).stage_map
    if task.approval is None or stage_map is None or stage_map.digest != task.approval.digest:
        return "it has no approved plan"
    left = [stage.number for stage in stage_map.stages if not task.is_done(stage.number)]
    if left:
        return f"stage {left[0]} is not done"
    merge = task.integration
    if merge is None or merge.claim.is_held:
        return "it is being merged" if merge else "nothing of it is merged"
    heads = [task.stages[stage.number].head for stage in stage_map.stages]
    if not merge.head or not all(exchange.side.is_descendant(merge.head, head) for head in heads):
        return "some of its stages are not merged"
    return ""
