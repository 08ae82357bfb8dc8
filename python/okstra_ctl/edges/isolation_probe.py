"""Taking a snapshot of what a run must leave alone. Two git processes for a worktree, side by side."""

from __future__ import annotations

import os
from hashlib import sha256

from ..core.isolation import Snapshot
from ..words.hints import Iterable, Iterator, Mapping, Sequence
from . import git
from .git.command import begin, must, text

_MOST_ENTRIES = 20_000
_LARGEST_DIGESTED = 4 * 1024 * 1024
_CLIENT_SETTINGS = {
    ".claude": ("settings.json", "settings.local.json", "CLAUDE.md"),
    ".codex": ("config.toml", "AGENTS.md"),
    ".gemini": ("settings.json", "GEMINI.md"),
}
_CLIENT_FOLDERS = {".claude": ("agents", "skills", "commands", "hooks", "plugins")}
_CLIENTS_OWN = {os.path.join("plugins", "store")}  # what Claude Code keeps for itself, and writes in every session
_GITS_OWN = {os.path.join("info", "refs")}  # derived from the refs by git's housekeeping, which may begin at any time
_HOME_VARIABLES = {".claude": "CLAUDE_CONFIG_DIR", ".codex": "CODEX_HOME"}


def snapshot(
    repository: git.Repository, worktree: str, synced: Sequence[str], environment: Mapping[str, str]
) -> Snapshot:
    """`worktree` is the run's own if its changes matter, else empty. Raises WorkFailed (`git-failed`)."""
    main = git.main_worktree(repository) if repository.linked else repository.top
    refs = begin(main, "for-each-ref", "--format=%(refname)%00%(objectname)", ask=True)
    status = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none", "--no-renames")
    of_main = begin(main, *status, ask=True)
    own = bool(worktree) and os.path.realpath(worktree) != os.path.realpath(main) and os.path.isdir(worktree)
    of_own = begin(worktree, *status, ask=True) if own else None
    files = dict(_settings(repository.common_dir, environment))
    folders = {path: _fingerprint(path) for path in synced}
    return Snapshot(
        refs=dict(line.split("\0", 1) for line in text(must(refs.finish(), "list refs")).splitlines()),
        heads=git.head_words(main),
        dirty=dict(_dirty(must(of_main.finish(), "look at the main worktree"), main)),
        files=files,
        folders=folders,
        own=dict(_dirty(must(of_own.finish(), "look at the worktree"), worktree)) if of_own else {},
    )


def _dirty(out: bytes, root: str) -> Iterator[tuple[str, str]]:
    for entry in out.split(b"\0"):
        if entry:
            code, path = text(entry[:2]), text(entry[3:])
            if not path.startswith(".okstra/"):
                yield path, f"{code} {_stamp(os.path.join(root, path))}"


def _stamp(path: str) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return "gone"
    return f"{found.st_size} {found.st_mtime_ns}"


def _settings(common_dir: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """git's own settings and hooks, and those of the person's git and clients."""
    home = environment.get("HOME", "")
    paths = [os.path.join(common_dir, name) for name in ("config", "config.worktree")]
    gits_own = {os.path.join(common_dir, name) for name in _GITS_OWN}
    for folder in (os.path.join(common_dir, "hooks"), os.path.join(common_dir, "info")):
        paths += [path for path in _files_below(folder) if path not in gits_own]
    if home:
        paths += [os.path.join(home, ".gitconfig"), os.path.join(home, ".config", "git", "config")]
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
    """Of a small plain file; of anything else its stamp; empty when there is nothing."""
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
    """Names, sizes and times of what lies in the folder, two levels deep: what a package manager's run changes."""
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
