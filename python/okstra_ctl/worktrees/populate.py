"""Populates a new worktree with what git does not check out: submodules, the sync list, `worktreeSetup`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

from .. import git
from ..claims.ports import as_variables
from ..errors import UsageError, WorkFailed
from ..git import submodules, worktree_admin
from ..git.status import ignore_in_this_clone, ignored
from ..quoting import quote
from ..services import Services
from ..settings.project import ProjectConfig
from ..settings.sync_list import (
    COPY,
    SYMLINK,
    SYNC_VARIABLE,
    UNMISTAKABLE_FOLDERS,
    SyncEntry,
    SyncStep,
    mistaken_separator,
    sync_step,
)
from ..system import files, processes
from ..system.locks import LockKind, locked
from . import ports, teardown

_COPY = ("cp", "-Rpcn") if sys.platform == "darwin" else ("cp", "-a", "-n", "--reflink=auto")


def populate_worktree(
    main: str, worktree: str, config: ProjectConfig, log_path: str, services: Services, run_id: str, *, place: str
) -> list[str]:
    """Submodules, sync list, set-up commands, in this order; returns notes for the manifest. `run_id` names the run
    or task that the worktree is for, `place` whose ports it has.

    Raises UsageError (`bad-sync-path`), WorkFailed (`submodule-failed`, `sync-failed`, `worktree-setup-failed`).
    """
    submodules.initialise(main, worktree)
    with worktree_admin.fenced(git.worktree_git_dir(worktree)) as fence:
        notes = sync(main, worktree, config.sync, keep_open=(fence,))
        numbers, changed = ports.reserved_anew(place, config.worktree_ports, services)
        variables = as_variables(numbers)
        run_setup(main, worktree, config, log_path, services, run_id, keep_open=(fence,), variables=variables)
    return [*notes, *changed]


def check_separators(main: str, environment: Mapping[str, str]) -> None:
    """Raises UsageError (`bad-sync-path`) when what stands between colons is no path of the main worktree's, and holds
    another separator: `.env,data` would bring nothing, and say nothing."""
    for path in mistaken_separator(environment):
        if not os.path.lexists(os.path.join(main, path)):
            parts = [part.strip() for part in path.replace(";", ",").split(",")]
            raise UsageError(
                "bad-sync-path",
                f"{SYNC_VARIABLE} names {path!r}, which the main worktree does not have",
                where=SYNC_VARIABLE,
                hint=f"write colons between paths: {SYNC_VARIABLE}={quote(':'.join(filter(None, parts)))}",
            )


def sync(main: str, worktree: str, entries: tuple[SyncEntry, ...], keep_open: tuple[int, ...] = ()) -> list[str]:
    """Copies or links each entry; what the main worktree lacks is noted, what git tracks is left as it is."""
    present = [entry for entry in entries if os.path.lexists(os.path.join(main, entry.path))]
    tracked = git.tracked(worktree, [entry.path for entry in present])
    notes = [f"{entry.path}: not in the main worktree" for entry in entries if entry not in present]
    for entry in present:
        source, target = os.path.join(main, entry.path), os.path.join(worktree, entry.path)
        _check_inside(main, source, entry.path, "the main worktree")
        _check_inside(worktree, target, entry.path, "the new worktree")
        step = _step(entry, source)
        if entry.path in tracked and not os.path.isdir(target):
            notes.append(f"{entry.path}: tracked by git, left as it is")
            continue
        try:
            _carry_out(step, source, target, keep_open)
        except OSError as error:
            raise _not_copied(step, target, str(error)) from error
        if step.note:
            notes.append(f"{entry.path}: {step.note}")
    _hide_links(main, worktree, [entry.path for entry in present])
    return notes


def _hide_links(main: str, worktree: str, paths: list[str]) -> None:
    """`cache/` in a .gitignore matches the folder in main, but not a link to it: `git add` would add the link."""
    links = {path for path in paths if os.path.islink(os.path.join(worktree, path)) and "\n" not in path}
    seen = links - ignored(worktree, links)
    hidden_in_main = ignored(main, seen)
    repository = git.discover(main) if hidden_in_main else None
    if repository is not None:
        with locked(LockKind.REPOSITORY, repository.lock):
            ignore_in_this_clone(repository, sorted(hidden_in_main))


def run_setup(
    main: str,
    worktree: str,
    config: ProjectConfig,
    log_path: str,
    services: Services,
    run_id: str,
    keep_open: tuple[int, ...] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Runs the project's set-up commands one after the other; their output goes to the run's log, without secrets. When
    one fails, `worktreeTeardown` ends what those before it began: the worktree is about to go."""
    if not config.worktree_setup:
        return
    from ..system.secrets import hide_in_log

    try:
        _run_setup(main, worktree, config, log_path, services, run_id, keep_open, variables)
    finally:
        hide_in_log(log_path)


def _run_setup(
    main: str,
    worktree: str,
    config: ProjectConfig,
    log_path: str,
    services: Services,
    run_id: str,
    keep_open: tuple[int, ...],
    variables: Mapping[str, str],
) -> None:
    from ..runs.commands import A_DAY, run_supervised_shell  # slow to import, and most projects have none
    from ..runs.containment import containment, sandbox_of
    from ..sandbox.profile import Role

    contained = containment(sandbox_of(main, services), Role.SETUP, worktree, main, variables=tuple(variables))
    with files.open_log(log_path) as log:

        def run(command: str, limit: float) -> int:
            files.write_log(log, f"$ {command}\n")
            return run_supervised_shell(
                command,
                name="worktree-setup",
                folder=worktree,
                log=log_path,
                services=services,
                run_id=run_id,
                keep_open=keep_open,
                contained=contained,
                limit=limit,
                variables=variables,
            )

        for command in config.worktree_setup:
            if not (status := run(command, A_DAY)):
                continue
            undone = ((one, run(one, teardown.LIMIT_SECONDS)) for one in config.worktree_teardown)
            left = next((f"`{one}` ended with {ended}" for one, ended in undone if ended), "")
            also = f"; worktreeTeardown failed too ({left}): what was begun may go on" if left else ""
            raise WorkFailed(
                "worktree-setup-failed",
                f"the worktreeSetup command `{command}` ended with {status}{also}",
                where=log_path,
                hint="read the log, fix the command in .okstra/project.json, start the run again",
            )


def _step(entry: SyncEntry, source: str) -> SyncStep:
    is_folder = os.path.isdir(source) and not os.path.islink(source)
    children = _names_within(source) if is_folder and entry.mode != COPY else frozenset()
    return sync_step(entry, is_folder=is_folder, children=children)


def _names_within(folder: str) -> frozenset[str]:
    """The names in the folder, and those of unmistakable package folders anywhere below it."""
    names = set(os.listdir(folder))
    for _, folders, _ in os.walk(folder):
        found = UNMISTAKABLE_FOLDERS.intersection(folders)
        if found:
            return frozenset(names | found)
    return frozenset(names)


def _check_inside(root: str, path: str, entry: str, what: str) -> None:
    """Also through links: a tracked link can lead out of the worktree."""
    real = os.path.realpath(path)
    if real != path and not (real + os.sep).startswith(os.path.realpath(root) + os.sep):
        raise UsageError(
            "bad-sync-path",
            f"the sync entry {entry!r} leads outside {what}, to {real}",
            where=path,
            hint="take it out of worktreeSyncDirs",
        )


def _carry_out(step: SyncStep, source: str, target: str, keep_open: tuple[int, ...]) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if step.mode == SYMLINK and not os.path.lexists(target):
        os.symlink(source, target)
        return
    into_existing = os.path.isdir(source) and os.path.isdir(target)
    copied = processes.run([*_COPY, "--", f"{source}/." if into_existing else source, target], keep_open=keep_open)
    if not copied.ok:
        raise _not_copied(step, target, copied.complaint)


def _not_copied(step: SyncStep, target: str, reason: str) -> WorkFailed:
    return WorkFailed("sync-failed", f"could not copy {step.path} into the worktree: {reason}", where=target)
