"""Taking a snapshot of what a run must not change. Two git processes per worktree, side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from .. import git
from ..git.command import begin, must, text
from ..system import processes
from ..worktrees.proofs import is_proof
from .breaches import HIDDEN, LOOKED_AT, MISSING, Snapshot

_MOST_ENTRIES = 20_000
_LARGEST_DIGESTED = 4 * 1024 * 1024
_CLIENT_SETTINGS = {
    ".claude": ("settings.json", "settings.local.json", "CLAUDE.md"),
    ".codex": ("config.toml", "AGENTS.md"),
    ".gemini": ("settings.json", "GEMINI.md"),
}
_CLIENT_FOLDERS = {".claude": ("agents", "skills", "commands", "hooks", "plugins")}
_CLIENTS_OWN = {os.path.join("plugins", "store")}  # Claude Code's own state, written in every session
_GITS_OWN = {os.path.join("info", "refs")}  # derived from the refs by git's housekeeping, which may start at any time
_HOME_VARIABLES = {".claude": "CLAUDE_CONFIG_DIR", ".codex": "CODEX_HOME"}
_IN_GIT_DIR = ("config", "config.worktree", "shallow", os.path.join("objects", "info", "alternates"))
_OF_THE_PERSONS_GIT = (
    ".gitconfig",
    *(os.path.join(".config", "git", name) for name in ("config", "ignore", "attributes")),
)
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none", "--no-renames")


class SnapshotScope(NamedTuple):
    """What is looked at besides the repository itself. `worktree` is the run's own if its changes matter, else empty;
    `siblings` are okstra's idle worktrees; `files` further settings."""

    worktree: str
    siblings: Sequence[str]
    synced: Sequence[str]
    files: Sequence[str]
    hooks: str
    """The folder of the repository's own hooks."""


class _WorktreeScan(NamedTuple):
    """A worktree's two running git processes: its status, and what its index hides from that."""

    root: str
    status: processes.Running
    hidden: git.HiddenEdits

    def finish(self) -> Iterator[tuple[str, str]]:
        yield from _dirty(must(self.status.finish(), "look at the worktree"), self.root)
        for path in self.hidden.finish():
            yield path, f"{HIDDEN} {_stamp(os.path.join(self.root, path))}"


def snapshot(repository: git.Repository, looks: SnapshotScope, environment: Mapping[str, str]) -> Snapshot:
    """Raises WorkFailed (`git-failed`)."""
    main = git.main_worktree(repository) if repository.linked else repository.top
    refs = begin(main, "for-each-ref", "--format=%(refname)%00%(objectname)", read_only=True)
    of_main = _begin_scan(main, "--ignored=matching")
    own = bool(looks.worktree) and os.path.realpath(looks.worktree) != os.path.realpath(main)
    of_own = _begin_scan(looks.worktree) if own and os.path.isdir(looks.worktree) else None
    of_siblings = [_begin_scan(folder) for folder in looks.siblings if os.path.isdir(folder)]
    return Snapshot(
        refs=dict(line.split("\0", 1) for line in text(must(refs.finish(), "list refs")).splitlines()),
        heads=dict(_heads(main)),
        dirty=dict(of_main.finish()),
        files=dict(_settings(repository.common_dir, looks, environment)),
        folders={path: _fingerprint(path) for path in looks.synced},
        own=dict(of_own.finish()) if of_own else {},
        siblings=dict(_siblings(of_siblings)),
    )


def _begin_scan(root: str, *flags: str) -> _WorktreeScan:
    return _WorktreeScan(root, begin(root, *_STATUS, *flags, read_only=True), git.HiddenEdits(root))


def _siblings(scans: Iterable[_WorktreeScan]) -> Iterator[tuple[str, str]]:
    for one in scans:
        yield one.root, LOOKED_AT
        for path, code in one.finish():
            yield os.path.join(one.root, path), code


def _dirty(out: bytes, root: str) -> Iterator[tuple[str, str]]:
    """The entries of `git status`. Ignored folders are left out: they are caches and dependencies. So are untracked
    files below `.okstra`: they are okstra's records."""
    for entry in out.split(b"\0"):
        if entry:
            code, path = text(entry[:2]), text(entry[3:])
            known = code not in ("??", "!!")
            if known or not (path.startswith(".okstra/") or (code == "!!" and path.endswith("/"))):
                yield path, f"{code} {_stamp(os.path.join(root, path))}"


def _stamp(path: str) -> str:
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return "gone"
    return f"{found.st_size} {found.st_mtime_ns}"


def _heads(main: str) -> Iterator[tuple[str, str]]:
    """The HEAD of every worktree, as git reports it: the format of its files may change."""
    for number, one in enumerate(git.worktrees(main)):
        head = f"ref: refs/heads/{one.branch}" if one.branch else one.head
        if number == 0:
            yield main, head
        elif is_proof(one.path, one.lock_reason):  # okstra's own, at another commit for each check
            continue
        else:
            yield one.path, head if os.path.isdir(one.path) else MISSING


def _settings(common_dir: str, looks: SnapshotScope, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """git's own settings and hooks, and those of the person's git and clients."""
    home = environment.get("HOME", "")
    paths = [*looks.files, *(os.path.join(common_dir, name) for name in _IN_GIT_DIR)]
    gits_own = {os.path.join(common_dir, name) for name in _GITS_OWN}
    for folder in dict.fromkeys([os.path.join(common_dir, "hooks"), looks.hooks, os.path.join(common_dir, "info")]):
        paths += [path for path in _files_below(folder) if path not in gits_own]
    if home:
        paths += [os.path.join(home, name) for name in _OF_THE_PERSONS_GIT]
        for client, names in _CLIENT_SETTINGS.items():
            place = environment.get(_HOME_VARIABLES.get(client, ""), "") or os.path.join(home, client)
            paths += [os.path.join(place, name) for name in names]
            for folder in _CLIENT_FOLDERS.get(client, ()):
                own = [os.path.join(place, name) for name in _CLIENTS_OWN]
                paths += _files_below(os.path.join(place, folder), without=own)
    for path in paths:
        digest = _digest(path)
        if digest:
            yield path, digest


def _files_below(folder: str, without: Sequence[str] = ()) -> list[str]:
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if os.path.join(place, name) not in without)
        found += [os.path.join(place, name) for name in sorted(names)]
        if len(found) > _MOST_ENTRIES:
            break
    return found


def _digest(path: str) -> str:
    """The digest of a small regular file, the stamp of anything else; empty when there is nothing."""
    if not os.path.lexists(path):
        return ""
    if os.path.isfile(path) and os.path.getsize(path) <= _LARGEST_DIGESTED:
        try:
            with open(path, "rb") as file:
                return sha256(file.read()).hexdigest()
        except OSError:
            return _stamp(path)
    return _stamp(path)


def _fingerprint(folder: str) -> str:
    """A digest of names, sizes and times in the folder, two levels deep: what a package manager changes."""
    if not os.path.isdir(folder):
        return _digest(folder)
    entries: list[str] = []
    for place in _two_levels(folder):
        try:
            with os.scandir(place) as found:
                for entry in found:
                    stat = entry.stat(follow_symlinks=False)
                    entries.append(
                        f"{os.path.relpath(entry.path, folder)} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns}"
                    )
        except OSError:
            continue
        if len(entries) > _MOST_ENTRIES:
            break
    return sha256("\n".join(sorted(entries)).encode("utf-8", "surrogateescape")).hexdigest()


def _two_levels(folder: str) -> Iterable[str]:
    yield folder
    try:
        with os.scandir(folder) as found:
            below = sorted(entry.path for entry in found if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    yield from below
