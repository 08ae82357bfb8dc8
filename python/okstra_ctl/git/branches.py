"""Local branches: created but never overwritten, never moved, deleted only at the expected commit."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import Refused, WorkFailed
from ..quoting import quote
from ..system import files
from .command import git, must, sync_refs, text
from .commits import resolve

_NONE = ""  # as the old value of a ref, whatever the length of the repository's commit ids


def branch_commit(root: str, branch: str) -> str | None:
    """The commit of a local branch; None when there is no such branch."""
    return resolve(root, f"refs/heads/{branch}")


def existing_branch(root: str, branch: str) -> str:
    """The branch, if it exists; else empty."""
    return branch if branch and branch_commit(root, branch) is not None else ""


def branches_like(root: str, *prefixes: str) -> frozenset[str]:
    """Local branches whose names begin with one of these."""
    patterns = (f"refs/heads/{prefix}*" for prefix in prefixes)
    out = must(git(root, "for-each-ref", "--format=%(refname:lstrip=2)", *patterns, ask=True), "list branches")
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
    finished = git(root, *sync_refs(), "update-ref", *logged, ref, commit, _NONE, keep_open=keep_open)
    if finished.ok:
        return
    below = text(git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"{ref}/", ask=True).stdout).split("\n")[0]
    if below:
        raise branch_exists(below)
    if branch_commit(root, branch) is None:
        raise WorkFailed("git-failed", f"git could not create the branch {branch}: {finished.complaint}")
    raise branch_exists(branch)


def branch_reason(root: str, branch: str) -> str:
    """The reason that a branch was created with; empty when its reflog does not have it."""
    out = git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", ask=True).stdout
    return (text(out).splitlines() or [""])[-1]


def branch_is_untouched(root: str, branch: str, reason: str) -> bool:
    """Whether nothing happened to the branch since it was created with that reason."""
    out = git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", ask=True).stdout
    return text(out).splitlines() == [reason]


def branch_exists(branch: str) -> Refused:
    return Refused(
        "branch-exists",
        f"the branch {branch} exists already, and okstra did not create it for this",
        where=f"refs/heads/{branch}",
        hint=f"rename it (`git branch -m {quote(branch)} NEW`), delete it, or give the run another --work-category",
    )


def attach_head(path: str, branch: str, *, keep_open: Sequence[int]) -> None:
    """Attaches a worktree's HEAD to a branch at the same commit. Raises WorkFailed."""
    must(
        git(path, *sync_refs(), "symbolic-ref", "HEAD", f"refs/heads/{branch}", keep_open=keep_open),
        "attach HEAD",
    )


def clear_killed_creation(common_dir: str, branch: str, reason: str) -> None:
    """Removes what a killed git left of a branch that does not exist: its lock, and the start of its reflog. Where git
    keeps refs in tables there are no such files.

    Only this task's runs create the branch, and under the repository lock no other git process of okstra runs.
    """
    files.discard(os.path.join(common_dir, "refs", "heads", f"{branch}.lock"))
    log = os.path.join(common_dir, "logs", "refs", "heads", branch)
    if os.path.isfile(log) and reason.encode("utf-8", "surrogateescape") in (files.read_bytes(log) or b""):
        files.discard(log)


def delete_untouched_branch(common_dir: str, branch: str, commit: str, *, keep_open: Sequence[int]) -> bool:
    """Deletes a branch that nobody touched since it was created, if it is at `commit`. Returns whether it did.

    `git update-ref -d` locks all packed refs for a moment, and if killed then leaves that lock to everybody. So new a
    branch is a loose ref: it is deleted under its own lock, as git does it, and a second try after a kill finds
    what is left. One that was packed meanwhile, or is in a reftable, is left to git.
    """
    path = os.path.join(common_dir, "refs", "heads", branch)
    if not _is_only_loose(common_dir, branch):
        return git(common_dir, "update-ref", "-d", f"refs/heads/{branch}", commit, keep_open=keep_open).ok
    files.discard(f"{path}.lock")
    if not files.claim(f"{path}.lock"):
        return False
    try:
        if (files.read_bytes(path) or b"").strip() != commit.encode():
            return False
        files.discard(path)
        files.discard(os.path.join(common_dir, "logs", "refs", "heads", branch))
        return True
    finally:
        files.discard(f"{path}.lock")


def _is_only_loose(common_dir: str, branch: str) -> bool:
    packed = files.read_bytes(os.path.join(common_dir, "packed-refs")) or b""
    named = f" refs/heads/{branch}\n".encode("utf-8", "surrogateescape")
    return named not in packed and os.path.isfile(os.path.join(common_dir, "refs", "heads", branch))
