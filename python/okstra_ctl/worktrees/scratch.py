"""A temporary worktree to try merges in, with a detached HEAD. Its folder's name has the process that made it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .. import git
from ..git import worktree_admin
from ..home_paths import HomePaths
from ..names import Owner, TaskKey, number_in
from ..status import Liveness
from ..system import files, trash
from ..system.locks import LockKind, locked
from ..system.owner import liveness, this_process

PREFIX = "integrate-"


@contextmanager
def scratch_worktree(home: HomePaths, repository: git.Repository, key: TaskKey, commit: str) -> Iterator[str]:
    """A checkout of `commit`; removed when the block ends. What a killed integration left is removed first."""
    clear_abandoned(home, repository, key)
    me = this_process()
    path = os.path.join(home.task_place(key), f"{PREFIX}{me.pid}-{me.start_time}")
    with locked(LockKind.REPOSITORY, repository.lock) as lock:
        reason = f"okstra {key} integrate"
        git.worktree_add_detached(repository, path, commit, reason=reason, keep_open=lock.keep_open)
    try:
        running = git.start_checkout(path, commit, workers=os.cpu_count() or 1)
        git.finish_checkout(running, path, git.worktree_git_dir(path))
        yield path
    finally:
        _remove(home, repository, path)


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
