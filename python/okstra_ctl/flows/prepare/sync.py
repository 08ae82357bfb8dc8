"""Bringing into a new worktree what git does not: the sync list, submodules, `worktreeSetup` (spec 3)."""

from __future__ import annotations

import os
import sys

from ...core.project_config import ProjectConfig
from ...core.sync_list import SYMLINK, SyncEntry, SyncStep, sync_step
from ...edges import fsio, git, proc, submodules
from ...words.errors import UsageError, WorkFailed

_COPY = ("cp", "-Rpcn") if sys.platform == "darwin" else ("cp", "-a", "-n", "--reflink=auto")


def furnish(main: str, worktree: str, config: ProjectConfig, log_path: str) -> list[str]:
    """Submodules, sync list, set-up commands, in this order; answers notes for the manifest.

    Raises UsageError (`bad-sync-path`), WorkFailed (`submodule-failed`, `sync-failed`, `worktree-setup-failed`).
    """
    submodules.initialise(main, worktree)
    notes = sync(main, worktree, config.sync)
    run_setup(worktree, config.worktree_setup, log_path)
    return notes


def sync(main: str, worktree: str, entries: tuple[SyncEntry, ...]) -> list[str]:
    """Copies or links each entry; what the main worktree lacks is noted, what git tracks is left as it is."""
    present = [entry for entry in entries if os.path.lexists(os.path.join(main, entry.path))]
    tracked = git.tracked(worktree, [entry.path for entry in present])
    notes = [f"{entry.path}: not in the main worktree" for entry in entries if entry not in present]
    for entry in present:
        source, target = os.path.join(main, entry.path), os.path.join(worktree, entry.path)
        _check_inside(main, source, entry.path)
        step = _step(entry, source)
        if entry.path in tracked and not os.path.isdir(target):
            notes.append(f"{entry.path}: tracked by git, left as it is")
            continue
        _carry_out(step, source, target)
        if step.note:
            notes.append(f"{entry.path}: {step.note}")
    return notes


def run_setup(worktree: str, commands: tuple[str, ...], log_path: str) -> None:
    """Runs the project's set-up commands one after the other; their output goes to the run's log."""
    if not commands:
        return
    fsio.make_folder(os.path.dirname(log_path))
    with open(log_path, "ab", buffering=0, opener=fsio.private) as log:
        for command in commands:
            log.write(f"$ {command}\n".encode("utf-8", "surrogateescape"))
            status = proc.run_shell(command, cwd=worktree, log=log, env=git.users_environment())
            if status != 0:
                raise WorkFailed(
                    "worktree-setup-failed",
                    f"the worktreeSetup command `{command}` ended with {status}",
                    where=log_path,
                    hint="read the log, mend the command in .okstra/project.json, start the run again",
                )


def _step(entry: SyncEntry, source: str) -> SyncStep:
    is_folder = os.path.isdir(source) and not os.path.islink(source)
    children = frozenset(os.listdir(source)) if is_folder else frozenset()
    return sync_step(entry, is_folder=is_folder, children=children)


def _check_inside(main: str, source: str, path: str) -> None:
    real = os.path.realpath(source)
    if real != source and not (real + os.sep).startswith(os.path.realpath(main) + os.sep):
        raise UsageError(
            "bad-sync-path",
            f"the sync entry {path!r} leads outside the main worktree, to {real}",
            where=source,
            hint="take it out of worktreeSyncDirs",
        )


def _carry_out(step: SyncStep, source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if step.mode == SYMLINK and not os.path.lexists(target):
        os.symlink(source, target)
        return
    into_existing = os.path.isdir(source) and os.path.isdir(target)
    copied = proc.run([*_COPY, "--", f"{source}/." if into_existing else source, target])
    if not copied.ok:
        raise WorkFailed("sync-failed", f"{step.path} could not be copied: {copied.complaint}", where=target)
