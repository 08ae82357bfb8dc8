"""The sandbox of a project's runs, and where in it a run's workers and checks work."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from .. import git
from ..errors import OkstraError, Refused
from ..git import worktree_admin
from ..git.status import ignored
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..sandbox.choice import AUTO, Containment, Kind, Sandbox, SandboxOptions
from ..sandbox.client_state import take_home_abandoned
from ..sandbox.probe import probe
from ..sandbox.profile import WRITES_FOLDER, Bind, Places, Role, is_within
from ..services import Services
from ..settings.sandbox_settings import VARIABLE, SandboxSettings, sandbox_settings
from ..settings.sync_list import UNMISTAKABLE_FOLDERS, SyncEntry, sync_entries
from ..settings.trust import commands_in, require_trusted
from ..system import files
from . import inspection


def sandbox_of(project_root: str, services: Services) -> Sandbox:
    """The sandbox that works here, by the settings. What a killed okstra left of earlier workers is taken home.

    Raises Refused (`sandbox-missing`) when one is required, or asked for by its name, and can't start; Refused
    (`not-trusted`), UsageError (`bad-config`), Unreadable.
    """
    path = ProjectFiles(project_root).config
    config, project = files.read_json(services.home.config) or {}, files.read_json(path) or {}
    require_trusted(project_root, commands_in(project), services)
    asked = services.environment.get(VARIABLE, "")
    settings = sandbox_settings(config, project, asked, places=(services.home.config, path))
    probed = probe(settings.choice, services.environment)
    wanted = settings.required or settings.choice not in (AUTO, Kind.OFF)
    if wanted and probed.kind is Kind.OFF:
        raise Refused(
            "sandbox-missing",
            f"workers are to be contained, and can't be: {probed.why}",
            where=path if project.get("sandboxRequired") else services.home.config,
            hint=probed.remedy or okstra_command("doctor"),
        )
    folder = services.home.sandbox
    if probed.kind is not Kind.OFF:
        take_home_abandoned(folder)
    synced = sync_entries(project, where=path, environment=services.environment)
    return Sandbox(probed, _options(settings, synced, services), folder)


def containment(
    sandbox: Sandbox,
    role: Role,
    folder: str,
    project_root: str,
    *,
    hidden: Sequence[str] = (),
    results: Sequence[str] = (),
    binds: Sequence[Bind] = (),
    variables: Sequence[str] = (),
    ports: Sequence[int] = (),
) -> Containment | None:
    """How something is contained that works in `folder`; None without a sandbox. All paths may lead over links.

    What it may write there, git will read: so the worktree is marked (`runs/inspection.py`). Raises WorkFailed.
    """
    if not sandbox.contains:
        return None
    here = _discover(os.path.realpath(folder))
    if here and here.linked and role in WRITES_FOLDER:
        inspection.mark(here.git_dir, sandbox.probed)
    places = _places(folder, here, project_root, os.path.dirname(sandbox.folder))
    if here and here.linked and role in WRITES_FOLDER and sandbox.probed.kind is not Kind.BWRAP:
        places = places._replace(git_dir=_recorded_git_dir(places.folder, project_root))
    places = places._replace(
        hidden=(*map(os.path.realpath, hidden), os.path.realpath(sandbox.folder)),
        results=tuple(map(os.path.realpath, results)),
        caches=sandbox.options.writable,
        sockets=sandbox.options.sockets,
        dependencies=_dependencies(places, folder) if role is Role.CHECK and places.checkout else (),
    )
    synced = _synced(places.checkout, sandbox.options.synced)
    return Containment(sandbox, role, places, (*synced, *binds), tuple(variables), tuple(ports))


def _synced(checkout: str, paths: Sequence[str]) -> list[Bind]:
    """What the worktree has from the main checkout, at its own place there, read-only: a link leads to it, and programs
    in a `.venv` name its interpreter by its whole path."""
    reals = [os.path.realpath(os.path.join(checkout, path)) for path in paths] if checkout else []
    return [Bind(real, real) for real in reals if os.path.exists(real) and is_within(real, [checkout])]


def _places(folder: str, here: git.Repository | None, project_root: str, home: str) -> Places:
    real, root = os.path.realpath(folder), os.path.realpath(project_root)
    top = _main_checkout(here, root)
    return Places(
        folder=real,
        checkout=top if not is_within(real, [top]) or (here and here.linked) else "",
        common_dir=os.path.realpath(here.common_dir) if here else "",
        git_file=os.path.join(real, ".git") if here and here.linked else "",
        records=_if_there(os.path.join(root, ".okstra")),
        okstra_home=_if_there(os.path.realpath(home)),
    )


def _dependencies(places: Places, folder: str) -> tuple[str, ...]:
    """Folders of packages in the main checkout, at its top or where links in `folder` lead; git tracks nothing there.

    By their names: a worker can commit a link to any folder.
    """
    top = places.checkout
    named = [os.path.join(top, name) for name in files.names_in(top) if name in UNMISTAKABLE_FOLDERS]
    links = [path for name in files.names_in(folder) if os.path.islink(path := os.path.join(folder, name))]
    found = {os.path.realpath(path) for path in [*named, *links] if os.path.isdir(path)}
    packages = [path for path in found if os.path.basename(path) in UNMISTAKABLE_FOLDERS and is_within(path, [top])]
    below = {os.path.relpath(path, top): path for path in packages}
    unseen = ignored(top, below) - git.tracked(top, below) if below else ()
    return tuple(below[name] for name in sorted(unseen))


def _recorded_git_dir(worktree: str, project_root: str) -> str:
    """By the main checkout's git: a worker that ran before may have turned the worktree's `.git`."""
    project = _discover(project_root)
    admin = worktree_admin.at(project.common_dir, worktree) if project else None
    return admin.folder if admin else ""


def _main_checkout(here: git.Repository | None, root: str) -> str:
    common_dir = os.path.realpath(here.common_dir) if here else ""
    if os.path.basename(common_dir) == ".git" and is_within(root, [os.path.dirname(common_dir)]):
        return os.path.dirname(common_dir)
    found = _discover(root)
    return os.path.realpath(found.top) if found else root


def _discover(path: str) -> git.Repository | None:
    try:
        return git.discover(path)
    except OkstraError:
        return None


def _if_there(path: str) -> str:
    return path if os.path.isdir(path) else ""


def _options(settings: SandboxSettings, synced: Sequence[SyncEntry], services: Services) -> SandboxOptions:
    home = services.environment.get("HOME", "")
    shown = [_absolute(one, home) for one in settings.shown if not one.startswith("$")]
    writable = [os.path.realpath(path) for one in settings.writable if os.path.exists(path := _absolute(one, home))]
    return SandboxOptions(
        tuple(path for path in shown if not _is_socket(path)),
        tuple(one[1:] for one in settings.shown if one.startswith("$")),
        tuple(os.path.realpath(path) for path in shown if _is_socket(path)),
        tuple(writable),
        settings.ports,
        settings.check_network,
        tuple(entry.path for entry in synced),
    )


def _absolute(path: str, home: str) -> str:
    return os.path.join(home, path.removeprefix("~/")) if path.startswith("~/") else os.path.abspath(path)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
