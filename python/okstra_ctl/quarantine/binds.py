"""Where a quarantine's parts stand in a sandbox."""

from __future__ import annotations

import os

from ..sandbox.profile import Bind
from .object_folders import borrowed
from .record import BASE, Quarantine


def binds(one: Quarantine) -> tuple[Bind, ...]:
    """The copy over the real common folder, which itself stands below it, read-only; so do objects that are borrowed,
    submodules' repositories, and every file that leads git to a repository."""
    if not one.mounted:
        return (Bind(one.git, one.git, writable=True), Bind(one.common_dir, one.common_dir))
    shown = [
        *borrowed(os.path.join(one.common_dir, "objects")),
        *(os.path.join(folder, "modules") for folder in (one.common_dir, one.git_dir)),
        os.path.join(one.worktree, ".git"),
        *(os.path.join(one.worktree, path, ".git") for path in one.submodules),
    ]
    return (
        Bind(one.git, one.common_dir, writable=True),
        Bind(one.common_dir, os.path.join(one.common_dir, BASE)),
        *(Bind(path, path) for path in shown if os.path.exists(path)),
    )
