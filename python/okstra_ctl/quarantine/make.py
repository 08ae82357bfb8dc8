"""Making a quarantine: what is small is copied, objects are borrowed, and submodules stay where they are."""

from __future__ import annotations

import os
import uuid
from typing import NamedTuple

from .. import git
from ..errors import Refused, WorkFailed
from ..git import worktree_admin
from ..git.command import begin, must, text
from ..git.command import git as ask_git
from ..home_paths import HomePaths
from ..quoting import quote
from ..system import files
from ..system.process_identity import this_process
from . import record
from .copies import copy_file, copy_folder, entries
from .object_folders import borrowed, listed
from .record import BASE, Quarantine
from .ref_copies import LIST_REFS, copy_refs
from .submodules import initialised

_FOLDERS = ("hooks", "info")
_LEFT_OUT = frozenset({"packed-refs", "index", "FETCH_HEAD", "gc.log", "gc.pid", "okstra.lock", "okstra.fence"})
_MODULES = "modules"
_LARGEST = 4 * 1024 * 1024


class Order(NamedTuple):
    """For whom a quarantine is made. `mounts`: it can be laid over the real folder."""

    run_id: str
    worker: str
    worktree: str
    kept: str
    mounts: bool


def make(home: HomePaths, order: Order) -> Quarantine:
    """A private copy of the common git folder of a linked worktree. Raises Refused (`head-moved`), WorkFailed."""
    repository = git.discover(order.worktree)
    if repository is None or not repository.linked:
        raise WorkFailed("worktree-gone", "it is no linked worktree any more", where=order.worktree)
    common, admin = os.path.realpath(repository.common_dir), os.path.realpath(repository.git_dir)
    on_branch = ask_git(order.worktree, "symbolic-ref", "--quiet", "HEAD", read_only=True)
    if not on_branch.ok or not repository.head:
        raise Refused(
            "head-moved",
            "the worktree is on no branch, so there is nothing that a worker's commits could go to",
            where=order.worktree,
            hint=f"git -C {quote(order.worktree)} switch BRANCH, then try again",
        )
    listing = begin(common, *LIST_REFS, read_only=True)
    one = Quarantine(
        folder=os.path.join(os.path.realpath(home.quarantines), uuid.uuid4().hex),
        run_id=order.run_id,
        worker=order.worker,
        worktree=os.path.realpath(order.worktree),
        common_dir=common,
        git_dir=admin,
        branch=text(on_branch.stdout).strip(),
        old=repository.head,
        object_format=text(
            must(ask_git(common, "rev-parse", "--show-object-format", read_only=True), "ask git")
        ).strip(),
        reftable=os.path.isdir(os.path.join(common, "reftable")),
        mounted=order.mounts,
        kept=order.kept,
        owner=this_process(),
        submodules=initialised(order.worktree),
    )
    files.make_folder(one.folder)
    record.write(one)
    copy_refs(one, must(listing.finish(), "list the refs"))
    _copy_settings(one)
    _borrow_objects(one)
    _copy_admin(one)
    if not one.mounted:
        worktree_admin.point_at(one.worktree, one.admin)
    whole = one._replace(whole=True)
    record.write(whole)
    return whole


def point_back(one: Quarantine) -> None:
    """Lets the worktree's `.git` name the real folder again, whatever stands there now."""
    if not one.mounted:
        worktree_admin.point_at(one.worktree, one.git_dir)


def _copy_settings(one: Quarantine) -> None:
    """Settings, HEAD, hooks and what else are small files there; never what git makes anew, or only holds for a
    moment."""
    for entry in entries(one.common_dir):
        wanted = entry.name not in _LEFT_OUT and not entry.name.endswith(".lock")
        if wanted and entry.is_file(follow_symlinks=False) and entry.stat().st_size <= _LARGEST:
            copy_file(entry.path, os.path.join(one.git, entry.name))
    for name in _FOLDERS:
        if os.path.isdir(os.path.join(one.common_dir, name)):
            copy_folder(os.path.join(one.common_dir, name), os.path.join(one.git, name))


def _borrow_objects(one: Quarantine) -> None:
    """Inside, the real objects stand below the copy; where nothing can be mounted, at their own place."""
    files.make_folder(os.path.join(one.git, BASE))
    for name in ("info", "pack"):
        files.make_folder(os.path.join(one.git, "objects", name))
    real = os.path.join(one.common_dir, "objects")
    first = os.path.join(one.common_dir, BASE, "objects") if one.mounted else real
    alternates = "".join(f"{listed(path)}\n" for path in (first, *borrowed(real)))
    files.replace(os.path.join(one.git, "objects", "info", "alternates"), os.fsencode(alternates), durable=False)


def _copy_admin(one: Quarantine) -> None:
    """The worktree's index, HEAD and unfinished work. Its submodules' repositories stay: they are shown read-only."""
    files.make_folder(one.admin)
    for entry in entries(one.git_dir):
        path = os.path.join(one.admin, entry.name)
        if entry.name == _MODULES:
            files.make_folder(path)
        elif entry.is_dir(follow_symlinks=False):
            copy_folder(entry.path, path)
        elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".lock"):
            copy_file(entry.path, path)
    if os.path.isdir(os.path.join(one.common_dir, _MODULES)):
        files.make_folder(os.path.join(one.git, _MODULES))
