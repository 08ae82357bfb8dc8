"""Taking an executor's commits out of its quarantine (docs/design/containment.md).

In an order in which a kill at any place leaves either the branch as it was, or at a commit that is whole with all its
objects; doing it again finishes it. Nothing of the quarantine is used as a repository.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from shutil import rmtree
from typing import NamedTuple

from .. import git
from ..errors import OkstraError, WorkFailed
from ..git import kept as kept_work
from ..git import worktree_admin
from ..git.command import git as ask_git
from ..system import files, foreign_files
from ..system.locks import LockKind, locked
from . import record, ref_copies
from .make import point_back
from .objects import REFUSED, ObjectView, refused, stems_from
from .record import Quarantine
from .submodules import lost_in_submodules, set_aside_foreign

REPOSITORY_LOCK = "okstra.lock"
_REMOTE = "refs/remotes/"
_SETTLE_SECONDS = 0.25
_NO_WORK = ("refs/replace/", "refs/prefetch/")
_LFS_NAME = re.compile(r"[0-9a-f]{64}")
_LFS_PART = 1 << 20  # bytes read at a time


class Kept(NamedTuple):
    """A commit that is not on the worktree's branch: what the worker called it, and okstra's ref that keeps it."""

    name: str
    commit: str
    ref: str


class TakenHome(NamedTuple):
    """What was taken. `tip` is where the branch is now. `lost` are commits of submodules that only the worker had:
    a submodule's repository is read-only to it."""

    old: str
    tip: str
    kept: tuple[Kept, ...] = ()
    lost: tuple[str, ...] = ()
    lfs: int = 0

    @property
    def sentences(self) -> list[str]:
        """What a person should hear of; empty when all is on the branch."""
        elsewhere = [
            f"{one.name} at {one.commit[:12]} is not on the branch: it is kept by {one.ref}" for one in self.kept
        ]
        return elsewhere + [f"the submodule commit {one} was not there to be taken" for one in self.lost]


def take_home(one: Quarantine) -> TakenHome:
    """Brings all new commits into the real repository, moves the branch, and removes the quarantine.

    Raises WorkFailed (`quarantine-refused`): then the quarantine stays, and the repository is as it was. Raises Busy
    while a process of the worker is alive.
    """
    worktree_admin.wait_until_idle(one.folder)
    if not os.path.isdir(one.common_dir):
        raise refused(one, f"its repository {one.common_dir} is gone")
    with locked(LockKind.REPOSITORY, os.path.join(one.common_dir, REPOSITORY_LOCK)) as lock:
        found = record.read(one.folder)  # another command may have taken it home
        if found is None or not found.whole:
            point_back(one)
            drop(one)
            return TakenHome(one.old, one.old)
        try:
            return _take(found, lock.keep_open)
        except WorkFailed as error:
            if error.code == REFUSED:
                record.write(found._replace(refused=error.message))
            raise


def _take(one: Quarantine, keep_open: Sequence[int]) -> TakenHome:
    if one.taking:
        _clear_killed_locks(one)
    else:
        record.write(one._replace(taking=True))
    point_back(one)
    foreign = set_aside_foreign(one, one.old)
    changed = changed_refs(one)
    tip, others = one.old, dict[str, str]()
    if changed:
        objects = ObjectView(one)
        tip, others = _sorted_out(one, changed, objects)
        arrived = [*([tip] if tip != one.old else []), *others.values()]
        if arrived:
            objects.bring(arrived)
    if not stems_from(one, tip):
        raise refused(one, f"{tip[:12]} does not descend from {one.old[:12]}")
    foreign += set_aside_foreign(one, tip) if tip != one.old else []
    if foreign:
        raise refused(one, f"it made repositories of its own where submodules stand: {', '.join(foreign)}")
    lfs = _take_lfs(one)
    moved = tip == one.old or _move_branch(one, tip, keep_open)
    if not moved:
        others = {one.branch: tip, **others}
    kept = tuple(_keep(one, number, name, commit) for number, (name, commit) in enumerate(others.items()))
    lost: tuple[str, ...] = ()
    if moved and tip != one.old:
        _renew_index(one, keep_open)
        lost = lost_in_submodules(one, tip)
    drop(one)
    return TakenHome(one.old, tip if moved else one.old, kept, lost, lfs)


def drop(one: Quarantine) -> None:
    """Removes it. First it is no whole one any more: nobody takes home what is half removed."""
    if os.path.isdir(one.folder):
        record.write(one._replace(whole=False))
    rmtree(one.git, ignore_errors=True)
    rmtree(one.folder, ignore_errors=True)


def _clear_killed_locks(one: Quarantine) -> None:
    """What a killed git left; under the repository lock, which a git of okstra's that is alive would share. One of a
    person's git is gone, or another, a moment later."""
    branch = os.path.join(one.common_dir, f"{one.branch}.lock")
    paths = [branch, *(os.path.join(one.git_dir, f"{name}.lock") for name in ("HEAD", "index"))]
    for tables in (os.path.join(folder, "reftable") for folder in (one.common_dir, one.git_dir)):
        paths += [os.path.join(tables, name) for name in files.names_in(tables) if name.endswith(".lock")]
    before = {path: _identity(path) for path in paths}
    if any(before.values()):
        time.sleep(_SETTLE_SECONDS)
    for path, found in before.items():
        if found and _identity(path) == found:
            files.discard(path)


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def changed_refs(one: Quarantine) -> dict[str, str]:
    """By name, what is not as it was when the quarantine was made; `HEAD` where the worktree is on no branch."""
    first, seen = ref_copies.first_refs(one), ref_copies.refs_of(one)
    changed = {name: commit for name, commit in seen.commits.items() if first.get(name) != commit}
    changed |= {"HEAD": seen.head} if seen.head not in ("", one.old) else {}
    return {name: commit for name, commit in changed.items() if not name.startswith(_NO_WORK)}


def _sorted_out(one: Quarantine, changed: Mapping[str, str], objects: ObjectView) -> tuple[str, dict[str, str]]:
    """The branch's new tip, and new commits elsewhere by name: on other branches, on none, or on a base that was
    rewritten."""
    fetched = [commit for name, commit in changed.items() if name.startswith(_REMOTE) and objects.is_commit(commit)]
    named = {name: commit for name, commit in changed.items() if not name.startswith(_REMOTE)}
    tip = changed.get(one.branch, one.old)
    if not objects.is_commit(tip):
        raise refused(one, f"{one.branch} is at {tip[:12]}, which is no commit")
    if objects.descends(tip, one.old):
        named.pop(one.branch, None)
    else:
        tip = one.old
    by_commit = {commit: name for name, commit in reversed(named.items())}
    new = objects.new_among(list(by_commit), [tip, *fetched])
    return tip, {by_commit[commit]: commit for commit in new}


def _move_branch(one: Quarantine, tip: str, keep_open: Sequence[int]) -> bool:
    """By the old value; a second time, after a kill, it is there already. False when somebody moved it meanwhile."""
    if git.resolve(one.common_dir, one.branch) == tip:
        return True
    words = ("update-ref", "-m", f"okstra: what {one.worker} committed", one.branch, tip, one.old)
    folder = one.git_dir if os.path.isdir(one.git_dir) else one.common_dir
    return ask_git("/", *git.sync_refs(), *words, keep_open=keep_open, extra={"GIT_DIR": folder}).ok


def _keep(one: Quarantine, number: int, name: str, commit: str) -> Kept:
    ref = f"{one.kept}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{number}"
    kept_work.keep(one.common_dir, commit, ref)
    return Kept(name, commit, ref)


def _renew_index(one: Quarantine, keep_open: Sequence[int]) -> None:
    """The real index follows the branch. No worker has written it: an edit that one hid by marks in its own index
    (`assume-unchanged`, `skip-worktree`) shows. Nothing is done where somebody switched the worktree meanwhile."""
    if not os.path.isdir(one.worktree) or f"refs/heads/{git.head_branch(one.worktree)}" != one.branch:
        return

    def ask(*words: str) -> bool:
        where = {"GIT_DIR": one.git_dir, "GIT_WORK_TREE": one.worktree}
        return ask_git(one.worktree, *words, keep_open=keep_open, extra=where).ok

    # With `-m` what is known of unchanged files stays known; an unfinished merge forbids it.
    if not ask("read-tree", "-m", "HEAD"):
        ask("read-tree", "HEAD")
    if ask_git(one.worktree, "config", "--type=bool", "core.sparseCheckout", read_only=True).stdout.strip() == b"true":
        ask("read-tree", "-m", "-u", "HEAD")  # marks what a sparse checkout leaves out
    if not _has_filters(one):  # they may run what the worker left in the tree; `git status` looks at those files again
        ask("update-index", "-q", "--refresh")


def _has_filters(one: Quarantine) -> bool:
    words = ("config", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$")
    return ask_git(one.common_dir, *words, read_only=True).ok


def _take_lfs(one: Quarantine) -> int:
    """Objects of git-lfs come home when they are what their names say. Returns how many were new.

    Raises WorkFailed (`write-failed`).
    """
    taken = 0
    for name, path in _objects(os.path.join(one.git, "lfs", "objects")):
        target = os.path.join(one.common_dir, "lfs", "objects", name[:2], name[2:4], name)
        if not os.path.lexists(target) and _digest(path) == name:
            files.make_folder(os.path.dirname(target))
            try:
                files.replace_in_parts(target, _parts(path), mode=0o444)
            except OkstraError:
                continue
            taken += 1
    return taken


def _objects(folder: str) -> Iterator[tuple[str, str]]:
    if os.path.islink(os.path.dirname(folder)) or os.path.islink(folder):
        return
    for place, _, names in os.walk(folder):
        yield from ((name, os.path.join(place, name)) for name in names if _LFS_NAME.fullmatch(name))


def _digest(path: str) -> str:
    found = sha256()
    for part in _parts(path):
        found.update(part)
    return found.hexdigest()


def _parts(path: str) -> Iterator[bytes]:
    """Nothing for what is no regular file."""
    try:
        file = foreign_files.open_plain(path)
    except OkstraError:
        return
    if file is not None:
        with file:
            while part := file.read(_LFS_PART):
                yield part
