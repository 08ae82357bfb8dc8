"""Work that okstra keeps when a worktree goes: commits under `refs/okstra/kept/`, and bringing them back."""

from __future__ import annotations

from ..words.errors import WorkFailed
from . import git, proc


def newest_ref(root: str, prefix: str) -> str:
    """The newest ref below the prefix; empty when there is none. Names end in their time, so they sort by it."""
    names = _git(root, "for-each-ref", "--format=%(refname)", prefix).stdout.decode("utf-8", "surrogateescape").split()
    return max(names, default="")


def branch_at(root: str, commit: str) -> str:
    """The short name of a branch that stands at the commit; empty when none does."""
    out = _git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"--points-at={commit}", "refs/heads")
    return (out.stdout.decode("utf-8", "surrogateescape").split() or [""])[0]


def lay_over(worktree: str, commit: str) -> None:
    """Puts the commit's files into a clean worktree as uncommitted changes: HEAD and branch stay. Raises WorkFailed."""
    for args in (("read-tree", "-m", "-u", "HEAD", commit), ("reset", "--quiet", "--mixed", "HEAD")):
        finished = _git(worktree, *args)
        if not finished.ok:
            raise WorkFailed("git-failed", f"git could not bring the files back: {finished.complaint}", where=worktree)


def _git(root: str, *args: str) -> proc.Finished:
    return proc.run(["git", "-C", root, *args], env=git.environment())
