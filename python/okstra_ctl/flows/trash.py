"""Removing large folders at once: a rename into the trash, the deleting goes on behind it (spec 7).

A trash that a killed process left behind is emptied by the next command that removes something.
"""

from __future__ import annotations

import os
import shutil
import time

from ..core.home_paths import HomePaths
from ..edges import fsio, proc


def throw_away(home: HomePaths, path: str) -> None:
    """Moves the folder out of the way. A folder that is not there is no error. Raises WorkFailed."""
    if not os.path.lexists(path):
        return
    fsio.make_folder(home.trash)
    try:
        os.rename(path, os.path.join(home.trash, f"{os.getpid()}-{time.monotonic_ns()}"))
    except OSError as error:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            fsio.raise_write_failed(path, error)


def sweep(home: HomePaths) -> None:
    """Empties the trash in a process of its own; nobody waits for it."""
    try:
        names = os.listdir(home.trash)
    except OSError:
        return
    if names:
        proc.start_detached(["rm", "-rf", "--", *(os.path.join(home.trash, name) for name in names)])
