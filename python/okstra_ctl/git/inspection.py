"""Which of okstra's own git calls are contained: those that look into a worktree where something contained has worked.

Whatever worked there may have left what git runs as it looks: a script in the tree that a filter of the person's names,
or a repository in a submodule's place with filters of its own. A mark in git's own folder of the worktree, which
nothing contained can write, tells that such a worker was there; every other worktree is read directly.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..errors import Unreadable
from ..system import files, foreign_files, inspection
from ..system.inspection import Contained, Look

_MARK = "okstra.contained"
_OPENS_FILES = frozenset({"status", "diff", "hash-object", "submodule"})
"""What runs filters, or enters submodules; all else reads git's records alone."""
_MOST = 64 * 1024


def mark(admin: str, content: str) -> None:
    """Notes in a worktree's own git folder that something contained works there. Raises WorkFailed."""
    path = os.path.join(admin, _MARK)
    data = content.encode()
    if files.read_bytes(path) != data:
        files.replace(path, data, shared=True)  # workers of one worktree begin at once


def contained(root: str, words: Sequence[str], wanted: Contained, extra: Mapping[str, str]) -> Contained:
    """The same call, contained if it has to be."""
    found = _marked_above(root, extra.get("GIT_DIR", "")) if inspection.in_use() else None
    if found is None:
        return wanted
    top, admin, content, nested = found
    if not nested and _OPENS_FILES.isdisjoint(words):
        return wanted
    index = extra.get("GIT_INDEX_FILE", "")
    real = os.path.realpath(top)
    look = Look(real, os.path.realpath(admin), content, (os.path.dirname(index),) if index else ())
    within = os.path.relpath(os.path.abspath(root), os.path.abspath(top))
    argv = list(wanted.argv)
    argv[argv.index("-C") + 1] = os.path.normpath(os.path.join(real, within))
    return inspection.contained(look, wanted._replace(argv=argv))


def _marked_above(root: str, git_dir: str) -> tuple[str, str, str, bool] | None:
    """The marked worktree that the folder is in: its top, git's folder of it, the mark, and whether another
    repository stands between. Looked for up to the root: a worker may have put a `.git` in the way."""
    if git_dir and (content := _mark_in(git_dir)) is not None:
        return root, git_dir, content, False
    folder, nested = os.path.abspath(root), bool(git_dir)
    while True:
        file = os.path.join(folder, ".git")
        if os.path.lexists(file):
            admin = _named_by(folder, file)
            if admin and (content := _mark_in(admin)) is not None:
                return folder, admin, content, nested
            nested = True
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _named_by(folder: str, file: str) -> str:
    """The git folder that a `.git` file names; empty for anything but a plain file."""
    named = _text(file)
    return os.path.join(folder, named.removeprefix("gitdir:").strip()) if named else ""


def _mark_in(admin: str) -> str | None:
    return _text(os.path.join(admin, _MARK))


def _text(path: str) -> str | None:
    """None where there is no plain file: a worker may have put anything there."""
    try:
        data = foreign_files.read(path, _MOST)
    except Unreadable:
        return None
    return None if data is None else data.decode("utf-8", "surrogateescape")
