"""Work that okstra keeps when it removes a worktree: commits under `refs/okstra/kept/`, and restoring them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .. import git
from ..errors import WorkFailed
from ..system import files, processes
from .command import AS_OKSTRA, text
from .command import git as run_git

_INDEX = "okstra-snapshot-index-"


def snapshot(path: str, message: str, ref: str) -> str:
    """Commits everything in the worktree except ignored files, on no branch, and keeps it by `ref`.

    HEAD, branch and index do not change. Returns the commit. Raises WorkFailed (`git-failed`).
    """
    admin = git.worktree_git_dir(path)
    _discard_indexes_of_the_dead(admin)
    index = os.path.join(admin, f"{_INDEX}{os.getpid()}")
    extra = {"GIT_INDEX_FILE": index}
    try:
        _must(path, ("read-tree", "HEAD"), extra)
        _leave_out(path, extra)
        _must(path, ("add", "--all", "--sparse"), extra)
        tree = _must(path, ("write-tree",), extra)
    finally:
        files.discard(index)
        files.discard(f"{index}.lock")  # left by a killed git
    commit = _must(path, ("-c", "commit.gpgSign=false", "commit-tree", tree, "-p", "HEAD", "-m", message), AS_OKSTRA)
    keep(path, commit, ref)
    return commit


def _leave_out(path: str, extra: Mapping[str, str]) -> None:
    """Marks what a sparse checkout leaves out, so that it is not recorded as deleted. Other marks do not count."""
    names = git.sparse_excluded(path)
    if names:
        listed = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
        command = ["git", "-C", path, "update-index", "-z", "--skip-worktree", "--stdin"]
        marked = processes.start(command, env={**git.environment(), **extra}, stdin=listed).finish()
        if not marked.ok:
            raise WorkFailed("git-failed", f"git could not keep files: {marked.complaint}", where=path)


def keep(root: str, commit: str, ref: str) -> None:
    """Makes a commit reachable by a ref of okstra's own. Raises WorkFailed (`git-failed`)."""
    _must(root, (*git.sync_refs(), "update-ref", ref, commit))


def sweep(common_dir: str) -> None:
    """Removes the locks that killed processes left among the refs of kept work; their names have the process id."""
    for folder, _, names in os.walk(os.path.join(common_dir, "refs", "okstra")):
        for name in names:
            maker = name.removesuffix(".lock").partition("-")[2].partition("-")[0]
            if name.endswith(".lock") and maker.isdigit() and not _lives(int(maker)):
                files.discard(os.path.join(folder, name))


def _discard_indexes_of_the_dead(admin: str) -> None:
    for name in files.names_in(admin):
        maker = name.removeprefix(_INDEX).removesuffix(".lock")
        if name.startswith(_INDEX) and maker.isdigit() and not _lives(int(maker)):
            files.discard(os.path.join(admin, name))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def newest_ref(root: str, prefix: str) -> str:
    """The newest ref below the prefix; empty when there is none. Names end in their time, so they sort by it."""
    names = text(run_git(root, "for-each-ref", "--format=%(refname)", prefix).stdout).split()
    return max(names, default="")


def apply_snapshot(worktree: str, commit: str) -> None:
    """Puts the commit's files into a clean worktree as uncommitted changes: HEAD and branch stay. Raises WorkFailed.

    By the index alone: `git reset` would lock the branch, and killed in it leave that lock.
    """
    _must(worktree, ("read-tree", "-m", "-u", "HEAD", commit))
    _must(worktree, ("read-tree", "HEAD"))


def _must(root: str, args: Sequence[str], extra: Mapping[str, str] | None = None) -> str:
    finished = processes.run(["git", "-C", root, *args], env={**git.environment(), **(extra or {})})
    if not finished.ok:
        raise WorkFailed("git-failed", f"git could not keep or bring back files: {finished.complaint}", where=root)
    return finished.stdout.decode("utf-8", "surrogateescape").strip()
