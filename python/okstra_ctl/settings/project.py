"""Finds a project from the folder in which a command was started, and reads its settings: `project.json`, as
checked values (docs/design/reservation.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .. import git
from ..claims.ports import MOST_NAMES, bad_name
from ..errors import Missing, OkstraError, UsageError, bad_config
from ..home_paths import WORKTREE_DEPTH
from ..names import check_project_id, parse_place_key
from ..paths import ProjectFiles
from ..services import Services
from ..system import files
from ..system.locks import LockKind, locked
from .claims_remote import ClaimsSettings, claims_settings
from .sync_list import SyncEntry, sync_entries
from .trust import commands_in

_GITIGNORE = b"# okstra's runs stay out of git; the project's settings don't.\n*\n!project.json\n"


SCHEMA = "project/1"
LOCAL_SCHEMA = "project-local/1"
LANGUAGES = ("en", "ko")


class ProjectConfig(NamedTuple):
    """A project's settings; `sync` is empty when nothing is to be copied or linked into new worktrees."""

    project_id: str
    sync: tuple[SyncEntry, ...] = ()
    worktree_setup: tuple[str, ...] = ()
    qa_commands: tuple[str, ...] = ()
    report_language: str = "en"
    pr_template_path: str = ""
    commands: Mapping[str, object] = MappingProxyType({})
    """The settings that run commands, as they stand in the file: what a person trusts, or not."""
    worktree_teardown: tuple[str, ...] = ()
    test_paths: tuple[str, ...] = ()
    """Globs of files that count as tests in a stage's proof, besides the usual names."""
    claims: ClaimsSettings = ClaimsSettings()
    worktree_ports: tuple[str, ...] = ()
    """Variables that each worktree has a port of its own for."""


def new_project_document(project_id: str, report_language: str = "en") -> dict[str, object]:
    """What `okstra setup` writes."""
    return {
        "schema": SCHEMA,
        "projectId": project_id,
        "worktreeSyncDirs": [],
        "worktreeSetup": [],
        "qaCommands": [],
        "reportLanguage": report_language,
    }


def new_local_document(project_id: str) -> dict[str, object]:
    """What `okstra setup` writes for a clone that needs an id of its own."""
    return {"schema": LOCAL_SCHEMA, "projectId": project_id}


def own_id(local: object, *, where: str) -> str:
    """The id of a parsed `project.local.json`; empty without one. Raises UsageError (`bad-config`)."""
    if local is None:
        return ""
    if not isinstance(local, dict) or local.get("schema") != LOCAL_SCHEMA:
        raise bad_config(where, f"it is not a {LOCAL_SCHEMA} file")
    project_id = local.get("projectId")
    if not isinstance(project_id, str) or not project_id:
        raise bad_config(where, "projectId is missing")
    return project_id


def project_config(document: object, *, where: str, environment: Mapping[str, str], own_id: str = "") -> ProjectConfig:
    """Checks a parsed `project.json`. `own_id` is the clone's own, which wins.

    Raises UsageError (`bad-config`, `bad-sync-path`) naming the field.
    """
    if not isinstance(document, dict):
        raise bad_config(where, "it is not a JSON object")
    if document.get("schema") != SCHEMA:
        raise bad_config(where, f"its schema is {document.get('schema')!r}; this okstra reads {SCHEMA!r}")
    project_id = document.get("projectId")
    if not isinstance(project_id, str) or not project_id:
        raise bad_config(where, "projectId is missing")
    project_id = own_id or project_id
    language = document.get("reportLanguage", "en")
    if language not in LANGUAGES:
        raise bad_config(where, f"reportLanguage is {language!r}; one of {', '.join(LANGUAGES)}")
    return ProjectConfig(
        project_id,
        sync_entries(document, where=where, environment=environment),
        _texts(document, "worktreeSetup", where),
        _texts(document, "qaCommands", where),
        str(language),
        str(document.get("prTemplatePath", "")),
        commands_in(document),
        _texts(document, "worktreeTeardown", where),
        _texts(document, "testPaths", where, "patterns"),
        claims_settings(document),
        _port_names(document, where),
    )


def teardown_commands(path: str) -> tuple[str, ...]:
    """`worktreeTeardown` of the settings at that path; none where the file is gone. Raises UsageError (`bad-config`),
    Unreadable."""
    return _texts(files.read_json(path) or {}, "worktreeTeardown", path)


def port_names(path: str) -> tuple[str, ...]:
    """`worktreePorts` of the settings at that path; none where the file is gone. Raises as `teardown_commands`."""
    return _port_names(files.read_json(path) or {}, path)


def _port_names(document: Mapping[str, object], where: str) -> tuple[str, ...]:
    names = _texts(document, "worktreePorts", where, "variables")
    if fault := next(filter(None, map(bad_name, names)), ""):
        raise bad_config(where, f"worktreePorts: {fault}")
    if len(set(names)) != len(names) or len(names) > MOST_NAMES:
        raise bad_config(where, f"worktreePorts has a name twice, or more than {MOST_NAMES}")
    return names


def _texts(document: Mapping[str, object], field: str, where: str, kind: str = "commands") -> tuple[str, ...]:
    values = document.get(field, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise bad_config(where, f"{field} is not a list of {kind}")
    return tuple(values)


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
            hint="okstra init",
        )
    return load_project(root, services)


def load_project(root: str, services: Services) -> Project:
    """The project registered at that very folder."""
    project_files = ProjectFiles(root)
    return Project(project_files, read_config(project_files, services))


def read_config(project_files: ProjectFiles, services: Services) -> ProjectConfig:
    """The project's settings, with the id that this clone has. Raises UsageError (`bad-config`), Unreadable."""
    document = files.read_json(project_files.config)
    local = own_id(files.read_json(project_files.local_config), where=project_files.local_config)
    return project_config(document, where=project_files.config, environment=services.environment, own_id=local)


def id_at(root: str) -> str:
    """The id of the project that stands in that very folder; empty where none does, or it can't be read."""
    project_files = ProjectFiles(root)
    try:
        document = files.read_json(project_files.config)
        local = own_id(files.read_json(project_files.local_config), where=project_files.local_config)
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


def hide_runs(project: ProjectFiles) -> None:
    """Keeps git from seeing the project's runs; settings stay visible, so that they can be committed."""
    if not os.path.exists(project.gitignore):
        with locked(LockKind.INDEX, project.lock):
            files.replace(project.gitignore, _GITIGNORE, mode=0o644)
