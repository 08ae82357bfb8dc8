"""Commits: which one a name means, ancestry, what changed, files at a commit, signatures.

And local branches: created but never overwritten, never moved, deleted only at the expected commit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import Refused, Unreadable, UsageError, WorkFailed
from ..quoting import quote
from ..system import files
from .command import begin, git, must, sync_refs, text

_BLOB = "%(objecttype) %(objectname) %(objectsize)"
_TRUSTED, _OF_UNKNOWN_TRUST = "G", "U"
_NONE = ""  # as the old value of a ref, whatever the length of the repository's commit ids


class _Blob(NamedTuple):
    id: str
    size: int


def resolve(root: str, ref: str) -> str | None:
    """The commit id that `ref` names; None when there is none."""
    answer = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", read_only=True)
    return text(answer.stdout).strip() if answer.ok else None


def resolve_option(root: str, ref: str, option: str) -> str:
    """As `resolve`, for a ref that a person gave. Raises UsageError (`bad-ref`)."""
    try:
        commit = resolve(root, ref)
    except Unreadable:  # not a valid argument of a program
        commit = None
    if commit is None:
        raise UsageError(
            "bad-ref", f"{ref!r} is not a commit of this repository", where=option, hint="see `git branch -a`"
        )
    return commit


def is_ancestor(root: str, commit: str, of: str) -> bool:
    return git(root, "merge-base", "--is-ancestor", commit, of, read_only=True).ok


def is_on_a_branch(root: str, commit: str) -> bool:
    """Whether any branch, local or remote-tracking, or tag has the commit."""
    return bool(git(root, "for-each-ref", "--count=1", f"--contains={commit}", read_only=True).stdout.strip())


def newest_of(root: str, commits: Sequence[str]) -> str:
    """The newest of the commits in topological order."""
    out = must(git(root, "rev-list", "--topo-order", "--max-count=1", *commits, read_only=True), "order commits")
    return text(out).strip()


def commits_between(root: str, base: str, head: str) -> int:
    out = must(git(root, "rev-list", "--count", f"{base}..{head}", read_only=True), "count commits")
    return int(out)


def changed_files(root: str, base: str, head: str) -> list[str]:
    """Paths that differ between two commits, submodules among them; a rename counts as both its names."""
    words = ("diff-tree", "-r", "--name-only", "--no-renames", "--ignore-submodules=none", "-z")
    out = must(git(root, *words, base, head, read_only=True), "compare commits")
    return [text(name) for name in out.split(b"\0") if name]


def unreachable_commits(root: str, head: str) -> int:
    """How many commits of `head` are on no branch, tag or remote ref."""
    out = must(
        git(
            root,
            "rev-list",
            "--count",
            head,
            "--not",
            "--branches",
            "--tags",
            "--remotes",
            "--glob=refs/okstra",
            read_only=True,
        ),
        "look for unreachable commits",
    )
    return int(out)


def merged_between(root: str, old: str, new: str) -> list[str]:
    """What each first-parent commit from `old` to `new` merged; empty text for one that is not a merge.
    Empty where `new` does not descend from `old`."""
    if not is_ancestor(root, old, new):
        return []
    listed = git(root, "rev-list", "--first-parent", "--parents", f"{old}..{new}", read_only=True)
    parents = [line.split()[1:] for line in text(listed.stdout).splitlines()]
    return [one[1] if len(one) == 2 else "" for one in parents]


def remote_refs(root: str) -> list[str]:
    """Remote-tracking branches, as full ref names."""
    out = git(root, "for-each-ref", "--format=%(refname)", "refs/remotes", read_only=True).stdout
    return [name for name in text(out).splitlines() if not name.endswith("/HEAD")]


def commit_subjects(root: str, base: str, head: str) -> list[dict[str, str]]:
    """The commits from base to head, oldest first, with their subjects."""
    out = must(git(root, "log", "--reverse", "-z", "--format=%H %s", f"{base}..{head}", read_only=True), "list commits")
    lines = [text(line).partition(" ") for line in out.split(b"\0") if line]
    return [{"commit": commit, "subject": subject} for commit, _, subject in lines]


def blobs_at(root: str, commit: str, paths: Sequence[str], *, largest: int) -> dict[str, bytes | None]:
    """The files' bytes by path. What is not a file at that commit is left out; what is larger than `largest` is
    None."""
    blobs = _look_up(root, commit, [path for path in paths if "\n" not in path])
    for path in paths:
        if "\n" in path:  # looked up alone: git repeats a missing name in its output, which is read line by line
            blobs.update(_look_up(root, commit, [path]))
    small = [path for path, blob in blobs.items() if blob.size <= largest]
    found: dict[str, bytes | None] = dict.fromkeys(blobs)
    # By ids: looking a path up in the commit's trees again takes git as long as reading the file.
    found.update(zip(small, _contents(root, [blobs[path].id for path in small]), strict=True))
    return found


def kinds_at(root: str, commit: str) -> Mapping[str, bool]:
    """Every path of a commit; True for a submodule."""
    out = must(git(root, "ls-tree", "-r", "-z", commit, read_only=True), "list the commit's files")
    entries = [entry.partition(b"\t") for entry in out.split(b"\0") if entry]
    return {text(name): mode.startswith(b"160000") for mode, _, name in entries}


def _look_up(root: str, commit: str, paths: Sequence[str]) -> dict[str, _Blob]:
    """Those of the paths that are files, in their order."""
    names = [f"{commit}:{path}" for path in paths]
    found = {}
    for path, line in zip(paths, _batch(root, f"--batch-check={_BLOB}", names).split(b"\n"), strict=False):
        kind, _, rest = line.partition(b" ")
        blob, _, size = rest.partition(b" ")
        if kind == b"blob" and size.isdigit():
            found[path] = _Blob(blob.decode("ascii"), int(size))
    return found


def _contents(root: str, names: Sequence[str]) -> Iterator[bytes]:
    if not names:
        return
    out = _batch(root, "--batch=%(objectsize)", names)
    position = 0
    for _ in names:
        end = out.index(b"\n", position)
        size = int(out[position:end])
        yield out[end + 1 : end + 1 + size]
        position = end + 1 + size + 1


def _batch(root: str, form: str, names: Sequence[str]) -> bytes:
    stdin = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
    finished = begin(root, "cat-file", form, "-z", "--buffer", stdin=stdin, read_only=True).finish()
    if not finished.ok:
        raise WorkFailed("git-failed", f"git could not read the commit: {finished.complaint}", where=root)
    return finished.stdout


def merges_need_signatures(root: str) -> bool:
    """Whether `merge.verifySignatures` is set: then git merges no commit whose signature it can't verify."""
    answer = git(root, "config", "--type=bool", "--get", "merge.verifySignatures", read_only=True)
    return answer.stdout.strip() == b"true"


def has_valid_signature(root: str, commit: str) -> bool:
    """Whether `git merge` would accept the commit's signature. A key of unknown trust counts only where
    `gpg.minTrustLevel` is set."""
    verdict = text(
        git(root, "log", "-1", "--no-show-signature", "--format=%G?", commit, "--", read_only=True).stdout
    ).strip()
    lenient = git(root, "config", "--get", "gpg.minTrustLevel", read_only=True).ok
    accepted = (_TRUSTED, _OF_UNKNOWN_TRUST) if lenient else (_TRUSTED,)
    return verdict in accepted and git(root, "verify-commit", commit, read_only=True).ok


def branch_commit(root: str, branch: str) -> str | None:
    """The commit of a local branch; None when there is no such branch."""
    return resolve(root, f"refs/heads/{branch}")


def existing_branch(root: str, branch: str) -> str:
    """The branch, if it exists; else empty."""
    return branch if branch and branch_commit(root, branch) is not None else ""


def branches_like(root: str, *prefixes: str) -> frozenset[str]:
    """Local branches whose names begin with one of these."""
    patterns = (f"refs/heads/{prefix}*" for prefix in prefixes)
    out = must(git(root, "for-each-ref", "--format=%(refname:lstrip=2)", *patterns, read_only=True), "list branches")
    return frozenset(text(out).split("\n")) - {""}


def head_branch(root: str) -> str:
    """The short name of the branch that HEAD is on; empty when detached."""
    return text(git(root, "symbolic-ref", "--quiet", "--short", "HEAD", read_only=True).stdout).strip()


def create_branch(root: str, branch: str, commit: str, *, reason: str, keep_open: Sequence[int]) -> None:
    """Creates a local branch; an existing one is never moved. `reason` becomes the first line of its reflog.

    Raises Refused (`branch-exists`).
    """
    ref = f"refs/heads/{branch}"
    logged = ("--create-reflog", "-m", reason)
    finished = git(root, *sync_refs(), "update-ref", *logged, ref, commit, _NONE, keep_open=keep_open)
    if finished.ok:
        return
    below = text(git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"{ref}/", read_only=True).stdout).split(
        "\n"
    )[0]
    if below:
        raise branch_exists(below)
    if branch_commit(root, branch) is None:
        raise WorkFailed("git-failed", f"git could not create the branch {branch}: {finished.complaint}")
    raise branch_exists(branch)


def branch_reason(root: str, branch: str) -> str:
    """The reason that a branch was created with; empty when its reflog does not have it."""
    out = git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", read_only=True).stdout
    return (text(out).splitlines() or [""])[-1]


def branch_is_untouched(root: str, branch: str, reason: str) -> bool:
    """Whether nothing happened to the branch since it was created with that reason."""
    out = git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", read_only=True).stdout
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
