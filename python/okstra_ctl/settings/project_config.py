"""`project.json` and the environment's sync list, as checked values (docs/design/reservation.md)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..errors import UsageError
from .trusted_commands import commands_in

COPY = "copy"
SYMLINK = "symlink"

# Folders that a package manager rewrites in place: through a link, `npm ci` in a worktree would empty the main one's.
MANAGED_FOLDERS = frozenset(
    {
        "node_modules",
        "bower_components",
        "jspm_packages",
        ".yarn",
        ".pnpm-store",
        ".venv",
        "venv",
        "env",
        ".tox",
        ".nox",
        "__pypackages__",
        "site-packages",
        "vendor",
        "Pods",
        "Carthage",
        "target",
        "build",
        "dist",
        "out",
        ".gradle",
        ".m2",
        ".bundle",
        "deps",
        "_build",
        ".stack-work",
        "dist-newstyle",
        ".dart_tool",
        "elm-stuff",
        "packages",
        ".terraform",
        ".next",
        ".nuxt",
        ".turbo",
        ".parcel-cache",
    }
)

# Those of them that mean nothing else, however deep they stand in a folder.
UNMISTAKABLE_FOLDERS = frozenset(
    {
        *("node_modules", "bower_components", "jspm_packages", ".pnpm-store"),
        *(".venv", "venv", ".tox", ".nox", "__pypackages__", "site-packages"),
    }
)


class SyncEntry(NamedTuple):
    """A path relative to the main worktree, and the mode asked for (empty: by kind)."""

    path: str
    mode: str


class SyncStep(NamedTuple):
    """Copy or link `path`; `note` explains it when that is not what was asked for."""

    path: str
    mode: str
    note: str = ""


def check_sync_path(path: str, where: str) -> str:
    """The path, normalised. Raises UsageError (`bad-sync-path`) when it leads out of the tree or into git's files."""
    normal = posixpath.normpath(path)
    parts = normal.split("/")
    if not path or "\0" in path or posixpath.isabs(path) or parts[0] in ("..", ".", "~"):
        raise UsageError(
            "bad-sync-path",
            f"the sync entry {path!r} does not point inside the main worktree",
            where=where,
            hint="write a path relative to the repository's root",
        )
    if parts[0] in (".git", ".okstra"):
        raise UsageError(
            "bad-sync-path", f"the sync entry {path!r} is {parts[0]}'s own", where=where, hint="take it out"
        )
    return normal


def sync_step(entry: SyncEntry, *, is_folder: bool, children: frozenset[str] = frozenset()) -> SyncStep:
    """Folders are linked and files copied unless the entry says otherwise; managed folders are always copied.

    `children` are the names in the folder, and unmistakable ones from further down: a folder that holds a
    managed one is no better than that one itself.
    """
    mode = entry.mode or (SYMLINK if is_folder else COPY)
    managed = MANAGED_FOLDERS.intersection(children.union(entry.path.split("/")))
    if mode == SYMLINK and managed:
        return SyncStep(entry.path, COPY, f"copied, not linked: a package manager writes {sorted(managed)[0]}")
    return SyncStep(entry.path, mode)


SCHEMA = "project/1"
LOCAL_SCHEMA = "project-local/1"
LANGUAGES = ("en", "ko")
SYNC_VARIABLE = "OKSTRA_WORKTREE_SYNC_DIRS"


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
        raise _bad(where, f"it is not a {LOCAL_SCHEMA} file")
    project_id = local.get("projectId")
    if not isinstance(project_id, str) or not project_id:
        raise _bad(where, "projectId is missing")
    return project_id


def project_config(document: object, *, where: str, environment: Mapping[str, str], own_id: str = "") -> ProjectConfig:
    """Checks a parsed `project.json`. `own_id` is the clone's own, which wins.

    Raises UsageError (`bad-config`, `bad-sync-path`) naming the field.
    """
    if not isinstance(document, dict):
        raise _bad(where, "it is not a JSON object")
    if document.get("schema") != SCHEMA:
        raise _bad(where, f"its schema is {document.get('schema')!r}; this okstra reads {SCHEMA!r}")
    project_id = document.get("projectId")
    if not isinstance(project_id, str) or not project_id:
        raise _bad(where, "projectId is missing")
    project_id = own_id or project_id
    language = document.get("reportLanguage", "en")
    if language not in LANGUAGES:
        raise _bad(where, f"reportLanguage is {language!r}; one of {', '.join(LANGUAGES)}")
    return ProjectConfig(
        project_id,
        sync_entries(document, where=where, environment=environment),
        _texts(document, "worktreeSetup", where),
        _texts(document, "qaCommands", where),
        str(language),
        str(document.get("prTemplatePath", "")),
        commands_in(document),
    )


def sync_entries(
    document: Mapping[str, object], *, where: str, environment: Mapping[str, str]
) -> tuple[SyncEntry, ...]:
    """The sync list: the environment's when it is set (also when empty: that turns sync off), else the project's."""
    if SYNC_VARIABLE in environment:
        paths = [part for part in environment[SYNC_VARIABLE].split(":") if part]
        return tuple(SyncEntry(check_sync_path(path, SYNC_VARIABLE), "") for path in paths)
    entries = document.get("worktreeSyncDirs", [])
    if not isinstance(entries, list):
        raise _bad(where, "worktreeSyncDirs is not a list")
    return tuple(_sync_entry(entry, where) for entry in entries)


def mistaken_separator(environment: Mapping[str, str]) -> list[str]:
    """Entries of the environment's sync list that hold a comma or a semicolon: most likely they are several."""
    paths = environment.get(SYNC_VARIABLE, "").split(":")
    return [path for path in paths if "," in path or ";" in path]


def _sync_entry(entry: object, where: str) -> SyncEntry:
    if isinstance(entry, str):
        return SyncEntry(check_sync_path(entry, where), "")
    if (
        isinstance(entry, dict)
        and isinstance(entry.get("path"), str)
        and entry.get("mode", "") in ("", "copy", "symlink")
    ):
        return SyncEntry(check_sync_path(entry["path"], where), str(entry.get("mode", "")))
    raise _bad(
        where, f'worktreeSyncDirs has the entry {entry!r}; write a path, or {{"path": …, "mode": "copy"|"symlink"}}'
    )


def _texts(document: Mapping[str, object], field: str, where: str) -> tuple[str, ...]:
    values = document.get(field, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise _bad(where, f"{field} is not a list of commands")
    return tuple(values)


def _bad(where: str, message: str) -> UsageError:
    return UsageError("bad-config", message, where=where, hint="fix the file; `okstra check-project` checks it")
