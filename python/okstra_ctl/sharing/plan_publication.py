"""An approved plan, published for other machines: its text, who approved it, and when."""

from __future__ import annotations

from ..errors import OkstraError, Refused
from ..plan import plans
from ..plan.plans import CheckedPlan
from ..quoting import okstra_command
from ..services import Services
from ..system import files
from ..system.secrets import hide
from ..tasks.records import read_manifest, read_task_identity
from .joining import sharing_of


def publish_plan(plan: CheckedPlan, services: Services) -> None:
    """Publishes the plan as it is approved now, where its task is shared. Repeating it is harmless.

    Raises what `SharedClaims` raises; the approval on this machine stands.
    """
    key = read_task_identity(plans.task_files(plan.path).root)
    sharing = sharing_of(plans.project_root_of(plan.path), key, services) if key else None
    if sharing is None or plan.approval is None:
        return
    from ..remote.shared_task import Approval
    from .task_fetch import CATEGORY, TITLE

    manifest = read_manifest(plans.task_files(plan.path)) or {}
    facts = {name: hide(str(manifest[name]))[0] for name in (CATEGORY, TITLE) if manifest.get(name)}
    person = hide(plan.approval.person)[0]
    kinds = sorted(hide((files.read_bytes(plan.path) or b"").decode("utf-8", "replace"))[1])
    if kinds:
        hint = "take it out of the plan, and approve it again: what is pushed can't be taken back"
        raise Refused("holds-secret", f"the plan holds a secret ({', '.join(kinds)})", where=plan.path, hint=hint)
    try:
        text = files.read_bytes(plan.path) or b""
        sharing.approve(text, Approval(plan.approval.digest, person, plan.approval.at), facts)
    except OkstraError as error:
        again = okstra_command("plan", "approve", plan.path, "--yes")
        hint = f"the plan is approved on this machine, and other machines don't know; later: {again}"
        raise type(error)(error.code, error.message, where=error.where, hint=hint, data=error.data) from error
