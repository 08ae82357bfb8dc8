"""What a worktree holds besides its commits: changed, untracked, ignored and tracked files.

Files that the index marks as unchanged are compared all the same (`hidden_edits`), and submodules count.

Edits of files that are marked `assume-unchanged` or `skip-worktree` are not in `git status`. People mark files to keep
a setting local, agents by mistake or to pass a gate. The edits exist all the same, and count before a worktree is
removed or called clean. A sparse checkout marks what it leaves out as `skip-worktree`; a file that is left out is not
an edit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from ..system import files, processes
from .command import begin, environment, git, hooks_environment, must, text
from .repository import Repository

_HEADING = "# okstra: links to folders of the main worktree (a pattern that ends in / matches no link)"
_SKIPPED = b"S"
_LIST = ("ls-files", "--full-name", "-v", "--stage", "-z", "--", ":/")
_STATUS = ("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=none")
_IGNORED = b"!! "


class Unsaved(NamedTuple):
    """What no commit has: `dirty` are uncommitted and untracked paths; of what git ignores, a folder is one path."""

    dirty: list[str]
    ignored: list[str]


def dirty_files(root: str) -> list[str]:
    """Uncommitted and untracked paths; ignored ones don't count."""
    return _status(root, "--untracked-files=all").dirty


def untracked_files(root: str) -> list[str]:
    """Paths that git has never seen; ignored ones don't count."""
    found = must(git(root, "ls-files", "-z", "--others", "--exclude-standard", read_only=True), "list untracked files")
    return [os.fsdecode(name) for name in found.split(b"\0") if name]


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
    entries = must(git(root, *_STATUS, *more, read_only=True, extra=extra), "read the status").split(b"\0")
    ignored = [text(entry[3:]) for entry in entries if entry.startswith(_IGNORED)]
    dirty = [text(entry[3:]) for entry in entries if entry and not entry.startswith(_IGNORED)]
    return Unsaved(list(dict.fromkeys([*dirty, *hidden.finish()])), ignored)


def tracked(root: str, paths: Iterable[str]) -> set[str]:
    """Which of the paths git tracks, or has tracked files below."""
    wanted = list(paths)
    if not wanted:
        return set()
    out = must(git(root, "--literal-pathspecs", "ls-files", "-z", "--", *wanted, read_only=True), "list tracked files")
    files = [text(name) for name in out.split(b"\0") if name]
    return {path for path in wanted if any(name == path or name.startswith(f"{path}/") for name in files)}


def staged_files(root: str) -> tuple[str, ...]:
    """Paths that the next commit would touch; called within a hook."""
    words = ("diff", "--cached", "--name-only", "--no-renames", "--ignore-submodules=none", "-z")
    ended = processes.run(["git", "-C", root, *words], env=hooks_environment())
    return tuple(text(name) for name in ended.stdout.split(b"\0") if name)


def ignored(root: str, paths: Iterable[str]) -> set[str]:
    """Which of the paths, relative to `root`, git ignores there."""
    asked = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    if not asked:
        return set()
    command = ["git", "-C", root, "check-ignore", "-z", "--stdin"]
    out = processes.start(command, env=environment(), stdin=asked).finish().stdout
    return {name.decode("utf-8", "surrogateescape") for name in out.split(b"\0") if name}


def ignore_in_this_clone(repository: Repository, paths: Iterable[str]) -> None:
    """Adds the paths to `info/exclude`. Under the repository lock. Raises WorkFailed (`write-failed`)."""
    path = os.path.join(repository.common_dir, "info", "exclude")
    known = (files.read_bytes(path) or b"").decode("utf-8", "surrogateescape")
    lines = known.split("\n")
    new = [line for line in map(_pattern, paths) if line not in lines]
    if not new:
        return
    text = "".join(f"{line}\n" for line in ([] if _HEADING in lines else [_HEADING]) + new)
    glue = "\n" if known and not known.endswith("\n") else ""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab") as file:
            file.write((glue + text).encode("utf-8", "surrogateescape"))
    except OSError as error:
        files.raise_write_failed(path, error)


def _pattern(path: str) -> str:
    escaped = "".join(f"\\{char}" if char in "\\*?[" else char for char in path)
    return "/" + (escaped[:-1] + "\\ " if escaped.endswith(" ") else escaped)


class _Marked(NamedTuple):
    """An entry of the index: `entry` as `update-index --index-info` takes it."""

    path: str
    entry: bytes
    skipped: bool


class HiddenEdits:
    """A running query of git about the worktree whose top is `root`."""

    def __init__(self, root: str, extra: dict[str, str] | None = None) -> None:
        self._root, self._extra = root, extra or {}
        self._running = begin(root, *_LIST, read_only=True, extra=self._extra)

    def finish(self) -> list[str]:
        """Paths that differ from the index, though `git status` does not show it."""
        marked, _ = _split(self._root, must(self._running.finish(), "list the index"), self._extra)
        return _changed(self._root, marked, self._extra) if marked else []


def hidden_edits(root: str) -> list[str]:
    """As `HiddenEdits`, started and finished. Raises WorkFailed (`git-failed`)."""
    return HiddenEdits(root).finish()


def sparse_excluded(root: str) -> list[str]:
    """Tracked files that the worktree's sparse checkout leaves out."""
    return _split(root, must(git(root, *_LIST, read_only=True), "list the index"), {})[1]


def _split(root: str, listed: bytes, extra: dict[str, str]) -> tuple[list[_Marked], list[str]]:
    """The marked files to compare, and those that a sparse checkout leaves out."""
    marked = [_marked(entry) for entry in listed.split(b"\0") if is_marked(entry)]
    absent = {one.path for one in marked if one.skipped and not os.path.lexists(os.path.join(root, one.path))}
    if not absent or not _is_sparse(root, extra):
        return marked, []
    return [one for one in marked if one.path not in absent], sorted(absent)


def is_marked(entry: bytes) -> bool:
    """Lower-case letters mean `assume-unchanged`."""
    return entry[:1].islower() or entry[:1] == _SKIPPED


def _marked(entry: bytes) -> _Marked:
    tag, _, rest = entry.partition(b" ")
    return _Marked(text(rest.partition(b"\t")[2]), rest, tag.upper() == _SKIPPED)


def _is_sparse(root: str, extra: dict[str, str]) -> bool:
    return (
        git(root, "config", "--type=bool", "core.sparseCheckout", read_only=True, extra=extra).stdout.strip() == b"true"
    )


def _changed(root: str, marked: list[_Marked], extra: dict[str, str]) -> list[str]:
    """Which of them differ: by a temporary index without marks and times, so that git compares contents."""
    import tempfile  # slow to import

    with tempfile.TemporaryDirectory(prefix="okstra-index-") as folder:
        own = {**extra, "GIT_INDEX_FILE": os.path.join(folder, "index")}
        entries = b"".join(one.entry + b"\0" for one in marked)
        made = begin(root, "update-index", "-z", "--index-info", stdin=entries, extra=own).finish()
        must(made, "look behind the index's marks")
        words = ("diff", "--name-only", "-z", "--no-renames", "--no-relative", "--ignore-submodules=none")
        found = must(git(root, *words, read_only=True, extra=own), "look behind the index's marks")
    return [text(name) for name in found.split(b"\0") if name]
