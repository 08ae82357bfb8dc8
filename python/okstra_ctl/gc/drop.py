"""`okstra drop` and `okstra restore`: a task or a run that nobody wants any more.

First the mark is written: from there on lists leave it out, and no run of it can begin. Then stages in work are given
back, and worktrees go with the proofs of `gc`; unsaved work is kept by refs. Branches and records stay. A drop that was
killed in between is completed by the same command.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .. import git
from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from ..errors import OkstraError, Refused, UsageError
from ..git.kept import newest_ref
from ..names import Owner, RunId, StageKey, TaskKey
from ..quoting import okstra_command
from ..runs import dropped
from ..runs.find import find_run
from ..services import Services
from ..stages.claim import release_stage
from ..status import ClaimStatus, Liveness
from ..system.process_identity import liveness
from ..worktrees import half_made
from ..worktrees.remove import remove_worktree
from ..worktrees.unsaved import SavePolicy, kept_prefix
from ..worktrees.users import led_run, removal_blocker, users_of
from .policy import Verdict, WorktreeFacts, judge
from .sweep import facts_of

_SURE = (Verdict.MERGED, Verdict.SAVED)


class Gone(NamedTuple):
    """A worktree that was removed: `kept` is the ref that has its unsaved work, or empty."""

    key: str
    path: str
    branch: str
    kept: str


class DropResult(NamedTuple):
    """`stays`: worktrees that were not removed, each with the reason."""

    dropped: str
    released: tuple[str, ...]
    removed: tuple[Gone, ...]
    stays: tuple[tuple[str, str], ...]


def drop_task(key: TaskKey, start: str, services: Services) -> DropResult:
    """Raises Refused (`worktree-held`: a run of it is at work), WorkFailed, Busy."""
    _require_idle(key, services)
    dropped.mark(key, services)
    try:
        _require_idle(key, services)  # a run may have begun before the mark
    except Refused:
        dropped.unmark(key, services)
        raise
    stages = services.registry.read().stages_of(key)
    held = [claim.run_id for claim in stages.values() if claim.status is not ClaimStatus.DONE]
    released, stays = _release(held, start, services)
    places: list[TaskKey | StageKey] = [*(StageKey(key, number) for number in sorted(stages)), key]
    removed: list[Gone] = []
    for place in places:
        gone, why = _remove(place, services)
        removed += [gone] if gone else []
        stays += [(str(place), why)] if why else []
    return DropResult(str(key), tuple(released), tuple(removed), tuple(stays))


def drop_run(run: RunId, start: str, services: Services) -> DropResult:
    """The worktree of its stage goes; a task's worktree is shared, and stays. Raises as `drop_task`."""
    found, stage = find_run(str(run), start, services), run.stage_key
    claim = services.registry.read().stage(stage) if stage else None
    holds = claim is not None and claim.run_id == str(run)
    owner = claim.owner if claim and holds else _user(run, services)
    if owner is not None and liveness(owner) is not Liveness.GONE:
        raise _at_work(str(run))
    dropped.mark(run, services)
    if claim is None or not holds or claim.status is ClaimStatus.DONE:
        return DropResult(str(run), (), (), ())
    released, stays = _release([str(found.id)], start, services)
    return DropResult(str(run), tuple(released), (), tuple(stays))


def restore(what: TaskKey | RunId, services: Services) -> None:
    """Raises UsageError (`not-found`) for what was not dropped."""
    if not dropped.unmark(what, services):
        hint = f"{okstra_command('list', '--status', 'dropped')} shows what was"
        raise UsageError("not-found", f"{what} was not dropped", hint=hint)


def unsaved_of(key: TaskKey, root: str, services: Services) -> list[str]:
    """The task's and its stages' keys of which a ref keeps unsaved work, and whose worktree is not there."""
    repository = git.discover(root)
    doc = services.registry.read()
    claim = doc.task(key)
    numbers = sorted({*doc.stages_of(key), *(claim.epochs if claim else ())})
    places: list[TaskKey | StageKey] = [key, *(StageKey(key, number) for number in numbers)]
    if repository is None:
        return []
    gone = [place for place in places if (one := doc.claim_of(place)) is None or one.status is ClaimStatus.DONE]
    return [str(place) for place in gone if newest_ref(repository.top, kept_prefix(place))]


def _require_idle(key: TaskKey, services: Services) -> None:
    busy = next(_busy(key, services), "")
    if busy:
        raise _at_work(busy)


def _at_work(run: str) -> Refused:
    hint = f"{okstra_command('wait', run)}, or end its process; then drop it"
    return Refused("worktree-held", f"{run} is at work: nothing was dropped", where=run, hint=hint)


def _busy(key: TaskKey, services: Services) -> Iterator[str]:
    """The task's runs whose lead lives, or is out of reach on another machine."""
    doc = services.registry.read()
    owners = [(claim.run_id, claim.owner) for claim in doc.stages_of(key).values()]
    claim = doc.task(key)
    owners += [(user.run_id, user.owner) for user in users_of(key, claim, services)] if claim else []
    yield from (run for run, owner in owners if owner is not None and liveness(owner) is not Liveness.GONE)
    yield from filter(None, [led_run(key, services)])


def _user(run: RunId, services: Services) -> Owner | None:
    claim = services.registry.read().task(run.task)
    users = users_of(run.task, claim, services) if claim else ()
    return next((user.owner for user in users if user.run_id == str(run)), None)


def _release(runs: list[str], start: str, services: Services) -> tuple[list[str], list[tuple[str, str]]]:
    """Gives stages in work back; their unsaved work is kept by a ref."""
    released, stays = [], []
    for run_id in runs:
        try:
            release_stage(find_run(run_id, start, services), services, force=False, saves=True, note="dropped")
            released.append(run_id)
        except OkstraError as error:
            stays.append((run_id, error.message))
    return released, stays


def _remove(place: TaskKey | StageKey, services: Services) -> tuple[Gone | None, str]:
    """What was removed, or why it stays; neither where there is no worktree."""
    doc = services.registry.read()
    claim = doc.claim_of(place)
    if claim is None or (isinstance(place, TaskKey) and claim.status is ClaimStatus.DONE):
        return None, ""
    if not half_made.is_abandoned(claim):  # what a killed command left is undone by the removal
        decision = judge(_facts(place, claim, doc, services))
        if not decision.facts.exists:
            return None, ""
        if decision.verdict not in _SURE:
            return None, decision.proof
    try:
        gone = remove_worktree(place, services, policy=SavePolicy(force=True), evict=True)
    except OkstraError as error:
        return None, error.message
    return Gone(str(place), gone.path, gone.branch, gone.kept), ""


def _facts(
    place: TaskKey | StageKey, claim: TaskClaim | StageClaim, doc: RegistryDoc, services: Services
) -> WorktreeFacts:
    """A run that is prepared, and led by nobody, is no obstacle: it was dropped."""
    blocker = removal_blocker(place, claim, doc, services)
    task = doc.task(place.task) if isinstance(place, StageKey) else None
    return facts_of(str(place), claim, None if blocker and blocker.forceable else blocker, task.branch if task else "")
