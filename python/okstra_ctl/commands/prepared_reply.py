"""The reply of `run` and `rerun` (docs/how-to/scripts.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..output import Reply, fields

if TYPE_CHECKING:
    from ..prepare.prepare import PreparedRun


def prepared_reply(run: PreparedRun, *, lead: str) -> Reply:
    """`lead` is who leads the run from here; empty when it is only prepared."""
    data = {
        "run_id": str(run.run),
        "task_key": str(run.run.task),
        "task_type": run.run.task_type,
        "seq": run.run.seq,
        "stage": run.run.stage,
        "run_dir": run.files.dir,
        "manifest": run.files.manifest,
        "launch_prompt": run.files.launch_prompt,
        "worktree": run.worktree.to_json(),
        "epoch": run.epoch,
        "next": list(run.next),
        "repaired": list(run.repaired),
        "warnings": list(run.warnings),
    }
    text = fields(
        [
            ("run", run.run),
            ("stage", f"{run.stage.number}  {run.stage.title}" if run.stage else ""),
            ("worktree", f"{run.worktree.path} ({run.worktree.status})"),
            ("branch", f"{run.worktree.branch} from {run.worktree.base_commit[:12]}" if run.worktree.branch else ""),
            ("prompt", run.files.launch_prompt),
            *(("next", command) for command in run.next),
        ]
    )
    talk = [f"okstra: {sentence}" for sentence in run.repaired]
    talk += [f"okstra: warning: {warning}" for warning in run.warnings]
    return Reply(data, text, talk=talk)
