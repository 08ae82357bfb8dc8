"""Whether a task is shared with other machines. Every command that takes or ends a stage asks; what it takes to answer
yes (`claims.py`, and with it `remote/`) is imported only then."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..agents.environment import RUN_VARIABLE
from ..claims.registry_document import StageClaim
from ..errors import OkstraError
from ..names import StageKey, TaskKey, check_job
from ..services import Services
from ..settings.project import load_project
from .elsewhere import ALONE, Shared

if TYPE_CHECKING:
    from .claims import SharedClaims


JOB_VARIABLE = "OKSTRA_JOB"
"""The name of the job that okstra works for (`okstra work --job`): the same job may go on with its own stages."""


def job_in(environment: Mapping[str, str]) -> str:
    """Empty without one. Raises UsageError (`usage`): another machine could not read the name."""
    name = environment.get(JOB_VARIABLE, "")
    return check_job(name) if name else ""


class Wanted(NamedTuple):
    """A stage that a run wants, as its intent in the registry has it. `led`: okstra leads it from its claim on, and
    gives signs of life."""

    stage: int
    run_id: str
    seq: int
    epoch: int
    base: str
    token: str
    led: bool = False


def wanted_of(key: StageKey, claim: StageClaim, *, led: bool) -> Wanted:
    seq = int(claim.run_id.rpartition("/")[2])
    return Wanted(key.stage, claim.run_id, seq, claim.epoch, claim.base_commit, claim.remote_token, led)


def is_shared(root: str, services: Services) -> bool:
    """Whether the project keeps claims at a git remote. Raises UsageError (`bad-config`), Missing."""
    return bool(load_project(root, services).config.claims.remote)


def sharing_of(root: str, key: TaskKey, services: Services) -> SharedClaims | None:
    """None where the project shares no claims. Raises UsageError (`bad-config`), Refused (`not-trusted`,
    `remote-refused`)."""
    project = load_project(root, services)
    if not project.config.claims.remote:
        return None
    from ..remote.exchange import exchange_of
    from ..remote.machine import this_holder
    from .claims import SharedClaims

    exchange = exchange_of(project, key, services)
    assert exchange is not None
    me = this_holder(services.home, job=job_in(services.environment))
    claims = project.config.claims
    return SharedClaims(exchange, me, services, lease=claims.lease, namespace=claims.namespace)


def known_view(root: str, key: TaskKey, services: Services) -> Shared:
    """What this machine saw last of the task, for showing it; asks no remote. Whoever claims fetches first."""
    try:
        sharing = sharing_of(root, key, services) if os.path.isdir(services.home.remotes) else None
        return ALONE if sharing is None else sharing.known()
    except OkstraError:  # not trusted yet, or not to be read: `refresh` says so
        return ALONE


def refresh(root: str, key: TaskKey, services: Services) -> str:
    """Asks the remote what the task is now, for a listing; returns a warning when it did not answer: then the listing
    shows what this machine saw last, as it does inside a worker."""
    if services.environment.get(RUN_VARIABLE):
        return ""
    try:
        sharing = sharing_of(root, key, services)
        if sharing is not None:
            sharing.fetch()
    except OkstraError as error:
        return f"{error.message}; stages of other machines are shown as this machine saw them last"
    return ""
