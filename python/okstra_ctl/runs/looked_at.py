"""The commit that a run looks at, and that its citations are held to (spec 5, "Evidence check")."""

from __future__ import annotations

import os

from .. import git
from .events import events_of
from .find import KnownRun


def commit_at_start(run: KnownRun) -> str:
    """As its first lead recorded it, so that a run that is resumed looks at the same one; else where its folder
    stands now. Empty without git."""
    for event in events_of(run.files):
        if event.get("event") == "started":
            return str(event.get("commit") or "")
    return commit_now(run)


def commit_now(run: KnownRun) -> str:
    """Where its folder stands; empty without git."""
    return (git.resolve(run.folder, "HEAD") or "") if os.path.isdir(run.folder) and git.discover(run.folder) else ""
