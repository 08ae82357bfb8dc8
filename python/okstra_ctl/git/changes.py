"""A change that is there already: where it begins, what it is as text, and the index as a commit."""

from __future__ import annotations

import os
import shutil

from .. import git
from ..errors import WorkFailed
from ..system import files, processes
from .command import AS_OKSTRA, must, text
from .command import git as run_git

_AS_TEXT = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--ignore-submodules=none")
_INDEX = "okstra-review-index-"


def merge_base(root: str, one: str, other: str) -> str:
    """Where two commits parted; empty when they have nothing in common."""
    return text(run_git(root, "merge-base", one, other, read_only=True).stdout).strip()


def diff_text(root: str, base: str, head: str) -> str:
    """The difference as a patch. Bytes that are not UTF-8 are replaced."""
    out = must(run_git(root, "diff", *_AS_TEXT, base, head, read_only=True), "show the change")
    return out.decode("utf-8", "replace")


def diff_for_hosts(root: str, base: str, head: str) -> str:
    """The same with the prefixes and the context that code hosts show, whatever the person's settings say."""
    form = ("--unified=3", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/")
    quoted = ("-c", "core.quotePath=false")
    out = must(run_git(root, *quoted, "diff", *_AS_TEXT, *form, base, head, read_only=True), "show the change")
    return out.decode("utf-8", "replace")


def diff_stat(root: str, base: str, head: str) -> str:
    """The changed files, each with how many lines were added and removed."""
    out = must(run_git(root, "diff", *_AS_TEXT, "--stat=100", base, head, read_only=True), "show the change")
    return out.decode("utf-8", "replace")


def commit_staged(repository: git.Repository) -> str:
    """What is staged there, as a commit on no branch whose parent is HEAD; the same for the same content. The index, of
    which a copy is used, stays as it is. Raises WorkFailed (`git-failed`)."""
    root, admin = repository.top, repository.git_dir
    index = os.path.join(admin, f"{_INDEX}{os.getpid()}")
    try:
        if os.path.exists(os.path.join(admin, "index")):
            shutil.copyfile(os.path.join(admin, "index"), index)
        tree = _must(root, ("write-tree",), {"GIT_INDEX_FILE": index})
    except OSError as error:
        raise WorkFailed("git-failed", f"the index can't be read: {error.strerror}", where=admin) from error
    finally:
        for path in (index, f"{index}.lock"):
            files.discard(path)
    date = _must(root, ("log", "-1", "--format=%cI", "HEAD"), {})
    dated = {**AS_OKSTRA, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    return _must(root, ("-c", "commit.gpgSign=false", "commit-tree", tree, "-p", "HEAD", "-m", "Staged changes"), dated)


def fetch(root: str, remote: str, *refs: str) -> None:
    """Fetches these refs of the remote; no branch is made or moved but remote-tracking ones. As the person's own git,
    with their login. Raises WorkFailed (`git-failed`)."""
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", remote, *refs)
    fetched = processes.run(["git", "-C", root, *words], env={**git.users_environment(), "GIT_TERMINAL_PROMPT": "0"})
    if not fetched.ok:
        raise WorkFailed("git-failed", f"git could not fetch from {remote}: {fetched.complaint}", where=root)


def _must(root: str, args: tuple[str, ...], extra: dict[str, str]) -> str:
    return text(must(run_git(root, *args, extra=extra), "look at the change")).strip()
