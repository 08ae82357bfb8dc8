"""Local branches: created where none was, never moved, deleted only where they still stand."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...words.errors import Refused, WorkFailed
from .. import fsio
from .command import NO_HOOKS, SYNC_REFS, git, must, text
from .history import resolve

_NO_COMMIT = "0" * 40


def branch_commit(root: str, branch: str) -> str | None:
    """The commit that a local branch stands at; None when there is no such branch."""
    return resolve(root, f"refs/heads/{branch}")


def branches_like(root: str, prefix: str) -> frozenset[str]:
    """Local branches whose names begin so."""
    out = must(
        git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"refs/heads/{prefix}*", ask=True), "list branches"
    )
    return frozenset(text(out).split("\n")) - {""}


def head_branch(root: str) -> str:
    """The short name of the branch that HEAD is on; empty when detached."""
    return text(git(root, "symbolic-ref", "--quiet", "--short", "HEAD", ask=True).stdout).strip()


def create_branch(root: str, branch: str, commit: str, *, reason: str, keep_open: Sequence[int]) -> None:
    """Creates a local branch; an existing one is never moved. `reason` becomes the first line of its reflog.

    Raises Refused (`branch-exists`).
    """
    ref = f"refs/heads/{branch}"
    logged = ("--create-reflog", "-m", reason)
    finished = git(root, *NO_HOOKS, *SYNC_REFS, "update-ref", *logged, ref, commit, _NO_COMMIT, keep_open=keep_open)
    if finished.ok:
        return
    below = text(git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"{ref}/", ask=True).stdout).split("\n")[0]
    if below:
        raise branch_exists(below)
    if branch_commit(root, branch) is None:
        raise WorkFailed("git-failed", f"git could not create the branch {branch}: {finished.complaint}")
    raise branch_exists(branch)


def branch_reason(root: str, branch: str) -> str:
    """The reason that a branch was created with; empty when its reflog does not tell."""
    out = git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", ask=True).stdout
    return (text(out).splitlines() or [""])[-1]


def branch_is_untouched(root: str, branch: str, reason: str) -> bool:
    """Whether nothing happened to the branch since it was created with that reason."""
    out = git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", ask=True).stdout
    return text(out).splitlines() == [reason]


def branch_exists(branch: str) -> Refused:
    return Refused(
        "branch-exists",
        f"the branch {branch} exists already, and okstra did not make it for this",
        where=f"refs/heads/{branch}",
        hint=f"rename it (`git branch -m {branch} NEW`), delete it, or give the run another --work-category",
    )


def attach_head(path: str, branch: str, *, keep_open: Sequence[int]) -> None:
    """Puts a worktree's HEAD on a branch that stands at the same commit. Raises WorkFailed."""
    must(git(path, *SYNC_REFS, "symbolic-ref", "HEAD", f"refs/heads/{branch}", keep_open=keep_open), "attach HEAD")


def discard_branch_lock(common_dir: str, branch: str) -> None:
    """Removes the lock file that a killed git left on a branch of okstra's own. Under the repository lock.

    The branch is one that only this task's runs make, and no git of okstra's is at work: nobody holds it.
    """
    fsio.discard(os.path.join(common_dir, "refs", "heads", f"{branch}.lock"))


def delete_branch_at(root: str, branch: str, commit: str, *, keep_open: Sequence[int]) -> bool:
    """Deletes a branch only if it still stands at `commit`. Answers whether it did."""
    finished = git(root, *NO_HOOKS, "update-ref", "-d", f"refs/heads/{branch}", commit, keep_open=keep_open)
    return finished.ok
