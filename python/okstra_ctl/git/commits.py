"""Questions about commits: what a name stands for, what stems from what, what changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Unreadable, UsageError
from .command import git, must, text


def resolve(root: str, ref: str) -> str | None:
    """The commit id that `ref` names; None when it names none."""
    answer = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", ask=True)
    return text(answer.stdout).strip() if answer.ok else None


def resolve_given(root: str, ref: str, option: str) -> str:
    """As `resolve`, for a ref that a person gave. Raises UsageError (`bad-ref`)."""
    try:
        commit = resolve(root, ref)
    except Unreadable:  # a text that no program can be given
        commit = None
    if commit is None:
        raise UsageError(
            "bad-ref", f"{ref!r} is no commit of this repository", where=option, hint="see `git branch -a`"
        )
    return commit


def is_ancestor(root: str, commit: str, of: str) -> bool:
    return git(root, "merge-base", "--is-ancestor", commit, of, ask=True).ok


def is_on_a_branch(root: str, commit: str) -> bool:
    """Whether any branch, local or remote-tracking, or tag has the commit."""
    return bool(git(root, "for-each-ref", "--count=1", f"--contains={commit}", ask=True).stdout.strip())


def newest_of(root: str, commits: Sequence[str]) -> str:
    """The one of the commits that comes last in the history of all of them."""
    out = must(git(root, "rev-list", "--topo-order", "--max-count=1", *commits, ask=True), "order commits")
    return text(out).strip()


def commits_between(root: str, base: str, head: str) -> int:
    out = must(git(root, "rev-list", "--count", f"{base}..{head}", ask=True), "count commits")
    return int(out)


def changed_files(root: str, base: str, head: str) -> list[str]:
    """Paths that differ between two commits; a rename counts as both its names."""
    out = must(git(root, "diff", "--name-only", "--no-renames", "-z", base, head, ask=True), "compare commits")
    return [text(name) for name in out.split(b"\0") if name]


def unreachable_commits(root: str, head: str) -> int:
    """How many commits of `head` no branch, tag or remote ref holds."""
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
            ask=True,
        ),
        "look for unreachable commits",
    )
    return int(out)


def merged_between(root: str, old: str, new: str) -> list[str]:
    """What each commit of the branch's own line from `old` to `new` merged; empty text for one that is no merge.
    Nothing where `new` does not go on from `old`."""
    if not is_ancestor(root, old, new):
        return []
    listed = git(root, "rev-list", "--first-parent", "--parents", f"{old}..{new}", ask=True)
    parents = [line.split()[1:] for line in text(listed.stdout).splitlines()]
    return [one[1] if len(one) == 2 else "" for one in parents]


def remote_refs(root: str) -> list[str]:
    """Remote-tracking branches, as full ref names."""
    out = git(root, "for-each-ref", "--format=%(refname)", "refs/remotes", ask=True).stdout
    return [name for name in text(out).splitlines() if not name.endswith("/HEAD")]


def commit_subjects(root: str, base: str, head: str) -> list[dict[str, str]]:
    """The commits from base to head, oldest first, with their subjects."""
    out = must(git(root, "log", "--reverse", "-z", "--format=%H %s", f"{base}..{head}", ask=True), "list commits")
    lines = [text(line).partition(" ") for line in out.split(b"\0") if line]
    return [{"commit": commit, "subject": subject} for commit, _, subject in lines]
