"""Who leads a run: one process at a time (spec 3, "Recovery").

An agent's session that leads a run may call `okstra resume` from within: the lead passes to okstra and back.
"""

from __future__ import annotations

from typing import Any

from ..leadership import Lead, change_lead, check_free, index_started, name_lead, own_claim
from ..runs.lead_sessions import CLIENT, note_session, session_around
from ..system import owner as process_identity
from .context import Scene


def take(scene: Scene) -> None:
    """Makes this process the run's lead. Raises Refused (`run-is-led`, `run-ended`)."""
    me = process_identity.this_process()
    led_by = ""

    def begun(manifest: dict[str, Any], lead: Lead) -> dict[str, Any]:
        nonlocal led_by
        check_free(scene.run, manifest)
        led_by = str(lead.get("mode") or "")
        started = manifest.get("started_at") or scene.doors.clock.now()
        lead.update(mode="auto", owner=me.to_json())
        return {**manifest, "lead": lead, "started_at": started, "ended_at": None, "outcome": None}

    change_lead(scene.run, begun)
    own_claim(scene.run, scene.doors, me)
    if led_by == CLIENT:
        note_session(scene.run, scene.doors, session_around(scene.doors))
    scene.tell("started", owner=me.to_json(), commit=scene.commit, led_by=led_by or "none")
    warning = index_started(scene.run, scene.doors, me)
    if warning:
        scene.say(warning)


def give_back(scene: Scene, *, completed: bool) -> None:
    """The run has ended, or is left: the agent session around this process has it again, or nobody."""
    around = process_identity.nearest_client()
    own_claim(scene.run, scene.doors, around, completed=completed)
    name_lead(scene.run, around)
