"""Finds a project and its settings from the folder in which a command was started."""

from __future__ import annotations

import os
from typing import NamedTuple

from .. import git
from ..errors import Missing, OkstraError, UsageError
from ..home_paths import WORKTREE_DEPTH
from ..names import check_project_id, parse_place_key
from ..paths import ProjectFiles
from ..services import Services
from ..system import files as fsio
from .project_config import ProjectConfig, own_id, project_config


class Project(NamedTuple):
    """A registered project; `files.root` is its folder."""

    files: ProjectFiles
    config: ProjectConfig

    @property
    def root(self) -> str:
        return self.files.root


def find_root(start: str, services: Services) -> str | None:
    """The root of the project that `start` belongs to; None when it belongs to none.

    The nearest folder at or above it that holds `.okstra/project.json`; but inside one of okstra's own worktrees the
    project that owns it: there `project.json` is only a checked-out copy, and records beside it would go with the
    worktree.
    """
    worktree = _own_worktree(os.path.realpath(start), services)
    return _owner(worktree, start, services) if worktree else _nearest_root(start)


def owning_root(folder: str, services: Services) -> str:
    """The folder itself; but for one inside a worktree of okstra's, the project that owns that."""
    owner = find_root(folder, services) if _own_worktree(os.path.realpath(folder), services) else None
    return owner or folder


def _nearest_root(start: str) -> str | None:
    folder = os.path.realpath(start)
    while True:
        if os.path.isfile(ProjectFiles(folder).config):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def open_project(start: str, services: Services) -> Project:
    """The project that `start` belongs to; a linked worktree belongs to the project of its main one.

    Raises Missing (`not-a-project`), UsageError (`bad-config`), Unreadable.
    """
    if not os.path.isdir(start):
        raise Missing("not-a-project", f"there is no folder {start}", where=start, hint="check --project-root")
    root = find_root(start, services) or _root_beside_main(start)
    if root is None:
        raise Missing(
            "not-a-project",
            "this folder does not belong to an okstra project",
            where=os.path.abspath(start),
            hint="okstra setup --project-id ID --yes",
        )
    return load_project(root, services)


def load_project(root: str, services: Services) -> Project:
    """The project registered at that very folder."""
    files = ProjectFiles(root)
    return Project(files, read_config(files, services))


def read_config(files: ProjectFiles, services: Services) -> ProjectConfig:
    """The project's settings, with the id that this clone has. Raises UsageError (`bad-config`), Unreadable."""
    document = fsio.read_json(files.config)
    local = own_id(fsio.read_json(files.local_config), where=files.local_config)
    return project_config(document, where=files.config, environment=services.environment, own_id=local)


def id_at(root: str) -> str:
    """The id of the project that stands in that very folder; empty where none does, or it can't be read."""
    files = ProjectFiles(root)
    try:
        document = fsio.read_json(files.config)
        local = own_id(fsio.read_json(files.local_config), where=files.local_config)
    except OkstraError:
        return ""
    return (local or str(document.get("projectId", ""))) if document is not None else ""


def _own_worktree(start: str, services: Services) -> str:
    """The okstra worktree that contains `start`, judged by its path; empty when there is none."""
    home = os.path.realpath(services.home.worktrees)
    if not start.startswith(home + os.sep):
        return ""
    parts = start[len(home) + 1 :].split(os.sep)
    inside = not parts[0].startswith(".") and len(parts) >= WORKTREE_DEPTH
    return os.path.join(services.home.worktrees, *parts[:WORKTREE_DEPTH]) if inside else ""


def _owner(worktree: str, start: str, services: Services) -> str | None:
    """The project that owns the worktree, by the registry or else by git, which knows the main worktree."""
    doc = services.registry.read()
    holder = doc.holder_of_path(worktree)
    claim = doc.claim_of(parse_place_key(holder)) if holder else None
    if claim is None:
        return _root_beside_main(start)
    return claim.project_root if os.path.isfile(ProjectFiles(claim.project_root).config) else None


def _root_beside_main(start: str) -> str | None:
    """The project of the same folder in the main worktree, of the linked one that holds `start`."""
    repository = git.discover(start)
    if repository is None or not repository.linked:
        return None
    main = git.main_worktree(repository)
    below = os.path.relpath(os.path.realpath(start), os.path.realpath(repository.top))
    return _nearest_root(os.path.join(main, below)) if main else None


def check_known_project_id(project: ProjectFiles, project_id: str) -> None:
    """Checks the id, unless tasks were started here under it: such a project keeps its id. Settings come with a clone,
    and so may tasks: a folder with files that git tracks was not started here. Raises UsageError (`bad-identity`)."""
    try:
        check_project_id(project_id)
    except UsageError:
        folder = os.path.relpath(project.tasks_dir, project.root)
        in_git = git.discover(project.root) is not None
        if not os.path.isdir(project.tasks_dir) or (in_git and git.tracked(project.root, [folder])):
            raise
