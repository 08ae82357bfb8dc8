"""What every command works with: okstra's home, the registry, the clock, the environment, and where it was called."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from .claims.registry import Registry
from .errors import Missing
from .home_paths import HomePaths
from .system import files


class Clock:
    """The machine's clock, in the one format that okstra writes: UTC, ISO 8601, `Z`, whole seconds."""

    def now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def before(self, seconds: int) -> str:
        """The time that many seconds ago."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, time.time() - seconds)))


class Services(NamedTuple):
    home: HomePaths
    registry: Registry
    clock: Clock
    environment: Mapping[str, str]


class Call(NamedTuple):
    """One call of a command: where it was started, and the services it may use."""

    start: str
    services: Services


def open_services(environment: Mapping[str, str] | None = None) -> Services:
    """The services of this machine. Touches nothing. Raises Missing when no home can be located."""
    environment = os.environ if environment is None else environment
    home = locate_home(environment)
    return Services(home, Registry(home), Clock(), environment)


def open_call(project_root: str | None) -> Call:
    """`project_root` is the value of --project-root; without it, the folder the command was started in.

    Raises Missing (`folder-gone`).
    """
    try:
        start = os.path.abspath(project_root or os.getcwd())
    except FileNotFoundError as error:
        raise Missing(
            "folder-gone",
            "the current directory does not exist any more",
            where=os.environ.get("PWD", ""),
            hint="go to a folder that exists (cd), then call it again",
        ) from error
    return Call(start, open_services())


def locate_home(environment: Mapping[str, str]) -> HomePaths:
    """`OKSTRA_HOME`, or `~/.okstra`. Raises Missing (`home-not-writable`) when neither can be known."""
    named = environment.get("OKSTRA_HOME", "")
    if named:
        return HomePaths(os.path.abspath(os.path.expanduser(named)))
    user_home = environment.get("HOME", "")
    if not user_home:
        raise Missing("home-not-writable", "neither OKSTRA_HOME nor HOME is set", hint="set OKSTRA_HOME to a folder")
    return HomePaths(os.path.join(user_home, ".okstra"))


def ensure_home(home: HomePaths) -> None:
    """Creates the home and checks that it is writable. Raises Missing (`home-not-writable`)."""
    try:
        for folder in (home.worktrees, os.path.dirname(home.index_lock)):
            files.make_private_folders(folder)
        writable = os.access(home.worktrees, os.W_OK | os.X_OK)
        reason = "it is read-only"
    except OSError as error:
        writable, reason = False, error.strerror or str(error)
    if not writable:
        raise Missing(
            "home-not-writable",
            f"okstra's home can't be written: {reason}",
            where=home.root,
            hint="set OKSTRA_HOME to a folder that you may write",
        )
