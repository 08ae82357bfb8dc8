"""Finding a project and its settings from where a command was started."""

from __future__ import annotations

import os

from ..core.paths import ProjectFiles
from ..core.project_config import ProjectConfig, project_config
from ..edges import fsio
from ..words.errors import Missing
from ..words.records import Record
from .doors import Doors


class Project(Record):
    """A registered project; `files.root` is its folder."""

    files: ProjectFiles
    config: ProjectConfig

    @property
    def root(self) -> str:
        return self.files.root


def find_root(start: str) -> str | None:
    """The nearest folder at or above `start` that holds `.okstra/project.json`."""
    folder = os.path.realpath(start)
    while True:
        if os.path.isfile(ProjectFiles(folder).config):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def open_project(start: str, doors: Doors) -> Project:
    """The project that `start` belongs to; a linked worktree belongs to the project of its main one.

    Raises Missing (`not-a-project`), UsageError (`bad-config`), Unreadable.
    """
    if not os.path.isdir(start):
        raise Missing("not-a-project", f"there is no folder {start}", where=start, hint="check --project-root")
    root = find_root(start) or _root_of_main_worktree(start)
    if root is None:
        raise Missing(
            "not-a-project",
            "this folder belongs to no okstra project",
            where=os.path.abspath(start),
            hint="okstra setup --project-id ID --yes",
        )
    return load_project(root, doors)


def load_project(root: str, doors: Doors) -> Project:
    """The project registered at that very folder."""
    files = ProjectFiles(root)
    document = fsio.read_json(files.config)
    return Project(files, project_config(document, where=files.config, environment=doors.environment))


def _root_of_main_worktree(start: str) -> str | None:
    from ..edges import git  # the rare way, and git's door is slow to load

    repository = git.discover(start)
    if repository is None or not repository.linked:
        return None
    main = git.main_worktree(repository)
    return find_root(main) if main else None
