"""Public names: asking the registry of this machine about one task. The code is in `claims/registry.py`."""

from __future__ import annotations

from .errors import UsageError
from .names import TaskKey
from .services import open_services
from .status import ClaimStatus


def list_active_stage_numbers(project_id: str, task_group: str, task_id: str) -> set[int]:
    """The stages that runs hold now."""
    claims = open_services().registry.read().stages_of(TaskKey.make(project_id, task_group, task_id))
    return {stage for stage, claim in claims.items() if claim.status is not ClaimStatus.DONE}


def get_implementation_base(project_id: str, task_group: str, task_id: str) -> str | None:
    """The task's anchor: the main HEAD at its first stage; None before that."""
    claim = open_services().registry.read().task(TaskKey.make(project_id, task_group, task_id))
    return claim.implementation_base or None if claim else None


def set_implementation_base(project_id: str, task_group: str, task_id: str, commit: str) -> str:
    """Sets the anchor once; returns the one in force. Raises UsageError (`not-found`) for an unknown task."""
    key = TaskKey.make(project_id, task_group, task_id)
    with open_services().registry.transaction() as doc:
        claim = doc.task(key)
        if claim is None:
            raise UsageError("not-found", f"no worktree is registered for {key}")
        if not claim.implementation_base:
            claim = claim._replace(implementation_base=commit)
            doc.put_task(key, claim)
    return claim.implementation_base


__all__ = ["get_implementation_base", "list_active_stage_numbers", "set_implementation_base"]
