"""Copying a repository's refs into a quarantine, and reading the quarantine's by settings of okstra's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import Unreadable
from ..git.command import git, text
from ..system import files
from .copies import copy_file, copy_folder, take_plain_file, take_plain_files
from .record import Quarantine

LIST_REFS = ("for-each-ref", "--format=%(objectname) %(refname)%00%(symref)")
_OF_ONE_WORKTREE = ("refs/bisect/", "refs/rewritten/", "refs/worktree/")
_LARGEST = 64 * 1024 * 1024
_LARGEST_LOOSE = 4096
_TRIES = 50


class Refs(NamedTuple):
    """Refs with their commits, as a quarantine has them; `head` is that of the worktree when it is on no branch."""

    commits: Mapping[str, str]
    head: str


def copy_refs(one: Quarantine, listing: bytes) -> None:
    """`listing` is what LIST_REFS printed. All refs go into one file: ten thousand would take longer to make than to
    read. Raises WorkFailed, Unreadable."""
    rows = [row.partition(b"\0") for row in listing.split(b"\n") if row]
    shared = [row for row in rows if not _name(row[0]).startswith(_OF_ONE_WORKTREE)]
    plain = b"".join(row[0] + b"\n" for row in shared if not row[2])
    files.replace(one.first_refs, plain, durable=False)
    if one.reftable:
        copy_folder(os.path.join(one.common_dir, "refs"), os.path.join(one.git, "refs"))
        _copy_tables(os.path.join(one.common_dir, "reftable"), os.path.join(one.git, "reftable"))
        return
    for name in ("heads", "tags"):
        files.make_folder(os.path.join(one.git, "refs", name))
    files.replace(os.path.join(one.git, "packed-refs"), b"# pack-refs with: sorted \n" + plain, durable=False)
    for row in shared:
        if row[2]:
            _write_in(one.git, _name(row[0]), b"ref: " + row[2] + b"\n")
    log = os.path.join("logs", one.branch)
    files.make_folder(os.path.dirname(os.path.join(one.git, log)))
    copy_file(os.path.join(one.common_dir, log), os.path.join(one.git, log))


def _copy_tables(source: str, target: str) -> None:
    """Another git may merge tables meanwhile, and remove those that were listed: then from the start."""
    listed = os.path.join(source, "tables.list")
    for _ in range(_TRIES):
        shutil.rmtree(target, ignore_errors=True)
        before = files.read_bytes(listed)
        copy_folder(source, target)
        names = (before or b"").decode().split()
        there = all(os.path.exists(os.path.join(target, name)) for name in names)
        if there and before is not None and files.read_bytes(listed) == before:
            return
    raise Unreadable("state-unreadable", "the refs were changing all the time", where=source, hint="try again")


def first_refs(one: Quarantine) -> dict[str, str]:
    """The refs as they were when the copy was made. Raises Unreadable."""
    rows = text(files.read_bytes(one.first_refs) or b"").splitlines()
    return {name: commit for commit, _, name in (row.partition(" ") for row in rows)}


def refs_of(one: Quarantine) -> Refs:
    """What the quarantine's refs are now. Only plain files of it are read, copied beside settings of okstra's own, so
    that nothing of it is ever used as a repository. Raises Unreadable, WorkFailed."""
    shutil.rmtree(one.scratch, ignore_errors=True)
    try:
        shared = _bare(one, "shared")
        _take_refs(one, one.git, shared)
        listed = git("/", *LIST_REFS, read_only=True, extra={"GIT_DIR": shared}).stdout
        rows = [row.partition(b"\0") for row in listed.split(b"\n") if row]
        plain = [text(row[0]).partition(" ") for row in rows if not row[2]]
        return Refs({name: commit for commit, _, name in plain}, _detached_head(one))
    finally:
        shutil.rmtree(one.scratch, ignore_errors=True)


def _detached_head(one: Quarantine) -> str:
    own = _bare(one, "own")
    if one.reftable:
        _take_refs(one, one.admin, own)
    else:
        take_plain_file(os.path.join(one.admin, "HEAD"), os.path.join(own, "HEAD"), largest=_LARGEST_LOOSE)
    where = {"GIT_DIR": own}
    if git("/", "symbolic-ref", "--quiet", "HEAD", read_only=True, extra=where).ok:
        return ""
    found = git("/", "rev-parse", "--verify", "--quiet", "HEAD", read_only=True, extra=where)
    return text(found.stdout).strip() if found.ok else ""


def _bare(one: Quarantine, name: str) -> str:
    """An empty repository in which git reads copied refs: no object is looked up."""
    folder = os.path.join(one.scratch, name)
    extensions = [f"\tobjectformat = {one.object_format}\n"] if one.object_format != "sha1" else []
    extensions += ["\trefstorage = reftable\n"] if one.reftable else []
    head = "[extensions]\n" + "".join(extensions) if extensions else ""
    settings = f"[core]\n\tbare = true\n\trepositoryformatversion = {1 if extensions else 0}\n{head}"
    _write_in(folder, "config", settings.encode())
    _write_in(folder, "HEAD", b"ref: refs/heads/.invalid\n" if one.reftable else b"ref: refs/heads/none\n")
    for part in ("objects", "refs"):
        files.make_folder(os.path.join(folder, part))
    return folder


def _take_refs(one: Quarantine, source: str, target: str) -> None:
    if one.reftable:
        _write_in(target, "refs/heads", b"this repository uses the reftable format\n")
        take_plain_files(os.path.join(source, "reftable"), os.path.join(target, "reftable"), largest=_LARGEST)
        return
    take_plain_files(os.path.join(source, "refs"), os.path.join(target, "refs"), largest=_LARGEST_LOOSE)
    take_plain_file(os.path.join(source, "packed-refs"), os.path.join(target, "packed-refs"), largest=_LARGEST)


def _write_in(folder: str, name: str, data: bytes) -> None:
    path = os.path.join(folder, name)
    files.make_folder(os.path.dirname(path))
    files.replace(path, data, durable=False)


def _name(row: bytes) -> str:
    return text(row).partition(" ")[2]
