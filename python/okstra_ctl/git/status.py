"""What a worktree holds besides its commits: changed, untracked, ignored and tracked files.

Files that the index marks as unchanged are compared all the same (`hidden_edits`), and submodules count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..system import processes
from .command import git, must, text
from .environment import hooks_environment
from .hidden_edits import HiddenEdits

_STATUS = ("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=none")
_IGNORED = b"!! "


class Unsaved(NamedTuple):
    """What no commit has: `dirty` are uncommitted and untracked paths; of what git ignores, a folder is one path."""

    dirty: list[str]
    ignored: list[str]


def dirty_files(root: str) -> list[str]:
    """Uncommitted and untracked paths; ignored ones don't count."""
    return _status(root, "--untracked-files=all").dirty


def unsaved(root: str) -> Unsaved:
    """What would be lost with the worktree, in one pass."""
    return _status(root, "--untracked-files=all", "--ignored=matching")


def dirty_files_moved(git_dir: str, folder: str) -> list[str]:
    """As `dirty_files`, of a worktree whose folder was moved without git knowing; without its submodules, which each
    have a git folder of their own."""
    extra = {"GIT_DIR": git_dir, "GIT_WORK_TREE": folder}
    return _status(folder, "--untracked-files=all", "--ignore-submodules=all", extra=extra).dirty


def tracked_changes(root: str) -> bool:
    """Whether a tracked file differs from HEAD; untracked files don't count."""
    return bool(_status(root, "--untracked-files=no").dirty)


def _status(root: str, *more: str, extra: dict[str, str] | None = None) -> Unsaved:
    hidden = HiddenEdits(root, extra)
    entries = must(git(root, *_STATUS, *more, ask=True, extra=extra), "read the status").split(b"\0")
    ignored = [text(entry[3:]) for entry in entries if entry.startswith(_IGNORED)]
    dirty = [text(entry[3:]) for entry in entries if entry and not entry.startswith(_IGNORED)]
    return Unsaved(list(dict.fromkeys([*dirty, *hidden.finish()])), ignored)


def tracked(root: str, paths: Iterable[str]) -> set[str]:
    """Which of the paths git tracks, or has tracked files below."""
    wanted = list(paths)
    if not wanted:
        return set()
    out = must(git(root, "--literal-pathspecs", "ls-files", "-z", "--", *wanted, ask=True), "list tracked files")
    files = [text(name) for name in out.split(b"\0") if name]
    return {path for path in wanted if any(name == path or name.startswith(f"{path}/") for name in files)}


def staged_files(root: str) -> tuple[str, ...]:
    """Paths that the next commit would touch; called within a hook."""
    words = ("diff", "--cached", "--name-only", "--no-renames", "--ignore-submodules=none", "-z")
    ended = processes.run(["git", "-C", root, *words], env=hooks_environment())
    return tuple(text(name) for name in ended.stdout.split(b"\0") if name)
