"""Submodules of a worktree: initialised as in the main worktree, and their commits saved before it is removed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .. import git
from ..errors import WorkFailed
from ..quoting import quote
from ..system import processes
from .command import git as run_git


def initialised(root: str) -> list[str]:
    """Paths of the submodules that are checked out in this worktree."""
    if not os.path.exists(os.path.join(root, ".gitmodules")):
        return []
    out = run_git(root, "submodule", "--quiet", "foreach", 'printf "%s\\0" "$sm_path"', read_only=True).stdout
    return [path.decode("utf-8", "surrogateescape") for path in out.split(b"\0") if path]


def initialised_below(root: str) -> list[str]:
    """As `initialised`, with the submodules of submodules; outer ones first."""
    return [
        path
        for outer in initialised(root)
        for path in [outer, *(f"{outer}/{inner}" for inner in initialised_below(os.path.join(root, outer)))]
    ]


def is_checked_out(path: str) -> bool:
    return bool(path) and os.path.lexists(os.path.join(path, ".git"))


def commits_only_here(path: str, copy: str) -> list[str]:
    """Tips of a submodule (HEAD, branches, stash) that another checkout of it lacks; without one, its remotes."""
    refs = ("for-each-ref", "--format=%(objectname)", "refs/heads", "refs/stash")
    asked = (run_git(path, *words, read_only=True).stdout.decode() for words in (("rev-parse", "HEAD"), refs))
    tips = {tip for answer in asked for tip in answer.split()}
    if is_checked_out(copy):
        return sorted(tip for tip in tips if not run_git(copy, "cat-file", "-e", f"{tip}^{{commit}}").ok)
    unknown = ("--not", "--remotes")
    return sorted(tip for tip in tips if run_git(path, "rev-list", "-n1", tip, *unknown, read_only=True).stdout)


def refs_of(git_dir: str, folder: str) -> bytes:
    """The commits of a submodule's HEAD and refs, by its git folder: the text differs when one of them was moved."""
    asked = (("rev-parse", "HEAD"), ("for-each-ref", "refs/heads", "refs/stash"))
    return b"".join(
        processes.run(["git", f"--git-dir={git_dir}", f"--work-tree={folder}", *words], env=git.environment()).stdout
        for words in asked
    )


def hand_over(path: str, copy: str, refs: Mapping[str, str]) -> None:
    """Copies commits of a submodule into another checkout of it, each under its ref. Raises WorkFailed."""
    for ref, commit in refs.items():
        for step in (
            run_git(path, "update-ref", ref, commit),
            run_git(copy, "-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-tags", path, f"+{ref}:{ref}"),
        ):
            if not step.ok:
                raise WorkFailed("git-failed", f"the submodule's work could not be kept: {step.complaint}", where=path)


def initialise(main: str, worktree: str) -> list[str]:
    """Initialises the submodules that the main worktree has, recursively; returns their paths.

    Each is cloned from the main worktree's copy, so that no network is needed; only a commit that is missing
    there is fetched from the submodule's own address. Raises WorkFailed (`submodule-failed`).
    """
    paths = initialised(main) if os.path.exists(os.path.join(worktree, ".gitmodules")) else []
    for path in paths:
        _initialise_one(main, worktree, path)
        initialise(os.path.join(main, path), os.path.join(worktree, path))
    return paths


def _initialise_one(main: str, worktree: str, path: str) -> None:
    name = _name_of(worktree, path)
    if name is None:
        return
    address = run_git(os.path.join(main, path), "config", "remote.origin.url").stdout.decode("utf-8", "replace").strip()
    local = ("-c", "protocol.file.allow=always", "-c", f"submodule.{name}.url={os.path.join(main, path)}")
    update = ("submodule", "--quiet", "update", "--init", "--", path)
    finished = run_git(worktree, *local, *update)
    if finished.ok and address:
        finished = run_git(os.path.join(worktree, path), "remote", "set-url", "origin", address)
    elif not finished.ok:
        finished = run_git(worktree, *update)
    if not finished.ok:
        raise WorkFailed(
            "submodule-failed",
            f"the submodule {path} could not be initialised: {finished.complaint}",
            where=worktree,
            hint=f"check `git submodule update --init {quote(path)}` in the main worktree",
        )


def _name_of(worktree: str, path: str) -> str | None:
    """The submodule's name by the worktree's own `.gitmodules`; None when it has no such path."""
    finished = run_git(worktree, "config", "--null", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    for entry in finished.stdout.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        if value == path:
            return key[len("submodule.") : -len(".path")]
    return None
