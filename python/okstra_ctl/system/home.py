"""okstra's home: where it is, and that it can be written."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import Missing
from ..home_paths import HomePaths
from . import files


def locate(environment: Mapping[str, str]) -> HomePaths:
    """`OKSTRA_HOME`, or `~/.okstra`. Raises Missing (`home-not-writable`) when neither can be known."""
    named = environment.get("OKSTRA_HOME", "")
    if named:
        return HomePaths(os.path.abspath(os.path.expanduser(named)))
    user_home = environment.get("HOME", "")
    if not user_home:
        raise Missing("home-not-writable", "neither OKSTRA_HOME nor HOME is set", hint="set OKSTRA_HOME to a folder")
    return HomePaths(os.path.join(user_home, ".okstra"))


def ensure(home: HomePaths) -> None:
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
