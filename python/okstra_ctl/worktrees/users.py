"""Which runs use a worktree, and what keeps it from being removed.

A stage's worktree is its run's until the stage is done or released, and after that while the run's lead lives: it
still writes its report there. A task's worktree is shared by the runs of every other phase; its claim lists them.
Whoever removes or repairs a worktree calls `removal_blocker`, and calls it again under the registry lock
right before it acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..claims.registry_document import RegistryDoc, StageClaim, TaskClaim, User
from ..errors import Busy, OkstraError, Refused
from ..index import run_index
from ..names import Owner, RunId, StageKey, TaskKey
from ..plan.model import number_list
from ..quoting import okstra_command
from ..services import Services
from ..status import ClaimStatus, Liveness
from ..system.process_identity import liveness, nearest_client, this_process

_OPEN_EVENTS = ("prepared", "started")


class Blocker(NamedTuple):
    """Why a worktree may not be removed now, and what to do. `forceable`: `--force` removes it all the same."""

    reason: str
    next_step: str
    forceable: bool = False


def removal_blocker(
    key: TaskKey | StageKey, claim: TaskClaim | StageClaim, doc: RegistryDoc, services: Services
) -> Blocker | None:
    """Why the worktree of this claim may not be removed, by `doc`; None when nobody needs it."""
    if claim.status is ClaimStatus.PROVISIONING:
        if liveness(claim.owner) is Liveness.GONE:
            return Blocker("half made by a dead process", "okstra reconcile --apply undoes it")
        return Blocker("it is being made or removed", "wait for it")
    if isinstance(claim, StageClaim):
        return _stage_blocker(claim)
    stages = sorted(stage for stage, held in doc.stages_of(_task(key)).items() if held.status is not ClaimStatus.DONE)
    if stages:
        named = f"stage {stages[0]} is" if len(stages) == 1 else f"stages {number_list(stages)} are"
        return Blocker(f"{named} in work", "finish or release them first")
    blockers = [
        blocker for blocker in (_blocker_of(user, key) for user in users_of(_task(key), claim, services)) if blocker
    ]
    return min(blockers, key=lambda blocker: blocker.forceable, default=None)


def require_removable(
    key: TaskKey | StageKey, claim: TaskClaim | StageClaim, doc: RegistryDoc, services: Services, *, force: bool
) -> None:
    """Raises Refused (`worktree-held`). Forced, a run that is prepared and led by nobody is no obstacle."""
    blocker = removal_blocker(key, claim, doc, services)
    if blocker is not None and not (force and blocker.forceable):
        raise Refused("worktree-held", f"{key}: {blocker.reason}", where=claim.path, hint=blocker.next_step)


def users_of(key: TaskKey, claim: TaskClaim, services: Services) -> tuple[User, ...]:
    """The runs that use a task's worktree. Where the claim does not list them, they come from the index of runs."""
    if claim.users is not None:
        return claim.users
    rows = [row for row in run_index.newest_rows(services.home) if row["run_id"].startswith(f"{key}/")]
    return tuple(
        User(row["run_id"], _owner_in(row.get("owner")))
        for row in rows
        if row.get("event") in _OPEN_EVENTS and row.get("stage") is None
    )


def led_run(key: TaskKey | StageKey, services: Services) -> str:
    """The run that is being led in a worktree without a claim, by the index of runs; empty when there is none."""
    stage = key.stage if isinstance(key, StageKey) else None
    for row in run_index.newest_rows(services.home):
        if row["run_id"].startswith(f"{_task(key)}/") and row.get("stage") == stage:
            owner = _owner_in(row.get("owner")) if row.get("event") == "started" else None
            if liveness(owner) is Liveness.ALIVE:
                return str(row["run_id"])
    return ""


def begin_use(doc: RegistryDoc, run: RunId, owner: Owner | None, services: Services) -> None:
    """Lists the run among the users of its task's worktree, as prepared or led by `owner`; in a transaction."""
    claim = doc.task(run.task)
    if claim is not None:
        listed = claim._replace(users=_without_dead(users_of(run.task, claim, services)))
        doc.put_task(run.task, listed.with_user(User(str(run), owner)))


def end_use(doc: RegistryDoc, run: RunId, services: Services, *, completed: bool) -> None:
    """Takes the run from the users of its task's worktree; in a transaction.

    Also removes earlier runs of its phase that were prepared and never led, if the run completed.
    """
    claim = doc.task(run.task)
    if claim is None:
        return
    users = _without_dead(users_of(run.task, claim, services))
    superseded = [user.run_id for user in users if completed and user.owner is None and _is_earlier(user, run)]
    doc.put_task(run.task, claim._replace(users=users).without_users(str(run), *superseded))


@contextmanager
def in_use(key: TaskKey, command: str, services: Services) -> Iterator[None]:
    """Lists a command that is not a run as a user of the task's worktree while the block runs. Raises Busy (`busy`)
    while the same command is at work there."""
    me = this_process()
    user = User(f"{command}, process {me.pid},", me)
    with services.registry.transaction() as doc:
        claim = doc.task(key)
        if claim is not None:
            users = users_of(key, claim, services)
            _require_alone(command, users, claim)
            doc.put_task(key, claim._replace(users=users).with_user(user))
    try:
        yield
    finally:
        with services.registry.transaction() as doc:
            claim = doc.task(key)
            if claim is not None:
                doc.put_task(key, claim.without_users(user.run_id))


def _require_alone(command: str, users: Sequence[User], claim: TaskClaim) -> None:
    for user in users:
        if user.run_id.startswith(f"{command}, process ") and liveness(user.owner) is Liveness.ALIVE:
            message = f"{user.run_id.rstrip(',')}, is at work on the same task"
            raise Busy("busy", message, where=claim.path, hint="wait for its end")


def _without_dead(users: tuple[User, ...]) -> tuple[User, ...]:
    """Without those whose owner is gone: they list themselves again when they are resumed."""
    return tuple(user for user in users if liveness(user.owner) is not Liveness.GONE)


def _stage_blocker(claim: StageClaim) -> Blocker | None:
    live = liveness(claim.owner)
    if claim.owner is not None and live is Liveness.ALIVE:
        return Blocker(f"{claim.run_id} is running", _how_to_end(claim.owner))
    if claim.status is not ClaimStatus.DONE:
        return Blocker(f"{claim.run_id} holds it", okstra_command("stage", "release", "--run", claim.run_id))
    return None


def _blocker_of(user: User, key: TaskKey | StageKey) -> Blocker | None:
    owner, live = user.owner, liveness(user.owner)
    if live is Liveness.GONE:
        return None
    give_up = f"{okstra_command('worktree', 'remove', key, '--force')} gives it up; `okstra resume` makes it again"
    if owner is None:
        return Blocker(
            f"{user.run_id} is prepared", f"{okstra_command('resume', user.run_id)}; or {give_up}", forceable=True
        )
    if live is Liveness.UNKNOWN:
        return Blocker(
            f"{user.run_id} was led on {owner.host}", f"make sure that it has ended there; {give_up}", forceable=True
        )
    return Blocker(f"{user.run_id} is running", _how_to_end(owner), forceable=owner == nearest_client())


def _how_to_end(owner: Owner) -> str:
    return f"wait for it, or end process {owner.pid} on {owner.host}"


def _task(key: TaskKey | StageKey) -> TaskKey:
    return key.task if isinstance(key, StageKey) else key


def _is_earlier(user: User, run: RunId) -> bool:
    try:
        other = RunId.parse(user.run_id)
    except OkstraError:
        return False
    return (other.task_type, other.stage) == (run.task_type, run.stage) and other.seq < run.seq


def _owner_in(value: object) -> Owner | None:
    try:
        return Owner.from_json(value)
    except ValueError:
        return None
