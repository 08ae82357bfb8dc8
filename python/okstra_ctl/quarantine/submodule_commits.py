"""Commits of submodules that a worker's own commits name, and that no repository has."""

from __future__ import annotations

import os

from ..git.command import git, text
from .record import Quarantine

_SUBMODULE = "160000"


def lost_in_submodules(one: Quarantine, tip: str) -> tuple[str, ...]:
    """Path and commit of each. Submodules' repositories are read-only to a worker, so it can't have saved them."""
    words = ("diff-tree", "-r", "-z", "--no-renames", "--abbrev=64", "--ignore-submodules=none", one.old, tip)
    parts = text(git(one.common_dir, *words, read_only=True).stdout).split("\0")
    rows = [(facts.split(), path) for facts, path in zip(parts[::2], parts[1::2], strict=False)]
    named = [(path, facts[3]) for facts, path in rows if len(facts) > 3 and facts[1] == _SUBMODULE]
    return tuple(f"{path} {commit[:12]}" for path, commit in named if not _is_somewhere(one, path, commit))


def _is_somewhere(one: Quarantine, path: str, commit: str) -> bool:
    """Whether one of the submodule's own repositories has it; True where there is none, so nothing was lost."""
    homes = [os.path.join(folder, "modules", path) for folder in (one.git_dir, one.common_dir)]
    known = [home for home in homes if os.path.isdir(home)]
    found = [git("/", "cat-file", "-e", commit, read_only=True, extra={"GIT_DIR": home}).ok for home in known]
    return any(found) or not known
