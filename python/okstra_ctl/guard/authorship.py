"""The traces of a run's workers, and whom they name as the author of a change."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .. import git
from ..quoting import quote
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..system import files as fsio
from . import authors, git_traces
from .authors import Evidence, Traced
from .breaches import WORKER, Changed, Place, Snapshot


class Authorship(NamedTuple):
    evidence: Evidence
    before: Snapshot
    after: Snapshot

    def author(self, changed: Changed) -> str:
        for traced in authors.pushes(self.evidence) if changed.kind == "push" else ():
            if changed.what == _command(traced):
                return f"{WORKER}{traced.worker}"
        return authors.author_of(changed, self.evidence, self.before, self.after)

    def pushed(self, main: str) -> Sequence[Changed]:
        """Pushes that came to their end: what they moved lies elsewhere, and no snapshot shows it."""
        look = f"git -C {quote(main)} remote --verbose"
        detail = "it ended well: look at what is there, and who may have fetched it"
        named = dict.fromkeys(_command(traced) for traced in authors.pushes(self.evidence))
        return [Changed("push", command, detail, Place.OKSTRAS, look) for command in named]


def _command(traced: Traced) -> str:
    return " ".join(quote(word) for word in ("git", *traced.arguments))


def authorship(evidence: Evidence, before: Snapshot, after: Snapshot) -> Authorship:
    return Authorship(evidence, before, after)


def trace(run: KnownRun, worker: str) -> Mapping[str, str]:
    """What a worker's environment gets so that its git commands are on record. Raises WorkFailed (`write-failed`)."""
    folder = run.files.git_trace(worker)
    fsio.make_folder(folder)
    return git_traces.environment(folder)


def git_of_workers(run: KnownRun, repository: git.Repository, after: Snapshot) -> Evidence:
    rows = run.manifest.get("roster")
    workers = [str(row["id"]) for row in rows] if isinstance(rows, list) else []
    folders = {os.path.realpath(folder): folder for folder in after.heads}
    commands = [
        one._replace(worktree=folders.get(one.worktree, one.worktree))
        for worker in workers
        for one in git_traces.commands(worker, run.files.git_trace(worker))
    ]
    moves = [one for worker in workers for one in git_traces.ref_moves(worker, run.files.git_trace(worker))]
    at_work = any(row.get("event") == "dispatched" for row in events_of(run.files))
    return Evidence(
        tuple(commands),
        tuple(moves),
        at_work,
        run.files.guard_hooks,
        os.path.realpath(repository.common_dir),
        frozenset(after.heads),
    )
