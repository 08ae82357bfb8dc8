"""Other folders that use a project's id: the place that it was moved from, or another clone."""

from __future__ import annotations

import os
from typing import NamedTuple

from .. import git
from ..errors import OkstraError, Refused
from ..git import worktree_admin
from ..index import run_index
from ..names import RunId
from ..quoting import okstra_command
from ..services import Services
from ..system.locks import LockKind, locked
from .project import id_at

MOVED_COMMAND = "okstra init --moved"


class Places(NamedTuple):
    """Other folders: `left`, which no longer contain a project of the id, and `others`, which do.

    `moved`: the repository here has records of worktrees that were made from one of `left`.
    """

    left: tuple[str, ...]
    others: tuple[str, ...]
    moved: bool


def places_of(project_id: str, root: str, services: Services, *, recorded: bool = False) -> Places:
    """The folders that have worktrees under the id; with `recorded`, also those with runs in the index.

    Raises Unreadable.
    """
    claimed = _claimed(project_id, services)
    known = {*claimed, *(_recorded(project_id, services) if recorded else ())}
    here = os.path.realpath(root)
    elsewhere = sorted(one for one in known if one and os.path.realpath(one) != here)
    others = [one for one in elsewhere if id_at(one) == project_id]
    left = [one for one in elsewhere if one not in others]
    paths = [path for one in left for path in claimed.get(one, ())]
    return Places(tuple(left), tuple(others), bool(paths) and bool(known_worktrees(root, paths)))


def known_worktrees(root: str, paths: list[str]) -> list[str]:
    """The worktrees that the repository at `root` has records of."""
    try:
        repository = git.discover(root)
    except OkstraError:
        return []
    admins = worktree_admin.admin_folders(repository.common_dir) if repository else []
    recorded = {os.path.realpath(admin.worktree) for admin in admins if admin.worktree}
    return [path for path in paths if os.path.realpath(path) in recorded]


def lead_back(repository: git.Repository, paths: list[str]) -> list[str]:
    """Repairs worktrees whose `.git` file points nowhere, if this repository has records of them; returns which.

    Their `.git` files name the repository's place. Raises WorkFailed, Busy.
    """
    lost = [path for path in paths if os.path.isdir(path) and not _leads_somewhere(path)]
    if lost:
        with locked(LockKind.REPOSITORY, repository.lock) as lock:
            git.repair_worktrees(repository, lost, keep_open=lock.keep_open)
    return lost


def _leads_somewhere(path: str) -> bool:
    try:
        return os.path.isdir(git.worktree_git_dir(path))
    except OkstraError:
        return False


def taken_elsewhere(what: str, holder: str, project_id: str, root: str, services: Services) -> Refused:
    """The error for a run that would use what belongs to the project in `holder`, with a hint that works."""
    message = f"{what} belongs to the project in {holder}"
    if places_of(project_id, root, services).moved:
        return Refused("name-taken", f"{message}, which was moved", where=root, hint=MOVED_COMMAND)
    gone = "" if id_at(holder) == project_id else ", which is gone"
    return Refused("name-taken", f"{message}{gone}", where=root, hint=own_id_hint(project_id, root, services))


def own_id_hint(project_id: str, root: str, services: Services) -> str:
    """A hint for a second clone: an id of its own, or, once it has worktrees under the shared one, another task."""
    if root in _claimed(project_id, services):
        return "give it another task id: tasks were started here under this project id, too, so it stays"
    return own_id_command(project_id, services)


def own_id_command(project_id: str, services: Services) -> str:
    """The command that gives a clone an id that is unused on this machine."""
    taken = {key.project_id for key, _ in services.registry.read().tasks()}
    number = next(number for number in range(2, len(taken) + 3) if f"{project_id}-{number}" not in taken)
    return okstra_command("setup", "--project-id", f"{project_id}-{number}", "--yes")


def _claimed(project_id: str, services: Services) -> dict[str, list[str]]:
    """Worktrees by the project folder that they were made from."""
    doc, found = services.registry.read(), dict[str, list[str]]()
    for key, task in doc.tasks():
        if key.project_id == project_id:
            found.setdefault(task.project_root, []).append(task.path)
    for stage, claim in doc.stages():
        if stage.task.project_id == project_id:
            found.setdefault(claim.project_root, []).append(claim.path)
    return found


def _recorded(project_id: str, services: Services) -> set[str]:
    """The project folders of the runs that the index knows."""
    rows = run_index.newest_rows(services.home, run_index.EVERYTHING)
    return {row.get("project_root", "") for row in rows if _project_of(row["run_id"]) == project_id}


def _project_of(run_id: str) -> str:
    try:
        return RunId.parse(run_id).task.project_id
    except OkstraError:
        return ""
