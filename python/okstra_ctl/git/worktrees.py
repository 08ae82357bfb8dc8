"""Linked worktrees: listed, added without files, filled on several cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import Refused, WorkFailed
from ..quoting import quote
from ..system import files, processes
from .command import begin, git, must, text
from .repository import Repository

_HERE = ("--git-dir", ".")
_NO_SYMBOL = 1
# Below it, starting the workers costs more than they save: at 100 files 3 ms of 11, at 300 about nothing.
_PARALLEL_CHECKOUT = ("-c", "checkout.thresholdForParallelism=500")


class Worktree(NamedTuple):
    """One entry of `git worktree list`. `branch` is short, empty when detached; `lock_reason` None when unlocked."""

    path: str
    head: str
    branch: str
    bare: bool
    lock_reason: str | None


def worktrees(root: str) -> list[Worktree]:
    out = must(git(root, "worktree", "list", "--porcelain", "-z", read_only=True), "list worktrees")
    return [_worktree(block) for block in text(out).split("\0\0") if block.strip("\0")]


def _worktree(block: str) -> Worktree:
    fields: dict[str, str] = {}
    for line in block.split("\0"):
        name, _, value = line.partition(" ")
        fields[name] = value
    return Worktree(
        fields.get("worktree", ""),
        fields.get("HEAD", ""),
        fields.get("branch", "").removeprefix("refs/heads/"),
        "bare" in fields,
        fields.get("locked"),
    )


def require_free_branch(repository: Repository, branch: str, path: str) -> None:
    """Raises Refused (`branch-in-use`) when a worktree other than that at `path` has the branch, as git itself would.

    With two worktrees on one branch, what is committed in one looks reverted in the other, and a commit there undoes
    it.
    """
    own = os.path.realpath(path)
    for one in worktrees(repository.top):
        if os.path.realpath(one.path) == own:
            continue
        if one.branch == branch:
            raise _branch_in_use(branch, one.path, "is checked out in")
        if not one.branch and branch in _returns_to(one.path):
            raise _branch_in_use(branch, one.path, "is being rebased or bisected in")


def _returns_to(path: str) -> set[str]:
    """The branches that a rebase or bisect in a worktree with a detached HEAD will return to, or move."""
    names = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
    asked = [word for name in names for word in ("--git-path", name)]
    answer = git(path, "rev-parse", "--path-format=absolute", *asked, read_only=True) if os.path.isdir(path) else None
    found = [files.read_bytes(file) for file in text(answer.stdout).split("\n")[:-1]] if answer and answer.ok else []
    return {text(data).strip().removeprefix("refs/heads/") for data in found if data}


def _branch_in_use(branch: str, path: str, how: str) -> Refused:
    hint = f"git -C {quote(path)} switch - (or to any other branch), then try again"
    if not os.path.isdir(path):
        hint = "that folder is gone: `git worktree prune`, then try again"
    return Refused("branch-in-use", f"the branch {branch} {how} {path}", where=path, hint=hint)


def worktree_add_detached(
    repository: Repository, path: str, commit: str, *, reason: str, keep_open: Sequence[int]
) -> None:
    """Adds a locked worktree without files and without a branch. Under the repository lock. Raises WorkFailed."""
    finished = git(
        repository.top,
        *("worktree", "add", "--quiet", "--no-checkout", "--detach", "--lock", "--reason", reason, path, commit),
        keep_open=keep_open,
    )
    if not finished.ok:
        raise WorkFailed(
            "worktree-not-created",
            f"git could not add the worktree: {finished.complaint}",
            where=path,
            hint="fix what git reports, then start the run again",
        )


def repair_worktrees(repository: Repository, paths: Sequence[str], *, keep_open: Sequence[int]) -> None:
    """Reconnects worktrees and repository after one of them was moved. Under the repository lock. Raises
    WorkFailed."""
    must(git(repository.top, "worktree", "repair", *paths, keep_open=keep_open), "repair the worktrees")


def start_checkout(path: str, commit: str, workers: int, keep_open: Sequence[int] = ()) -> processes.Running:
    """Begins to fill an empty worktree with the files of a commit, on several cores. Needs no lock, moves no HEAD."""
    return begin(
        path,
        *("-c", f"checkout.workers={workers}", *_PARALLEL_CHECKOUT),
        *("read-tree", "-m", "-u", "--no-recurse-submodules", commit),
        keep_open=keep_open,
    )


def finish_checkout(running: processes.Running, path: str, git_dir: str) -> None:
    """Waits for the checkout. git can exit with 0 and leave a lock file behind: that worktree is not complete."""
    finished = running.finish()
    left = [name for name in ("index.lock", "HEAD.lock") if os.path.lexists(os.path.join(git_dir, name))]
    if not finished.ok or left:
        complaint = finished.complaint or f"it left {', '.join(left)} behind"
        raise WorkFailed("worktree-not-created", f"git could not check the files out: {complaint}", where=path)


def switch_detached(path: str, commit: str) -> None:
    """Checks out a commit in a scratch worktree; untracked files that are not ignored are deleted. Raises
    WorkFailed."""
    must(git(path, "checkout", "--quiet", "--detach", "--force", commit), f"check out {commit[:12]}")
    must(git(path, "clean", "-fdq"), "clear the scratch worktree")


def detached_commit(git_dir: str) -> str:
    """The commit of a detached HEAD; empty when it is on a branch, or unknown.

    By the worktree's own git folder: the worktree itself may be gone.
    """
    if git(git_dir, *_HERE, "symbolic-ref", "--quiet", "HEAD", read_only=True).status != _NO_SYMBOL:
        return ""
    found = git(git_dir, *_HERE, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", read_only=True)
    return text(found.stdout).strip() if found.ok else ""


def times_head_was_set(git_dir: str) -> int:
    """How often, by its reflog; 0 where git keeps none."""
    return len(git(git_dir, *_HERE, "reflog", "show", "--format=%H", "HEAD", "--", read_only=True).stdout.splitlines())


def ref_files(repository: Repository, git_dir: str, branch: str) -> list[str]:
    """The files that git may keep the branch and a worktree's HEAD in: to be synced, never to be read."""
    tables = [os.path.join(folder, "reftable") for folder in (repository.common_dir, git_dir)]
    return [
        os.path.join(repository.common_dir, "refs", "heads", branch),
        os.path.join(git_dir, "HEAD"),
        *(os.path.join(folder, name) for folder in tables if os.path.isdir(folder) for name in os.listdir(folder)),
    ]


def worktree_git_dir(path: str) -> str:
    """The admin folder of a linked worktree, read from its `.git` file.

    Raises WorkFailed (`worktree-gone`): another command, or a person, may have removed it meanwhile.
    """
    try:
        with open(os.path.join(path, ".git"), encoding="utf-8", errors="surrogateescape") as file:
            return os.path.join(path, file.read().removeprefix("gitdir:").strip())
    except OSError as error:
        raise WorkFailed(
            "worktree-gone",
            f"the worktree is gone, or is not a worktree any more: {error.strerror}",
            where=path,
            hint="okstra reconcile",
        ) from error
