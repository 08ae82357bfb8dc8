"""Who made a change: a worker whose git did it, or could have; otherwise nobody is named (the isolation receipt).

The evidence is git's own trace of each worker's commands, and the run's hooks' log of moved refs. A worker can switch
both off: then there is no evidence, and the author of the change is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .breaches import SOMEBODY, UNKNOWN, WORKER, Changed, Snapshot

_GLOBAL_WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env")
_MOVE_ANY = frozenset(["fast-import", "receive-pack"])
_ASKING = {
    "stash": frozenset(["list", "show", "create"]),
    "worktree": frozenset(["list", "lock", "unlock"]),
    "remote": frozenset(["-v", "--verbose", "show", "get-url"]),
    "submodule": frozenset(["status", "summary"]),
    "bisect": frozenset(["log", "view", "visualize"]),
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Commands that move their worktree's branch, or its detached HEAD.
_MOVE_HEAD = _set(
    "commit merge rebase reset cherry-pick revert am pull filter-branch checkout switch bisect update-ref "
    "symbolic-ref replay"
)
# Commands that move refs named in their arguments, or in their input.
_MOVE_NAMED = _set(
    "branch tag update-ref fetch pull push checkout switch worktree symbolic-ref receive-pack replace notes "
    "filter-branch rebase"
)
_MOVE_TRACKING = _set("fetch pull push remote update-ref")
_WRITE_FILES = _set(
    "checkout restore reset stash apply am merge rebase rm mv clean pull cherry-pick revert add update-index "
    "read-tree checkout-index sparse-checkout switch bisect commit worktree submodule"
)
_WRITE_CONFIG = {
    "remote": _set("add remove rm rename set-branches set-url"),
    "submodule": _set("add init deinit sync update set-branch set-url"),
    "sparse-checkout": _set("set add init disable"),
    "maintenance": _set("register unregister start stop"),
}
_READ_CONFIG = _set("--get --get-all --get-regexp --get-urlmatch -l --list")
_TRACKING_OPTIONS = _set("-u -d -D -m -M --unset-upstream")
_MAY_FAIL_HALF_WAY = _set("rebase merge pull am cherry-pick revert push fetch stash bisect filter-branch")


class TracedCommand(NamedTuple):
    """One git process of a worker: its arguments without `git` itself, the worktree or git folder it worked in, its
    exit status (None: unknown), and the hooks folder that it used last."""

    worker: str
    sid: str
    arguments: tuple[str, ...]
    worktree: str
    git_dir: str
    status: int | None
    hooks: str

    @property
    def words(self) -> tuple[str, ...]:
        """The command and its arguments, without git's global options."""
        words = list(self.arguments)
        while words and words[0].startswith("-"):
            del words[: 2 if words[0] in _GLOBAL_WITH_VALUE else 1]
        return tuple(words)


class RefMove(NamedTuple):
    """A row of the run's hook's log: a process moved a ref, or was refused to."""

    worker: str
    sid: str
    refused: bool
    old: str
    new: str
    ref: str


class Evidence(NamedTuple):
    """`at_work`: whether any worker was started at all. `hooks` is the folder of the run's own git hooks: the log is
    complete for processes that used them. `git_dir` and `worktrees` are the repository's."""

    commands: tuple[TracedCommand, ...]
    moves: tuple[RefMove, ...]
    at_work: bool
    hooks: str
    git_dir: str
    worktrees: frozenset[str]


def author_of(changed: Changed, evidence: Evidence, before: Snapshot, after: Snapshot) -> str:
    """`worker <id>`, `person or other program`, or `unknown`."""
    if changed.kind in ("ref", "remote-ref"):
        for move in evidence.moves:
            if move.ref == changed.what and not move.refused:
                return f"{WORKER}{move.worker}"
    for traced in evidence.commands:
        if _is_here(traced, evidence) and _could(traced, changed, evidence, before, after):
            return f"{WORKER}{traced.worker}"
    return UNKNOWN if evidence.at_work else SOMEBODY


def pushes(evidence: Evidence) -> tuple[TracedCommand, ...]:
    """Completed pushes out of the repository, one per command."""
    refused = {move.sid for move in evidence.moves if move.refused and move.ref.startswith("refs/remotes/")}
    found: dict[str, TracedCommand] = {}
    for one in evidence.commands:
        words = one.words
        if not words or words[0] not in ("push", "send-pack") or {"-n", "--dry-run"} & set(words):
            continue
        if _is_here(one, evidence) and (one.status == 0 or one.sid in refused):
            found.setdefault(one.sid.split("/")[0], one)
    return tuple(found.values())


def _is_here(traced: TracedCommand, evidence: Evidence) -> bool:
    if traced.worktree and traced.worktree in evidence.worktrees:
        return True
    places = [traced.git_dir]
    if traced.words[:1] == ("receive-pack",):
        places += traced.words[1:]
    return any(
        place == evidence.git_dir or place.startswith(f"{evidence.git_dir}/") or place in evidence.worktrees
        for place in places
        if place
    )


def _could(traced: TracedCommand, changed: Changed, evidence: Evidence, before: Snapshot, after: Snapshot) -> bool:
    words = traced.words
    if not words or (words[1:2] and words[1] in _ASKING.get(words[0], ())):
        return False
    if traced.status not in (0, None) and words[0] not in _MAY_FAIL_HALF_WAY:
        return False
    if changed.kind in ("ref", "remote-ref"):
        logged = bool(evidence.hooks) and traced.hooks == evidence.hooks
        return not logged and _could_move(traced, words, changed.what, (before, after))
    if changed.kind == "head":
        return words[0] in _MOVE_HEAD and traced.worktree == changed.folder
    if changed.kind == "worktree":
        return words[0] == "worktree" and any(_same_end(word, changed.what) for word in words[2:])
    if changed.kind in ("main-worktree", "ignored-file", "source-edit", "sibling"):
        return words[0] in _WRITE_FILES and traced.worktree == changed.folder
    return changed.kind == "settings" and _could_set(words, changed.what, evidence)


def _could_move(traced: TracedCommand, words: Sequence[str], ref: str, snapshots: tuple[Snapshot, ...]) -> bool:
    command = words[0]
    if ref.startswith("refs/remotes/"):
        return command in _MOVE_TRACKING
    if ref == "refs/stash":
        return command == "stash" or (command == "update-ref" and _names(words, ref))
    if ref.startswith("refs/tags/") and command in ("fetch", "pull"):
        return True
    if command in _MOVE_HEAD and any(one.heads.get(traced.worktree) == f"ref: {ref}" for one in snapshots):
        return command != "update-ref" or "HEAD" in words
    return command in _MOVE_ANY or (command in _MOVE_NAMED and _names(words, ref))


def _names(words: Sequence[str], ref: str) -> bool:
    """Whether an argument names the ref, in full or short, alone or in a refspec, or names are read from input."""
    short = ref.split("/", 2)[-1]
    for word in words[1:]:
        if word == "--stdin" or {ref, short} & set(word.lstrip("+").split(":")):
            return True
        if word.partition("=")[2] in (ref, short):
            return True
    return False


def _same_end(word: str, folder: str) -> bool:
    """Whether an argument, relative or absolute, has the same last path component as the folder."""
    return bool(word) and word.rstrip("/").rpartition("/")[2] == folder.rstrip("/").rpartition("/")[2]


def _could_set(words: Sequence[str], path: str, evidence: Evidence) -> bool:
    command, options = words[0], {word for word in words[1:] if word.startswith("-")}
    if command == "config":
        given = [word for word in words[1:] if not word.startswith("-")]
        if options & _READ_CONFIG or given[:1] in (["get"], ["list"]) or (len(given) < 2 and not options):
            return False
        if options & {"-f", "--file"} or any(word.startswith("--file=") for word in options):
            return True
        return _is_the_persons(path) if "--global" in options else path.startswith(f"{evidence.git_dir}/config")
    if path.startswith(f"{evidence.git_dir}/info/"):
        return command == "sparse-checkout"
    if not path.startswith(f"{evidence.git_dir}/config"):
        return False
    if command in ("branch", "push"):
        return any(word in _TRACKING_OPTIONS or word.startswith("--set-upstream") for word in options)
    return words[1:2] != () and words[1] in _WRITE_CONFIG.get(command, ())


def _is_the_persons(path: str) -> bool:
    return path.endswith(("/.gitconfig", "/git/config"))
