"""Checkouts of a commit in which okstra runs commands to see for itself what they do.

They stand at `<task place>/proof/<name>`, never where an agent or a person works: so ignored files, marks in an index
and stale builds of a worktree prove nothing. Each is kept for the task: the next use brings it to its commit, and
deletes all that setting it up did not make. It is made and set up anew when that would come out otherwise: a lock file
or a setting changed, something that setting up made was changed, or a kill left it half made.

    with checkouts(project, repository, key, services, log_path=log) as places:
        head = places.at("head", commit)
        ran = runner.run_in(head, command, Role.CHECK)  # a Runner of proof/command.py
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from shutil import rmtree
from types import MappingProxyType
from typing import NamedTuple

from .. import git
from ..claims.ports import as_variables, place_of_checkout
from ..errors import OkstraError, WorkFailed
from ..git import checkouts as git_checkouts
from ..git import worktree_admin
from ..names import TaskKey
from ..runs.commands import A_DAY
from ..services import Services
from ..settings.project import Project
from ..system import files
from ..worktrees import ports, proofs
from ..worktrees.populate import populate_worktree
from ..worktrees.teardown import tear_down
from .setup_files import signature

HEAD, BASE, MERGED = "head", "base", "merged"
_NOTE = "okstra-proof.json"
_SCHEMA = "proof-checkout/1"
_Made = Mapping[str, "list[int | str]"]
"""Of what setting up made, below the checkout: by path, how each file, link and folder was found afterwards."""


class Place(NamedTuple):
    """A checkout that stands ready at a commit. `lease` is for the programs that run in it to inherit.

    Without git, the project's own folder: then there is no commit, and no lease.
    """

    path: str
    commit: str = ""
    lease: int | None = None
    variables: Mapping[str, str] = MappingProxyType({})
    """Further ones for what runs there: its ports."""


class Checkouts:
    """A task's checkouts, while the caller has the lease on them."""

    def __init__(
        self,
        project: Project,
        repository: git.Repository,
        key: TaskKey,
        services: Services,
        log_path: str,
        lease: int,
    ) -> None:
        self._project, self._repository, self._key = project, repository, key
        self._services, self._log_path, self._lease = services, log_path, lease

    def at(self, name: str, commit: str) -> Place:
        """The checkout of that name, set up and clean at the commit.

        Raises WorkFailed (`worktree-setup-failed`, `submodule-failed`, `sync-failed`, `worktree-not-created`),
        UsageError (`bad-sync-path`), Busy; Refused (`not-trusted`) for commands of the settings.
        """
        numbers = ports.of_checkout(self._key, name, self._project.config.worktree_ports, self._services)
        path = os.path.join(self._services.home.proofs(self._key), name)
        if not self._reuse(path, name, commit, self._signature(commit, numbers)):
            numbers = self._make(path, name, commit)
        return Place(path, commit, self._lease, as_variables(numbers))

    def _signature(self, commit: str, numbers: Mapping[str, int]) -> str:
        config, top = self._project.config, self._repository.top
        known = git_checkouts.files_of(top, commit)
        sources = [[*entry, _found(os.path.join(top, entry.path))] for entry in config.sync]
        sources += [["worktreePorts", *sorted(map(str, numbers.items()))]] if numbers else []
        return signature(known.ids, config.worktree_setup, known.submodules, sources)

    def _reuse(self, path: str, name: str, commit: str, sought: str) -> bool:
        """Brings an existing one to the commit; False where it must be made anew."""
        admin = worktree_admin.at(self._repository.common_dir, path) if os.path.isdir(path) else None
        if admin is None or admin.reason != proofs.lock_reason(self._key, name):
            return False
        note = files.read_json_or_empty(os.path.join(admin.folder, _NOTE))
        made = note.get("made")
        if note.get("schema") != _SCHEMA or note.get("signature") != sought or not isinstance(made, dict):
            return False
        if not _is_its_folder(path, admin.folder):
            return False
        return git_checkouts.is_whole(path) and self._is_cleaned(path, commit, made)

    def _is_cleaned(self, path: str, commit: str, made: _Made) -> bool:
        lease = (self._lease,)
        kept = [one for one in made if not any(above in made for above in _folders_above(one))]
        return (
            git_checkouts.bring_to(path, commit, keep_open=lease)
            and git_checkouts.clean(path, kept, keep_open=lease)
            and _is_as_made(path, kept, made)
        )

    def _make(self, path: str, name: str, commit: str) -> dict[str, int]:
        """The note is written last: without it a checkout is made anew. Returns its ports."""
        home, main, config = self._services.home, self._repository.top, self._project.config
        place = place_of_checkout(self._key, name)
        self._tear_down(path, place)
        proofs.add(home, self._repository, self._key, name, commit, lease=self._lease)
        made: _Made = {}
        if config.sync or config.worktree_setup or os.path.exists(os.path.join(path, ".gitmodules")):
            populate_worktree(main, path, config, self._log_path, self._services, str(self._key), place=place)
            git_checkouts.bring_to(path, commit, keep_open=(self._lease,))
            made = _all_below(path, git_checkouts.others(path))
        numbers = ports.of_checkout(self._key, name, config.worktree_ports, self._services)
        note = {"schema": _SCHEMA, "signature": self._signature(commit, numbers), "made": made}
        files.replace(os.path.join(git.worktree_git_dir(path), _NOTE), files.json_bytes(note), durable=False)
        return numbers

    def _tear_down(self, path: str, place: str) -> None:
        """Ends what setting an earlier one up began. Where that fails its log stays, and the check goes on."""
        commands = self._project.config.worktree_teardown if os.path.isdir(path) else ()
        claim = self._services.registry.read().task(self._key) if commands else None
        if claim is not None:
            with suppress(OkstraError):
                tear_down(self._key, claim._replace(path=path), commands, self._services, place=place)


@contextmanager
def checkouts(
    project: Project,
    repository: git.Repository,
    key: TaskKey,
    services: Services,
    *,
    log_path: str,
    wait: float = A_DAY,
    stop: threading.Event | None = None,
    show: Callable[[str], None] = proofs.silent,
) -> Iterator[Checkouts]:
    """The task's checkouts, for the caller alone while the block runs: another command waits, `wait` seconds at most.

    `repository` is that of the project's main worktree. What setting up prints is appended to the log. Raises Busy,
    Interrupted when `stop` is set while it waits.
    """
    with proofs.leased(services.home, key, wait=wait, stop=stop, show=show) as lease:
        yield Checkouts(project, repository, key, services, log_path, lease)


def _is_its_folder(path: str, folder: str) -> bool:
    """Whether the checkout still belongs to git's folder of it: a check may have led its `.git` to another one."""
    try:
        return os.path.samefile(git.worktree_git_dir(path), folder)
    except (OSError, WorkFailed):
        return False


def _all_below(root: str, paths: list[str]) -> dict[str, list[int | str]]:
    """The paths, relative to `root`, with all that is below them."""
    found: dict[str, list[int | str]] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        here = os.path.join(root, path)
        seen = _found(here)
        if not seen:
            continue
        found[path] = seen
        if seen[0] == "folder":
            waiting += [os.path.join(path, name) for name in files.names_in(here)]
    return found


def _is_as_made(root: str, kept: list[str], made: _Made) -> bool:
    """Deletes what came later below what setting up made; False when something of it is gone or was changed."""
    now = _all_below(root, kept)
    for path in now.keys() - made.keys():
        here = os.path.join(root, path)
        if os.path.isdir(here) and not os.path.islink(here):
            rmtree(here, ignore_errors=True)
        else:
            files.discard(here)
    return all(now.get(path) == seen for path, seen in made.items())


def _found(path: str) -> list[int | str]:
    """How a path is found; empty when nothing is there. A file with one name can't be changed without its ctime, of one
    with several the ctime changes with every further name."""
    try:
        one = os.lstat(path)
        if stat.S_ISLNK(one.st_mode):
            return ["link", os.readlink(path)]
    except OSError:
        return []
    if stat.S_ISDIR(one.st_mode):
        return ["folder", one.st_mode]
    changed = one.st_ctime_ns if one.st_nlink == 1 else 0
    return ["file", one.st_mode, one.st_size, one.st_mtime_ns, one.st_ino, changed]


def _folders_above(path: str) -> Iterator[str]:
    while path := os.path.dirname(path):
        yield path
