"""Which change is to be reviewed: a range of commits, what is staged, or a pull request. No branch is made or moved."""

from __future__ import annotations

from collections.abc import Mapping

from .. import git, github
from ..errors import UsageError, WorkFailed
from ..git import changes, kept
from ..names import TaskKey
from .brief import Change, PullRequest, brief_text

GROUP = "reviews"
_REFS = "refs/okstra/reviews"
_MAIN_BRANCHES = (*(f"refs/remotes/origin/{name}" for name in ("HEAD", "main", "master")), "main", "master")
_FIELDS = "number,title,body,url,baseRefName,headRefOid"


def range_named(root: str, text: str) -> Change:
    """`A..B`; `A...B`: what B has since it parted from A; `A`: as `A...HEAD`; nothing: since the main branch.

    Raises UsageError (`bad-ref`, `nothing-to-review`).
    """
    if text and ".." not in text:
        text = f"{text}...HEAD"
    name = text or f"{_main_branch(root)}...HEAD"
    first, dots, last = name.partition("..." if "..." in name else "..")
    old = git.resolve_option(root, first or "HEAD", "RANGE")
    head = git.resolve_option(root, last or "HEAD", "RANGE")
    base = changes.merge_base(root, old, head) if dots == "..." else old
    if not base:
        raise UsageError("bad-ref", f"{first} and {last} have no commit in common", where="RANGE", hint="write A..B")
    return _change(root, name.replace("refs/remotes/", ""), "", base, head)


def staged(repository: git.Repository) -> Change:
    """Raises UsageError (`nothing-to-review`), WorkFailed."""
    root = repository.top
    head = git.resolve_option(root, "HEAD", "--staged")
    return _change(root, "that is staged", "staged-", head, changes.commit_staged(repository))


def pull_request(root: str, number: int, environment: Mapping[str, str]) -> Change:
    """Asks gh, and fetches what the pull request has now. Raises Missing (`gh-missing`), WorkFailed (`gh-failed`,
    `git-failed`), UsageError (`nothing-to-review`)."""
    found = github.ask(["pr", "view", str(number), "--json", _FIELDS], root, environment)
    try:
        one = PullRequest(int(found["number"]), str(found["title"]), str(found["body"] or ""), str(found["url"]))
        onto, head = str(found["baseRefName"]), str(found["headRefOid"])
    except (KeyError, TypeError, ValueError) as error:
        raise WorkFailed("gh-failed", f"gh said nothing of {error} of the pull request", where=f"#{number}") from error
    names = git.remote_names(root)
    remote = "origin" if "origin" in names or not names else names[0]
    tracking = f"refs/remotes/{remote}/{onto}"
    changes.fetch(root, remote, f"+refs/heads/{onto}:{tracking}", f"refs/pull/{number}/head")
    base = changes.merge_base(root, git.resolve_option(root, tracking, "--pr"), git.resolve_option(root, head, "--pr"))
    return _change(root, f"of pull request {number}", f"pr-{number}-", base, head)._replace(pull_request=one)


def keep(root: str, key: TaskKey, change: Change) -> None:
    """Keeps the commit, which may be on no branch: what the review cites can be looked up later."""
    kept.keep(root, change.head, f"{_REFS}/{key.id_segment}")


def request_of(root: str, change: Change) -> str:
    commits = git.commit_subjects(root, change.base, change.head)
    between = (root, change.base, change.head)
    return brief_text(change, commits, changes.diff_stat(*between), changes.diff_text(*between))


def _main_branch(root: str) -> str:
    for name in _MAIN_BRANCHES:
        if git.resolve(root, name):
            return name
    message = "there is no main branch to compare HEAD with"
    raise UsageError("bad-ref", message, where="RANGE", hint="okstra review A..B")


def _change(root: str, name: str, prefix: str, base: str, head: str) -> Change:
    files = tuple(git.changed_files(root, base, head))
    if not files:
        hint = "name a range, e.g. okstra review HEAD~3; --staged; or --pr NUMBER"
        raise UsageError("nothing-to-review", f"the change {name} is empty", where=root, hint=hint)
    return Change(name, f"{prefix}{base[:10]}-{head[:10]}", base, head, files)
