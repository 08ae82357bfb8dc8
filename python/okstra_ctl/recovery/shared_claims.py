"""What dead runs left at the git remote by which machines share a task: claims of this machine that its registry does
not know, and stages that were proven, or whose gates were passed, here and not published.

The remote is asked only where a project shares claims; one that does not answer is a finding, and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..claims.registry_document import RegistryDoc
from ..errors import OkstraError, UsageError
from ..names import RunId, TaskKey
from ..paths import ProjectFiles
from ..plan import plans
from ..plan.plans import Approval
from ..quoting import okstra_command
from ..remote.shared_task import Approval as SharedApproval
from ..services import Services
from ..settings.project import Project
from ..sharing.claims import SharedClaims
from ..sharing.joining import sharing_of
from ..stages.publication import has_passed
from ..status import ClaimStatus, publishing
from .orphans import ALREADY_DONE, Finding, Kind
from .unindexed import tasks_of


def left_at_remote(
    key: TaskKey, root: str, doc: RegistryDoc, recorded: Collection[int], services: Services
) -> Iterator[Finding]:
    """The findings of one task. `recorded`: stages that are done by its ledger, and so were published before."""
    sharing = sharing_of(root, key, services)
    if sharing is None:
        return
    for stage, claim in sorted(doc.stages_of(key).items()):
        if claim.proven and claim.status is ClaimStatus.ACTIVE and stage not in recorded:
            what = f"stage {stage} was proven at {claim.proven[:12]}, and other machines don't know of it"
            yield Finding(Kind.UNPUBLISHED, str(key), what, publishing(claim.run_id))
    try:
        left = sharing.left_here()
    except OkstraError as error:
        yield Finding(
            Kind.REMOTE, str(key), error.message, error.hint or "look again once it can be reached", notice=True
        )
        return
    if left.stages:
        what = f"claims of this machine at the remote that no run of it has: stage {', '.join(map(str, left.stages))}"
        yield Finding(Kind.REMOTE, str(key), what, "okstra reconcile --apply", lambda: _give_back(sharing))
    for stage, one in sorted(sharing.known().stages.items()):
        if one.gates_open and not one.host and has_passed(ProjectFiles(root), RunId.parse(one.run_id)):
            what = f"all gates of stage {stage} were passed, and other machines don't know"
            yield Finding(Kind.UNPUBLISHED, str(key), what, publishing(one.run_id))
    if left.merging:
        what = "this machine has the right to merge at the remote, and nothing here merges: others wait for it"
        yield Finding(Kind.REMOTE, str(key), what, okstra_command("integrate", "--task-key", key))
    plan = plans.latest(ProjectFiles(root).task(key))
    approval = plans.load(plan, services).approval if plan else None
    if plan and approval and is_unpublished(approval, left.approval):
        publish = okstra_command("plan", "approve", plan, "--yes")
        yield Finding(Kind.UNPUBLISHED, str(key), "the plan was approved here, and other machines don't know", publish)


def is_unpublished(here: Approval, there: SharedApproval | None) -> bool:
    """Whether the approval here is newer than the one that the remote has, and of another plan."""
    return there is None or (there.digest != here.digest and there.at < here.at)


class Republished(NamedTuple):
    """One task of the project, and what became of it: `where` it is on the remote, or why not."""

    task_key: str
    where: str
    failed: str


def republish(project: Project, services: Services) -> list[Republished]:
    """Puts back, for every task of the project that this machine saw on the remote, what the remote lost.

    Raises UsageError (`not-found`) where nothing is shared.
    """
    if not project.config.claims.remote:
        hint = okstra_command("remote", "use", "origin")
        raise UsageError("not-found", "this clone shares no tasks", where=project.root, hint=hint)
    done = []
    for key, _ in tasks_of(project.root):
        try:
            sharing = sharing_of(project.root, key, services)
            if sharing is not None and sharing.was_seen:
                done.append(Republished(str(key), sharing.republish(), ""))
        except OkstraError as error:
            done.append(Republished(str(key), "", error.message))
    return done


def _give_back(sharing: SharedClaims) -> str:
    stages = sharing.give_back_orphans()
    return f"gave back stage {', '.join(map(str, stages))}" if stages else ALREADY_DONE
