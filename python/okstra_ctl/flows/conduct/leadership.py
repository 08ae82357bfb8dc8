"""Who leads a run: one process at a time, named in the manifest, and for a stage in its claim (spec 3, "Recovery").

An agent's session that leads a run may call `okstra resume` from within: the lead passes to okstra and back.
"""

from __future__ import annotations

from ...core.ownership import Owner
from ...edges import fsio, process_identity
from ...edges.locks import LockKind, hold
from ...words.errors import Refused
from ...words.outcomes import RunOutcome
from ...words.statuses import ClaimStatus, Liveness
from .. import run_index
from .scene import Scene


def take(scene: Scene) -> None:
    """Makes this process the run's lead. Raises Refused (`run-is-led`, `run-ended`)."""
    me = process_identity.this_process()
    with hold(LockKind.INDEX, f"{scene.files.manifest}.lock"):
        manifest = fsio.read_json(scene.files.manifest) or {}
        lead = manifest.get("lead")
        lead = dict(lead) if isinstance(lead, dict) else {}
        if manifest.get("outcome") == str(RunOutcome.COMPLETED):
            raise Refused(
                "run-ended", f"{scene.id} is completed", where=scene.files.report, hint=f"okstra show {scene.id}"
            )
        owner = Owner.from_json(lead.get("owner")) if lead.get("owner") else None
        if owner is not None and not _is_ours(owner) and process_identity.liveness(owner) is Liveness.ALIVE:
            raise Refused(
                "run-is-led",
                f"{scene.id} is led by process {owner.pid} on {owner.host}",
                where=scene.files.manifest,
                hint="wait for it (okstra wait), or stop that process and resume then",
            )
        lead.update(mode="auto", owner=me.to_json())
        started = manifest.get("started_at") or scene.doors.clock.now()
        fsio.replace_json(
            scene.files.manifest, {**manifest, "lead": lead, "started_at": started, "ended_at": None, "outcome": None}
        )
    _own_claim(scene, me)
    scene.tell("started", owner=me.to_json(), commit=scene.commit)
    row = run_index.IndexRow(
        str(scene.id),
        "started",
        scene.doors.clock.now(),
        scene.id.task_type,
        scene.id.stage,
        scene.run.project.root,
        scene.files.manifest,
        me.to_json(),
    )
    warning = run_index.append_softly(scene.doors.home, row)
    if warning:
        scene.say(warning)


def _is_ours(owner: Owner) -> bool:
    """Whether the lead is this process, or the agent session that it was called from."""
    return owner in (process_identity.this_process(), process_identity.nearest_client())


def _own_claim(scene: Scene, owner: Owner | None) -> None:
    """Whoever leads a stage's run owns its claim while it does (spec 3, "Recovery")."""
    key = scene.id.stage_key
    if key is None:
        return
    with scene.doors.registry.transaction() as doc:
        claim = doc.stage(key)
        if claim is not None and claim.run_id == str(scene.id) and claim.status is ClaimStatus.ACTIVE:
            doc.put_stage(key, claim._replace(owner=owner))


def give_back(scene: Scene) -> None:
    """The run has ended, or is left: the agent session around this process has it again, or nobody."""
    around = process_identity.nearest_client()
    _own_claim(scene, around)
    with hold(LockKind.INDEX, f"{scene.files.manifest}.lock"):
        manifest = fsio.read_json(scene.files.manifest) or {}
        lead = manifest.get("lead")
        lead = {**(lead if isinstance(lead, dict) else {}), "owner": around.to_json() if around else None}
        fsio.replace_json(scene.files.manifest, {**manifest, "lead": lead})
