"""Which files and folders of the main worktree a new worktree gets, and whether it gets a copy or a link."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import UsageError, bad_config

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
SYNC_VARIABLE = "OKSTRA_WORKTREE_SYNC_DIRS"


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


def sync_entries(
    document: Mapping[str, object], *, where: str, environment: Mapping[str, str]
) -> tuple[SyncEntry, ...]:
    """The sync list: the environment's when it is set (also when empty: that turns sync off), else the project's."""
    if SYNC_VARIABLE in environment:
        paths = [part for part in environment[SYNC_VARIABLE].split(":") if part]
        return tuple(SyncEntry(check_sync_path(path, SYNC_VARIABLE), "") for path in paths)
    entries = document.get("worktreeSyncDirs", [])
    if not isinstance(entries, list):
        raise bad_config(where, "worktreeSyncDirs is not a list")
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
    raise bad_config(
        where, f'worktreeSyncDirs has the entry {entry!r}; write a path, or {{"path": …, "mode": "copy"|"symlink"}}'
    )
