"""Checkouts that only okstra uses, with a detached HEAD: brought to a commit, and cleaned of what a command left."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .command import begin, git, must, text
from .status import is_marked
from .worktrees import worktree_git_dir

_LOCKS = ("index.lock", "HEAD.lock")


class CommitFiles(NamedTuple):
    """Of every path of a commit, the id of what stands there; `submodules` are those that are commits of submodules."""

    ids: dict[str, str]
    submodules: tuple[str, ...]


def files_of(root: str, commit: str) -> CommitFiles:
    out = must(git(root, "ls-tree", "-r", "-z", "--full-tree", commit, read_only=True), "list the commit's files")
    entries = [(fields.split(b" "), text(name)) for fields, _, name in _parted(out)]
    ids = {name: text(fields[2]) for fields, name in entries}
    return CommitFiles(ids, tuple(name for fields, name in entries if fields[1] == b"commit"))


def _parted(out: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    return (entry.partition(b"\t") for entry in out.split(b"\0") if entry)


def is_whole(path: str) -> bool:
    """Whether no git was killed in the checkout, and no entry of its index hides edits."""
    folder = worktree_git_dir(path)
    if any(os.path.lexists(os.path.join(folder, name)) for name in _LOCKS):
        return False
    listed = git(path, "ls-files", "-v", "-z", "--", ":/", read_only=True)
    return listed.ok and not any(is_marked(entry) for entry in listed.stdout.split(b"\0"))


def bring_to(path: str, commit: str, *, keep_open: Sequence[int] = ()) -> bool:
    """Checks the commit out over every edit of tracked files, in submodules too; False when git could not."""
    words = ("checkout", "--quiet", "--detach", "--force", "--no-recurse-submodules", commit)
    if not git(path, *words, keep_open=keep_open).ok:
        return False
    if not os.path.exists(os.path.join(path, ".gitmodules")):
        return True
    cleaned = "git reset --quiet --hard && git clean -ffdxq"
    steps = (("update", "--force", "--recursive"), ("foreach", "--recursive", cleaned))
    return all(git(path, "submodule", "--quiet", *words, keep_open=keep_open).ok for words in steps)


def others(path: str) -> list[str]:
    """What git does not track, ignored or not; a folder without tracked files is one path, without its slash."""
    out = must(git(path, "ls-files", "--others", "--directory", "-z", read_only=True), "list untracked files")
    return [text(name).rstrip("/") for name in out.split(b"\0") if name]


def clean(path: str, kept: Iterable[str], *, keep_open: Sequence[int] = ()) -> bool:
    """Deletes what git does not track, but for `kept`; False when something could not be deleted."""
    words = [word for one in kept for word in ("-e", _pattern(one))]
    return git(path, "clean", "-ffdxq", *words, keep_open=keep_open).ok


def _pattern(path: str) -> str:
    return "/" + "".join(f"\\{char}" if char in "\\*?[ \n" else char for char in path)


def commit_with(root: str, base: str, head: str, paths: Iterable[str], message: str, *, index: str) -> str:
    """A commit on no branch: the files of `base`, but those of `paths` as in `head`, where they may be missing.

    It is the same one each time. `index` is a temporary file. Raises WorkFailed (`git-failed`).
    """
    wanted = {path.encode("utf-8", "surrogateescape") for path in paths}
    if not wanted:
        return base
    extra = {"GIT_INDEX_FILE": index, **_NOBODY}
    words = ("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", base, head)
    raw = must(git(root, *words, read_only=True), "compare commits")
    must(git(root, "read-tree", base, extra=extra), "read the base")
    entries = b"".join(
        f"{mode} {blob}\t".encode() + name + b"\0" for mode, blob, name in _raw_entries(raw) if name in wanted
    )
    must(begin(root, "update-index", "-z", "--index-info", extra=extra, stdin=entries).finish(), "set files")
    tree = text(must(git(root, "write-tree", extra=extra), "write a tree")).strip()
    made = git(root, "commit-tree", "--no-gpg-sign", tree, "-p", base, "-m", message, extra=extra)
    return text(must(made, "make a commit")).strip()


_NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "okstra"), ("EMAIL", "okstra@localhost"), ("DATE", "946684800 +0000"))
}


def _raw_entries(raw: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Mode, id and path in the second commit of each entry; mode 0 for a file that is not there."""
    parts = raw.split(b"\0")[:-1]
    for fields, name in zip(parts[::2], parts[1::2], strict=True):
        _, mode, _, blob, _ = fields.decode("ascii").split(" ")
        yield mode, blob, name
