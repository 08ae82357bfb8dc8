"""Merges in git's object store, which touch no worktree, index or branch; taking a merge over; patch ids."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .. import git
from ..errors import WorkFailed
from ..system import processes
from .command import git as ask_git
from .command import must

_CONFLICT = 1
_DIFF = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=none")


class Merged(NamedTuple):
    """A merge's tree; `conflicts` are the paths that git could not merge (then the tree must not be used)."""

    tree: str
    conflicts: tuple[str, ...]


def merge_tree(root: str, ours: str, theirs: str) -> Merged:
    """The merge of two commits. Raises WorkFailed (`git-failed`) when git can't even try."""
    finished = _git(root, "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
    if finished.status not in (0, _CONFLICT):
        raise WorkFailed("git-failed", f"git could not merge {theirs[:12]}: {finished.complaint}", where=root)
    names = [name.decode("utf-8", "surrogateescape") for name in finished.stdout.split(b"\0") if name]
    conflicts = tuple(dict.fromkeys(names[1:])) if finished.status == _CONFLICT else ()
    return Merged(names[0] if names else "", conflicts)


def commit_merge(root: str, tree: str, parents: Sequence[str], message: str) -> str:
    """A commit of that tree, on no branch. The person's identity, or okstra's where none is set."""
    identity = [] if git.has_identity(root) else ["-c", "user.name=okstra", "-c", "user.email=okstra@localhost"]
    flags = [flag for parent in parents for flag in ("-p", parent)]
    finished = _git(root, *identity, "commit-tree", tree, *flags, "-m", message)
    if not finished.ok:
        raise WorkFailed("git-failed", f"git could not commit the merge: {finished.complaint}", where=root)
    return finished.stdout.decode("ascii").strip()


def fast_forward(worktree: str, commit: str, *, keep_open: Sequence[int] = ()) -> int:
    """Moves the worktree's branch and files forward to a descendant of its HEAD; returns git's exit status.

    Without git's housekeeping, which would leave a lock when killed. The commit is okstra's own merge: the signatures
    of what it merges were checked before (`merges_need_signatures`).
    """
    calm = ("-c", "maintenance.auto=false", "-c", "gc.auto=0", "-c", "merge.verifySignatures=false")
    return _git(worktree, *calm, "merge", "--quiet", "--ff-only", commit, keep_open=keep_open).status


def move_to(worktree: str, commit: str, *, keep_open: Sequence[int] = ()) -> None:
    """Resets branch, index and tracked files to the commit. Raises WorkFailed (`git-failed`)."""
    finished = _git(worktree, "reset", "--quiet", "--hard", commit, "--", keep_open=keep_open)
    if not finished.ok:
        raise WorkFailed("git-failed", f"git could not move to {commit[:12]}: {finished.complaint}", where=worktree)


def files_of_neither(worktree: str, paths: Sequence[str], commits: Sequence[str]) -> list[str]:
    """Which of the existing files differ from all of the commits. Raises WorkFailed."""
    there = [path for path in paths if os.path.isfile(os.path.join(worktree, path))]
    if not there:
        return []
    known = {
        (name, facts.split()[2])
        for commit in commits
        for entry in _must(worktree, "--literal-pathspecs", "ls-tree", "-rz", commit, "--", *there).split(b"\0")
        for facts, _, name in [entry.partition(b"\t")]
        if facts
    }
    hashes = must(ask_git(worktree, "hash-object", "--", *there, read_only=True), "read the worktree").split()
    pairs = zip(there, hashes, strict=True)
    return [path for path, blob in pairs if (path.encode("utf-8", "surrogateescape"), blob) not in known]


def patch_ids(root: str, revisions: Sequence[str]) -> dict[str, str]:
    """Patch id to commit for every non-merge commit that `revisions` (as for rev-list) name."""
    log = _git(root, "log", "-p", "--no-merges", "--format=commit %H", "--no-color", *_DIFF, *revisions)
    ids = processes.start(["git", "-C", root, "patch-id", "--stable"], env=git.environment(), stdin=log.stdout).finish()
    pairs = [line.split() for line in ids.stdout.decode("ascii", "replace").splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def patch_id_of_range(root: str, base: str, head: str) -> str:
    """The patch id of all changes between two commits as one: what a squash of them would have. Empty for none."""
    diff = _git(root, "diff", "--no-color", *_DIFF, base, head)
    ids = processes.start(
        ["git", "-C", root, "patch-id", "--stable"], env=git.environment(), stdin=diff.stdout
    ).finish()
    words = ids.stdout.decode("ascii", "replace").split()
    return words[0] if words else ""


def _must(root: str, *args: str) -> bytes:
    finished = _git(root, *args)
    if not finished.ok:
        raise WorkFailed("git-failed", f"git could not read the worktree: {finished.complaint}", where=root)
    return finished.stdout


def _git(root: str, *args: str, keep_open: Sequence[int] = ()) -> processes.Finished:
    return processes.start(["git", "-C", root, *args], env=git.environment(), keep_open=keep_open).finish()
