"""Edits that `git status` does not show: of files marked `assume-unchanged` or `skip-worktree` in the index.

People mark files to keep a setting local, agents by mistake or to pass a gate. The edits exist all the same, and count
before a worktree is removed or called clean. A sparse checkout marks what it leaves out as `skip-worktree`; a file that
is left out is not an edit.
"""

from __future__ import annotations

import os
import tempfile
from typing import NamedTuple

from .command import begin, git, must, text

_SKIPPED = b"S"
_LIST = ("ls-files", "--full-name", "-v", "--stage", "-z", "--", ":/")


class _Marked(NamedTuple):
    """An entry of the index: `entry` as `update-index --index-info` takes it."""

    path: str
    entry: bytes
    skipped: bool


class HiddenEdits:
    """A running query of git about the worktree whose top is `root`."""

    def __init__(self, root: str, extra: dict[str, str] | None = None) -> None:
        self._root, self._extra = root, extra or {}
        self._running = begin(root, *_LIST, ask=True, extra=self._extra)

    def finish(self) -> list[str]:
        """Paths that differ from the index, though `git status` does not show it."""
        marked, _ = _split(self._root, must(self._running.finish(), "list the index"), self._extra)
        return _changed(self._root, marked, self._extra) if marked else []


def hidden_edits(root: str) -> list[str]:
    """As `HiddenEdits`, started and finished. Raises WorkFailed (`git-failed`)."""
    return HiddenEdits(root).finish()


def sparse_excluded(root: str) -> list[str]:
    """Tracked files that the worktree's sparse checkout leaves out."""
    return _split(root, must(git(root, *_LIST, ask=True), "list the index"), {})[1]


def _split(root: str, listed: bytes, extra: dict[str, str]) -> tuple[list[_Marked], list[str]]:
    """The marked files to compare, and those that a sparse checkout leaves out."""
    marked = [_marked(entry) for entry in listed.split(b"\0") if _is_marked(entry)]
    absent = {one.path for one in marked if one.skipped and not os.path.lexists(os.path.join(root, one.path))}
    if not absent or not _is_sparse(root, extra):
        return marked, []
    return [one for one in marked if one.path not in absent], sorted(absent)


def _is_marked(entry: bytes) -> bool:
    """Lower-case letters mean `assume-unchanged`."""
    return entry[:1].islower() or entry[:1] == _SKIPPED


def _marked(entry: bytes) -> _Marked:
    tag, _, rest = entry.partition(b" ")
    return _Marked(text(rest.partition(b"\t")[2]), rest, tag.upper() == _SKIPPED)


def _is_sparse(root: str, extra: dict[str, str]) -> bool:
    return git(root, "config", "--type=bool", "core.sparseCheckout", ask=True, extra=extra).stdout.strip() == b"true"


def _changed(root: str, marked: list[_Marked], extra: dict[str, str]) -> list[str]:
    """Which of them differ: by a temporary index without marks and times, so that git compares contents."""
    with tempfile.TemporaryDirectory(prefix="okstra-index-") as folder:
        own = {**extra, "GIT_INDEX_FILE": os.path.join(folder, "index")}
        entries = b"".join(one.entry + b"\0" for one in marked)
        made = begin(root, "update-index", "-z", "--index-info", stdin=entries, extra=own).finish()
        must(made, "look behind the index's marks")
        words = ("diff", "--name-only", "-z", "--no-renames", "--no-relative", "--ignore-submodules=none")
        found = must(git(root, *words, extra=own), "look behind the index's marks")
    return [text(name) for name in found.split(b"\0") if name]
