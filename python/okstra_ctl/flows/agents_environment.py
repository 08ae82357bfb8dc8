"""The environment that whatever okstra starts for a run gets: the person's, with okstra's commands on the PATH."""

from __future__ import annotations

import os

from ..edges import assets, git


def agents_environment() -> dict[str, str]:
    """Without the git variables that okstra was called with: they may lead git to another repository."""
    kept = git.users_environment()
    return {**kept, "PATH": os.pathsep.join([os.path.join(assets.root(), "bin"), kept.get("PATH", os.defpath)])}
