"""Whether okstra can work on this machine: a row for each thing that it needs, with a remedy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec

from .. import __version__, git
from ..errors import OkstraError
from ..sandbox.choice import Kind, words
from ..sandbox.probe import probe
from ..services import Services
from ..settings.sandbox_settings import VARIABLE, sandbox_settings
from ..settings.setup import CheckRow, CheckStatus, home_row, registry_row
from ..system import files
from ..system.disk_use import show_size
from ..system.locks import fault_of_locks
from . import agents
from .providers import presence_rows, provider_rows

OLDEST_PYTHON = (3, 10)
_PACKAGES = (
    "argcomplete",
    "detect_secrets",
    "fasteners",
    "jinja2",
    "jsonschema",
    "markdown_it",
    "plumbum",
    "prompt_toolkit",
    "questionary",
    "rich",
)
_PACKAGES_BEFORE_311 = ("tomli",)
_SCARCE, _TOO_LITTLE = 5 * 1024**3, 256 * 1024**2


def examine(services: Services, start: str, *, providers: bool) -> list[CheckRow]:
    """Runs every check; one that can't run is a row, too. `providers`: only the clients, in full."""
    if providers:
        return [*provider_rows(services), *agents.check_rows(services)]
    home = home_row(services)
    rows = [_python(), *_git(start), home]
    if home.status is not CheckStatus.FAIL:
        rows += [_locks(services), _disk(services), registry_row(services)]
    rows.append(_sandbox(services))
    return [*rows, *_installed(services), _tmux(services), *presence_rows(services, lambda: agents.ready(services))]


def _python() -> CheckRow:
    version = ".".join(map(str, sys.version_info[:3]))
    needed = (*_PACKAGES, *(_PACKAGES_BEFORE_311 if sys.version_info < (3, 11) else ()))
    missing = [name for name in needed if find_spec(name) is None]
    if sys.version_info < OLDEST_PYTHON:
        return CheckRow("python", CheckStatus.FAIL, version, "install Python 3.10 or newer, then set okstra up anew")
    if missing:
        return CheckRow("python", CheckStatus.FAIL, f"{version} lacks {', '.join(missing)}", "set okstra up anew")
    return CheckRow("python", CheckStatus.OK, f"{version}, {sys.executable}")


def _git(start: str) -> list[CheckRow]:
    oldest = ".".join(map(str, git.OLDEST))
    try:
        version = git.version()
    except OkstraError as error:
        return [CheckRow("git", CheckStatus.FAIL, error.message, error.hint)]
    shown = ".".join(map(str, version))
    if version < git.OLDEST:
        return [CheckRow("git", CheckStatus.FAIL, shown, f"install git {oldest} or newer")]
    rows = [CheckRow("git", CheckStatus.OK, shown)]
    if git.has_identity(start):
        return [*rows, CheckRow("git identity", CheckStatus.OK, "author and committer are named")]
    remedy = "git config --global user.name NAME; git config --global user.email MAIL"
    fault = "user.name or user.email is not set: executors can't commit"
    return [*rows, CheckRow("git identity", CheckStatus.FAIL, fault, remedy)]


def _locks(services: Services) -> CheckRow:
    fault = fault_of_locks(services.home.worktrees)
    if fault:
        remedy = "set OKSTRA_HOME to a folder on a local disk"
        return CheckRow("locks", CheckStatus.FAIL, f"{services.home.worktrees}: {fault}", remedy)
    return CheckRow("locks", CheckStatus.OK, "record locks and flock work in okstra's home")


def _sandbox(services: Services) -> CheckRow:
    """Whether workers can be contained; by what is asked for, or else by the best means that there are."""
    config, asked = services.home.config, services.environment.get(VARIABLE, "")
    try:
        choice = sandbox_settings(files.read_json(config) or {}, {}, asked, places=(config, "")).choice
    except OkstraError as error:
        return CheckRow("sandbox", CheckStatus.FAIL, error.message, error.hint)
    found = probe(choice, services.environment)
    if found.kind is Kind.BWRAP or found.kind is Kind.SEATBELT:
        return CheckRow("sandbox", CheckStatus.OK, f"workers are contained, by {found.kind}")
    return CheckRow("sandbox", CheckStatus.WARN, words(found), found.remedy)


def _disk(services: Services) -> CheckRow:
    found = os.statvfs(services.home.worktrees)
    free = found.f_bavail * found.f_frsize
    shown = f"{show_size(free)} free below {services.home.root}"
    remedy = "okstra gc removes worktrees that are proven safe to remove"
    if free < _TOO_LITTLE:
        return CheckRow("disk", CheckStatus.FAIL, shown, remedy)
    return CheckRow("disk", CheckStatus.WARN if free < _SCARCE else CheckStatus.OK, shown, remedy * (free < _SCARCE))


def _installed(services: Services) -> list[CheckRow]:
    """Whether the runtime, skills and agents that `okstra install` wrote are complete and of this version."""
    rows = []
    for kind in ("runtime", "skills", "agents"):
        path = os.path.join(services.home.root, f"installed-{kind}.json")
        try:
            record = files.read_json(path)
        except OkstraError as error:
            rows.append(CheckRow(kind, CheckStatus.FAIL, error.message, error.hint))
            continue
        if record is not None:
            rows.append(_installed_row(kind, record))
    return rows or [CheckRow("install", CheckStatus.WARN, "okstra install was not run here", "okstra install")]


def _installed_row(kind: str, record: Mapping[str, object]) -> CheckRow:
    version = str(record.get("version", ""))
    if record.get("state") != "complete":
        return CheckRow(kind, CheckStatus.FAIL, "an install was cut off", "okstra install")
    if version != __version__:
        detail = f"installed by okstra {version}, and this is {__version__}"
        return CheckRow(kind, CheckStatus.WARN, detail, "okstra install")
    listed = record.get("files")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    missing = [str(entry.get("path")) for entry in entries if not os.path.lexists(str(entry.get("path")))]
    if missing:
        return CheckRow(kind, CheckStatus.FAIL, f"{len(missing)} file(s) are gone: {missing[0]}", "okstra install")
    return CheckRow(kind, CheckStatus.OK, f"{version}, {len(entries)} file(s)")


def _tmux(services: Services) -> CheckRow:
    if shutil.which("tmux", path=services.environment.get("PATH")):
        return CheckRow("tmux", CheckStatus.OK, "panes show what workers do, where a session runs in it")
    return CheckRow("tmux", CheckStatus.WARN, "not there: no panes, all else works", "install tmux")
