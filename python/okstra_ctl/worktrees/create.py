"""Creating a worktree in steps that a crash may interrupt anywhere (docs/design/reservation.md).

1. Under the repository lock: `git worktree add` without files, detached, locked with the claim's token.
2. Outside it: the checkout, on several cores, which needs no HEAD.
3. Under it again, while the files are checked out: the branch is created and HEAD attached to it. Its reflog has the
   claim's token: undoing an unfinished worktree deletes only a branch that this claim created and nobody moved since.

An earlier okstra tried merges in worktrees with a detached HEAD, and the process that made one in its folder's name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import NamedTuple

from .. import git
from ..errors import OkstraError, WorkFailed
from ..git import kept, worktree_admin
from ..home_paths import HomePaths
from ..names import Owner, TaskKey, number_in
from ..status import Liveness
from ..system import files, fsync, processes, trash
from ..system.locks import LockKind, locked
from ..system.process_identity import liveness, this_process

PREFIX = "integrate-"


class UndoStack:
    """A context manager: an error that leaves the block runs the steps; `commit` forgets them."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []
        self._is_committed: Callable[[], bool] = lambda: False

    def unless(self, is_committed: Callable[[], bool]) -> None:
        """Ctrl-C can come between the write that makes it all valid and `commit`: what is written decides."""
        self._is_committed = is_committed

    def push(self, step: Callable[[], object]) -> None:
        self._steps.append(step)

    def commit(self) -> None:
        self._steps.clear()

    def __enter__(self) -> UndoStack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A step that fails is left to recovery, which finds it by its claim; the others still run."""
        if kind is not None and self._steps and self._must_stand():
            self._steps.clear()
        while kind is not None and self._steps:
            try:
                self._steps.pop()()
            except (OkstraError, OSError) as failed:
                note = f"(and undoing it failed: {failed})"
                if isinstance(error, OkstraError):
                    error.hint = f"{error.hint} {note}; the next command, or `okstra reconcile`, finishes that".strip()

    def _must_stand(self) -> bool:
        """Where nobody can tell, nothing is removed: recovery decides, once the claim can be read."""
        try:
            return self._is_committed()
        except OkstraError:
            return True


class Site(NamedTuple):
    """A worktree to create: where, on which branch, from which commit. `token` is its claim's lock reason.

    `restores`: the branch exists already, and only its folder was lost or removed.
    """

    repository: git.Repository
    path: str
    branch: str
    base_commit: str
    token: str
    restores: bool = False


class Checkout(NamedTuple):
    """A running checkout."""

    site: Site
    running: processes.Running
    git_dir: str


def begin(home: HomePaths, site: Site, undo: UndoStack) -> Checkout:
    """Step 1, and the start of step 2. Raises WorkFailed (`worktree-not-created`), Refused, Busy."""
    trash.check_is_ours(home, site.path)
    files.make_folder(os.path.dirname(site.path))
    with locked(LockKind.REPOSITORY, site.repository.lock) as lock:
        if os.path.lexists(site.path):
            raise WorkFailed(
                "worktree-not-created",
                "the folder for the worktree exists already, and no reservation names it",
                where=site.path,
                hint="look at its content and move it away; `okstra reconcile --rebuild` if the registry was lost",
            )
        if site.restores:
            forget(site.repository, site.path)
            git.require_free_branch(site.repository, site.branch, site.path)
        undo.push(lambda: clear(home, site))
        git.worktree_add_detached(
            site.repository, site.path, site.base_commit, reason=site.token, keep_open=lock.keep_open
        )
    git_dir = git.worktree_git_dir(site.path)
    fsync.start_deferring()
    with worktree_admin.fenced(git_dir) as fence:
        workers = 2 * (os.cpu_count() or 1)  # they wait for the disk as well
        running = git.start_checkout(site.path, site.base_commit, workers, keep_open=(fence,))
    undo.push(running.kill)
    return Checkout(site, running, git_dir)


def restore(home: HomePaths, site: Site, undo: UndoStack) -> None:
    """All steps for a worktree whose branch exists and whose folder does not. Raises WorkFailed, Busy."""
    checkout = begin(home, site, undo)
    put_on_branch(site)
    await_files(checkout)


def await_files(checkout: Checkout) -> None:
    """The rest of step 2. Raises WorkFailed (`worktree-not-created`)."""
    git.finish_checkout(checkout.running, checkout.site.path, checkout.git_dir)


def put_on_branch(site: Site) -> None:
    """Step 3. Raises Refused (`branch-exists`, `branch-in-use`), WorkFailed, Busy."""
    with locked(LockKind.REPOSITORY, site.repository.lock) as lock:
        if site.restores:
            git.require_free_branch(site.repository, site.branch, site.path)
        else:
            git.create_branch(
                site.repository.top, site.branch, site.base_commit, reason=site.token, keep_open=lock.keep_open
            )
        git.attach_head(site.path, site.branch, keep_open=lock.keep_open)
    for path in git.ref_files(site.repository, git.worktree_git_dir(site.path), site.branch):
        fsync.defer_fsync(path)


def clear(home: HomePaths, site: Site, *, unchanged: Callable[[], bool] = lambda: True) -> None:
    """Removes an unfinished worktree: its folder, git's record of it, and its branch if this very claim created it.

    Safe to repeat, and safe when nothing of it exists. Nobody knows the worktree before its claim becomes active, so
    nobody's work is in it; a branch that was moved is kept all the same. `unchanged` returns, under the repository
    lock, whether the claim still exists: another command may have undone it already, and a third may be creating its
    own worktree there. Raises Busy while a git process of a dead run is running.
    """
    common_dir = site.repository.common_dir
    for admin in worktree_admin.admin_folders(common_dir):
        if admin.reason == site.token:
            worktree_admin.wait_until_idle(admin.folder)
    with locked(LockKind.REPOSITORY, site.repository.lock) as lock:
        if not unchanged():
            return
        made = worktree_admin.made_for(common_dir, site.path, site.token)
        if any(admin.reason == site.token for admin in made) or worktree_admin.is_empty(site.path):
            trash.throw_away(home, site.path)
        for admin in made:
            worktree_admin.forget(common_dir, admin)
        if not site.restores:
            _delete_own_branch(site, lock.keep_open)
    trash.sweep(home)


def _delete_own_branch(site: Site, keep_open: tuple[int, ...]) -> None:
    if git.branch_commit(site.repository.top, site.branch) is None:
        git.clear_killed_creation(site.repository.common_dir, site.branch, site.token)
    else:
        _delete_untouched(site.repository, site.branch, site.base_commit, site.token, keep_open)


def delete_untouched_branches(
    repository: git.Repository, branches: Iterable[str], token: str, keep_open: tuple[int, ...]
) -> list[str]:
    """Deletes those that were created for the worktree of that token and that nobody touched since; returns which.

    Also removes what git left of a branch whose creation was killed. Under the repository lock.
    """
    deleted = []
    for branch in branches:
        commit = git.branch_commit(repository.top, branch)
        if commit is None:
            git.clear_killed_creation(repository.common_dir, branch, token)
        elif _delete_untouched(repository, branch, commit, token, keep_open):
            deleted.append(branch)
    return deleted


def _delete_untouched(
    repository: git.Repository, branch: str, commit: str, token: str, keep_open: tuple[int, ...]
) -> bool:
    return git.branch_is_untouched(repository.top, branch, token) and git.delete_untouched_branch(
        repository.common_dir, branch, commit, keep_open=keep_open
    )


def forget(repository: git.Repository, path: str) -> None:
    """Removes git's record of a worktree whose folder was moved away or is gone. Under the repository lock.

    If only the record's HEAD refers to a commit, the commit is kept by a ref.
    """
    admin = worktree_admin.at(repository.common_dir, path)
    if admin is None:
        return
    commit = unreferenced_head(repository, admin)
    if commit:
        kept.keep(repository.top, commit, f"refs/okstra/kept/detached/{commit}")
    worktree_admin.forget(repository.common_dir, admin)


def unreferenced_head(repository: git.Repository, admin: worktree_admin.AdminFolder) -> str:
    """The commit of a worktree's HEAD, if it is on no branch, tag or kept ref; else ""."""
    commit = worktree_admin.detached_head(admin)
    known = git.resolve(repository.top, commit) if commit else None
    return known if known and git.unreachable_commits(repository.top, known) else ""


def lock_reason(key: str, epoch: int) -> str:
    """The lock reason of a worktree: it names the claim, with its epoch."""
    return f"okstra {key}" + (f" epoch {epoch}" if epoch else "")


def clear_abandoned(home: HomePaths, repository: git.Repository, key: TaskKey) -> list[str]:
    """Removes scratch worktrees whose processes are gone; returns their paths."""
    place = home.task_place(key)
    names = {*files.names_in(place), *_names_in_git(repository, place)}
    dead = [os.path.join(place, name) for name in sorted(names) if name.startswith(PREFIX) and not _owner_lives(name)]
    for path in dead:
        _remove(home, repository, path)
    return dead


def is_abandoned(path: str) -> bool:
    """Whether the integration that tries its merges there is gone."""
    return not _owner_lives(os.path.basename(path))


def half_made(repository: git.Repository) -> list[str]:
    """git's records of scratch worktrees whose creation was killed before git wrote their paths: no list shows them."""
    admins = worktree_admin.admin_folders(repository.common_dir)
    names = {os.path.basename(admin.folder): admin.folder for admin in admins if not admin.worktree}
    return [folder for name, folder in names.items() if name.startswith(PREFIX) and not _owner_lives(name)]


def _names_in_git(repository: git.Repository, place: str) -> list[str]:
    """Of scratch worktrees in that place, and of half-made ones, which may be in any."""
    admins = worktree_admin.admin_folders(repository.common_dir)
    here = os.path.realpath(place)
    return [
        os.path.basename(admin.folder)
        for admin in admins
        if not admin.worktree or os.path.realpath(os.path.dirname(admin.worktree)) == here
    ]


def _owner_lives(name: str) -> bool:
    pid, _, start_time = name.removeprefix(PREFIX).partition("-")
    number = number_in(pid)
    if number is None:
        return False
    me = this_process()
    return liveness(Owner(me.host, me.boot_id, number, start_time)) is Liveness.ALIVE


def _remove(home: HomePaths, repository: git.Repository, path: str) -> None:
    with locked(LockKind.REPOSITORY, repository.lock):
        trash.throw_away(home, path)
        admin = worktree_admin.named(repository.common_dir, os.path.basename(path))
        if admin is not None:  # its commits need not be kept
            worktree_admin.forget(repository.common_dir, admin)
    trash.sweep(home)
