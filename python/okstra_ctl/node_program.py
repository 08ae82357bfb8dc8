"""`okstra install` and `uninstall` by the door that pip or pipx made: they are Node's, in the same package."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from .errors import Missing
from .system import assets
from .system import processes as proc


def become_node(words: Sequence[str]) -> NoReturn:
    """Raises Missing (`assets-missing`, `dependency-missing`)."""
    program = os.path.join(assets.root(), "src", "main.js")
    if not os.path.isfile(program):
        raise Missing(
            "assets-missing", "this okstra has no `okstra install` in it", where=program, hint="install okstra anew"
        )
    node = shutil.which("node")
    if node is None:
        raise Missing(
            "dependency-missing",
            f"`okstra {words[0]}` needs Node.js 18 or newer, and there is no node on the PATH",
            where=program,
            hint="install Node.js 18 or newer, then do it again; all other commands work without it",
        )
    environment = {**os.environ, "OKSTRA_PYTHON": sys.executable}
    proc.become([node, program, *words], environment, ".")
