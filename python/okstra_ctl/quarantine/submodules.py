"""Submodules of an executor's worktree: those that were there are read-only, and a worker can make no further ones.

git enters a repository wherever a commit has a submodule, and obeys the settings that it finds there: a filter of a
worker's would run in okstra's own git.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import NamedTuple

from ..git import submodules
from ..git.command import git as ask_git
from ..git.command import text
from ..git.commits import kinds_at
from ..system import files
from .record import Quarantine

_SUBMODULE = "160000"
_ASIDE = "repositories"


class _Changed(NamedTuple):
    path: str
    commit: str


def initialised(worktree: str) -> tuple[str, ...]:
    """Paths of the submodules that are checked out, those of submodules among them."""
    return tuple(submodules.initialised_below(worktree))


def set_aside_foreign(one: Quarantine, tip: str) -> list[str]:
    """Moves repositories into the quarantine that stand where a commit has a submodule, and did not stand there
    before; returns their paths. Raises WorkFailed (`write-failed`)."""
    places = {path for path, is_submodule in kinds_at(one.common_dir, one.old).items() if is_submodule}
    if tip != one.old:
        places |= {row.path for row in _changed(one, tip)}
    return [path for path in sorted(places.difference(one.submodules)) if _set_aside(one, path)]


def _set_aside(one: Quarantine, path: str) -> bool:
    found = os.path.join(one.worktree, path, ".git")
    if not os.path.lexists(found) or os.path.realpath(os.path.dirname(found)) != os.path.join(one.worktree, path):
        return False
    folder = os.path.join(one.folder, _ASIDE)
    files.make_folder(folder)
    try:
        shutil.move(found, os.path.join(folder, str(len(os.listdir(folder)))))
    except OSError as error:
        files.raise_write_failed(found, error)
    return True


def lost_in_submodules(one: Quarantine, tip: str) -> tuple[str, ...]:
    """Path and commit of each that no repository has. A worker can't have saved them: it only reads there."""
    return tuple(f"{row.path} {row.commit[:12]}" for row in _changed(one, tip) if not _is_somewhere(one, row))


def _changed(one: Quarantine, tip: str) -> Iterable[_Changed]:
    words = ("diff-tree", "-r", "-z", "--no-renames", "--abbrev=64", "--ignore-submodules=none", one.old, tip)
    parts = text(ask_git(one.common_dir, *words, read_only=True).stdout).split("\0")
    rows = [(facts.split(), path) for facts, path in zip(parts[::2], parts[1::2], strict=False)]
    return [_Changed(path, facts[3]) for facts, path in rows if len(facts) > 3 and facts[1] == _SUBMODULE]


def _is_somewhere(one: Quarantine, row: _Changed) -> bool:
    """Whether one of the submodule's own repositories has it; True where there is none, so nothing was lost."""
    homes = [os.path.join(folder, "modules", row.path) for folder in (one.git_dir, one.common_dir)]
    known = [home for home in homes if os.path.isdir(home)]
    found = [ask_git("/", "cat-file", "-e", row.commit, read_only=True, extra={"GIT_DIR": home}).ok for home in known]
    return any(found) or not known
