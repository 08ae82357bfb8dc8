"""What a person does next about a run, by its status."""

from __future__ import annotations

from ..words.statuses import RunStatus
from .shell_words import okstra_command

# In the order of urgency.
OPEN = (
    RunStatus.CONTRACT_VIOLATED,
    RunStatus.FAILED,
    RunStatus.INTERRUPTED,
    RunStatus.RUNNING,
    RunStatus.RESERVED,
    RunStatus.PREPARED,
)


def next_step(status: str, run_id: str, *, stage: bool) -> str:
    """A command to paste; empty when there is nothing to do."""
    if status == RunStatus.RUNNING:
        return okstra_command("wait", run_id)
    if status in (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PREPARED):
        return okstra_command("resume", run_id)
    if status == RunStatus.RESERVED:
        return okstra_command("stage", "done", "--run", run_id) if stage else okstra_command("resume", run_id)
    return okstra_command("show", run_id) if status == RunStatus.CONTRACT_VIOLATED else ""
