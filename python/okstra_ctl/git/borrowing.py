"""Bringing commits from one repository of this machine into another, without moving a ref of either."""

from __future__ import annotations

from collections.abc import Iterable

from .command import git, must
from .commits import resolve

_QUIET = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
# The commits may be tips of nothing there.
_SERVE = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"


def bring_commits(into: str, source: str, commits: Iterable[str]) -> None:
    """Copies those commits, and what they stem from, that `into` lacks. git keeps what no ref names for two weeks at
    least: whoever needs them for longer makes a branch. Raises WorkFailed (`git-failed`)."""
    missing = [commit for commit in commits if commit and resolve(into, commit) is None]
    if missing:
        words = ("-c", "protocol.version=2", "fetch", *_QUIET, "--upload-pack", _SERVE, source, *missing)
        must(git(into, *words), "bring commits of another machine")
