"""The private git folder of a contained executor: made before it starts, taken home once it has ended.

Whatever looks at the stage afterwards (exit check, verifiers, receipt) sees the real repository alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .. import git
from ..agents.job import Report
from ..errors import OkstraError
from ..git import worktree_admin
from ..guard import hooks
from ..quarantine.make import Order, make
from ..quarantine.record import Quarantine, binds
from ..quarantine.recover import sentences, take_abandoned
from ..quarantine.take_home import take_home
from ..sandbox.choice import Kind
from ..sandbox.profile import Bind
from ..settings.roster import Worker, access_of
from ..status import Access, Failure, WorkerOutcome
from ..worktrees.unsaved import kept_prefix
from .context import RunContext


class OwnGit(NamedTuple):
    """What a job gets of it: `keep_open` is open as long as a process of the worker is alive."""

    binds: tuple[Bind, ...] = ()
    keep_open: tuple[int, ...] = ()
    guarded: str = ""
    """The common git folder that the run's hooks guard, where it is not the real one by its path."""

    @property
    def environment(self) -> dict[str, str]:
        return {hooks.GUARDED: self.guarded} if self.guarded else {}


def with_own_git(context: RunContext, worker: Worker, start: Callable[[OwnGit], Report]) -> Report:
    """Starts the worker, with a private git folder if it is an executor that is contained.

    Commits that can't be taken home make its work count as failed. Raises what `make` and `start` raise.
    """
    one = _quarantine(context, worker)
    if one is None:
        return start(OwnGit())
    try:
        with worktree_admin.fenced(one.folder) as fence:
            report = start(OwnGit(binds(one), (fence,), "" if one.mounted else one.git))
    except BaseException:
        _take(context, one)
        raise
    fault = _take(context, one)
    if not fault:
        return report
    stream = report.stream._replace(failure=Failure.SANDBOX, message=fault)
    return report._replace(outcome=WorkerOutcome.ERROR, stream=stream)


def _quarantine(context: RunContext, worker: Worker) -> Quarantine | None:
    repository = git.discover(context.folder) if access_of(worker.role) is Access.EDIT else None
    if repository is None or not repository.linked or not context.sandbox.contains:
        return None
    for sentence in take_abandoned(context.services.home, worktree=context.folder):
        context.print_progress(sentence)
    kept = kept_prefix(context.id.stage_key or context.id.task)
    mounts = context.sandbox.probed.kind is Kind.BWRAP
    return make(context.services.home, Order(str(context.id), worker.id, context.folder, kept, mounts))


def _take(context: RunContext, one: Quarantine) -> str:
    """Returns why it could not be taken home; empty when it was."""
    try:
        came = take_home(one)
    except OkstraError as error:
        context.print_progress(error.message)
        return error.message
    context.record_event("taken-home", worker=one.worker, commit=came.tip, kept=[kept._asdict() for kept in came.kept])
    for sentence in sentences(one, came):
        context.print_progress(sentence)
    return ""
