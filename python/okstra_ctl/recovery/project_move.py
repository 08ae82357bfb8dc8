"""`okstra init --moved`: a person declares that the project was moved to the current folder
(docs/design/reservation.md).

Everything that names the old path is updated in an order that a kill may interrupt anywhere: git's worktrees, the
project's files, the index of runs, and last the registry, by which the next call finds what is left to do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .. import git
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..errors import OkstraError, Refused
from ..index import run_index
from ..index.database import Row
from ..names import RunId
from ..services import Services
from ..settings.project import Project
from ..settings.project_places import known_worktrees, lead_back, own_id_hint, places_of
from ..status import Liveness
from ..system import files
from ..system.moved_paths import is_at_or_below, moved_path, with_path
from ..system.process_identity import liveness

_REWRITTEN = ("manifests", "state", "prompts")


class ProjectMoved(NamedTuple):
    """`old` are its former paths; the numbers count what this call updated."""

    project_id: str
    root: str
    old: tuple[str, ...]
    worktrees: int
    claims: int
    runs: int
    files: int


def old_places(project: Project, services: Services) -> tuple[str, ...]:
    """Where the project was. Raises Refused (`project-stands`) when it still stands somewhere else, and nothing shows
    that this is the moved one beside a clone that shares its id."""
    project_id = project.config.project_id
    places = places_of(project_id, project.root, services, recorded=True)
    if places.others and not places.moved:
        raise Refused(
            "project-stands",
            f"the project {project_id} still stands in {places.others[0]}: this is a second clone of it",
            where=project.root,
            hint=own_id_hint(project_id, project.root, services),
        )
    return places.left


def move(project: Project, services: Services) -> ProjectMoved:
    """Makes everything name the project's current path. Calling it again finishes what was begun.

    Raises Refused (`project-stands`, `run-alive`, `project-not-moved`), WorkFailed, Busy.
    """
    old = old_places(project, services)
    claims = _claims_at(services.registry.read(), old)
    _check_nobody_works(claims)
    worktrees = _repair_worktrees(project, [claim for claim in claims if os.path.isdir(claim.path)])
    files = sum(_rewrite_files(project, place) for place in old)
    runs = _move_rows(project, old, services)
    with services.registry.transaction() as doc:
        moved = sum(_move_claims(doc, place, project.root) for place in old)
    return ProjectMoved(project.config.project_id, project.root, old, worktrees, moved, runs, files)


def _claims_at(doc: RegistryDoc, old: Sequence[str]) -> list[TaskClaim | StageClaim]:
    claims: list[TaskClaim | StageClaim] = [claim for _, claim in doc.tasks()]
    claims += [claim for _, claim in doc.stages()]
    return [claim for claim in claims if claim.project_root in old]


def _check_nobody_works(claims: Sequence[TaskClaim | StageClaim]) -> None:
    for claim in claims:
        if claim.owner is not None and liveness(claim.owner) is Liveness.ALIVE:
            raise Refused(
                "run-alive",
                f"process {claim.owner.pid} works on {claim.run_id or claim.path}",
                where=claim.path,
                hint="end it first; then call it again",
            )


def _repair_worktrees(project: Project, claims: Sequence[TaskClaim | StageClaim]) -> int:
    """Reconnects git's records and the worktrees. Raises Refused where they are another repository's."""
    repository = git.discover(project.root)
    paths = [claim.path for claim in claims]
    unknown = sorted({*paths} - {*known_worktrees(project.root, paths)})
    if unknown:
        raise Refused(
            "project-not-moved",
            f"the repository here has no record of the worktree {unknown[0]}: it is not the one that was moved",
            where=project.root,
            hint="call it in the folder that was moved; a clone made anew has no part in the old one's runs",
        )
    if repository is None or not paths:
        return 0
    mended = lead_back(repository, paths)
    for claim in claims:
        _relink(project, claim)
    return len(mended)


def _relink(project: Project, claim: TaskClaim | StageClaim) -> None:
    """The links of the sync list led into the old place."""
    for entry in project.config.sync:
        link = os.path.join(claim.path, entry.path)
        if os.path.islink(link) and is_at_or_below(os.readlink(link), claim.project_root):
            files.link_anew(moved_path(os.readlink(link), claim.project_root, project.root), link)


def _rewrite_files(project: Project, old: str) -> int:
    """The records and prompts of the project's runs that name the old place; reports stay as they were written."""
    changed = 0
    for folder, _, names in os.walk(project.files.tasks_dir):
        if os.path.basename(folder) in _REWRITTEN:
            paths = [os.path.join(folder, name) for name in names if name.endswith((".json", ".md"))]
            changed += sum(_rewrite(path, old, project.root) for path in paths)
    return changed


def _rewrite(path: str, old: str, new: str) -> bool:
    try:
        data = files.read_bytes(path)
        after = None if data is None else with_path(path, data, old, new)
    except (OkstraError, ValueError, RecursionError):
        return False  # damaged: `okstra check run` tells
    if after is None or after == data:
        return False
    files.replace(path, after)
    return True


def _move_rows(project: Project, old: Sequence[str], services: Services) -> int:
    """Updates the index with the current paths of the runs' records."""

    def moved(row: Row) -> Row:
        manifest = project.files.task(RunId.parse(row["run_id"]).task).run_of(RunId.parse(row["run_id"])).manifest
        return {**row, "project_root": project.root, "manifest": manifest}

    return run_index.replace_rows(services.home, lambda row: moved(row) if row.get("project_root") in old else None)


def _move_claims(doc: RegistryDoc, old: str, new: str) -> int:
    moved = 0
    for task, claim in list(doc.tasks()):
        if claim.project_root == old:
            doc.put_task(task, claim._replace(project_root=new))
            moved += 1
    for stage, held in list(doc.stages()):
        if held.project_root == old:
            doc.put_stage(stage, held._replace(project_root=new, plan=moved_path(held.plan, old, new)))
            moved += 1
    return moved
