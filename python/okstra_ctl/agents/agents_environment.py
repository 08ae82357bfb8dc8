"""The environment that whatever okstra starts for a run gets: the person's, with okstra's commands on the PATH."""

from __future__ import annotations

import os

from .. import git
from ..system import assets


def agents_environment() -> dict[str, str]:
    """Without what would lead their git to another repository than theirs."""
    kept = git.users_environment()
    return {**kept, "PATH": os.pathsep.join([os.path.join(assets.root(), "bin"), kept.get("PATH", os.defpath)])}
