"""What a run is now: the one place that decides it, for every listing, page and check.

Three facts decide: the claim that it holds on a stage, what its records say it ended as, and whether who leads it is
alive. An end that is recorded counts more than a lead that is still there: an agent's session outlives its run.
"""

from __future__ import annotations

from collections.abc import Mapping

from .status import ClaimStatus, Liveness, RunStatus, StageStatus

_AT_WORK: Mapping[Liveness, RunStatus] = {
    Liveness.ALIVE: RunStatus.RUNNING,
    Liveness.UNKNOWN: RunStatus.RUNNING,
    Liveness.GONE: RunStatus.INTERRUPTED,
}
_ENDS: Mapping[str, RunStatus] = {
    str(status): status
    for status in (
        RunStatus.COMPLETED,
        RunStatus.RELEASED,
        RunStatus.FAILED,
        RunStatus.CONTRACT_VIOLATED,
        RunStatus.INTERRUPTED,
    )
}
_STAGES: Mapping[RunStatus, StageStatus] = {
    RunStatus.COMPLETED: StageStatus.DONE,
    RunStatus.RUNNING: StageStatus.RUNNING,
    RunStatus.INTERRUPTED: StageStatus.INTERRUPTED,
    RunStatus.FAILED: StageStatus.FAILED,
    RunStatus.CONTRACT_VIOLATED: StageStatus.CONTRACT_VIOLATED,
}


def run_status(claim: ClaimStatus | None, ended: str, lead: Liveness) -> RunStatus:
    """`claim`: that of the stage which the run holds; None for a run that holds none. `ended`: what its records say it
    ended as, empty while it goes on. A stage that a run holds stays held, however the run ended; a run that ended well
    and still holds one has not been recorded as done, and its lead says what it is."""
    if claim is ClaimStatus.DONE:
        return RunStatus.COMPLETED
    end = _ENDS.get(ended)
    if end is not None and (claim is None or end not in (RunStatus.COMPLETED, RunStatus.RELEASED)):
        return end
    return _AT_WORK.get(lead) or (RunStatus.PREPARED if claim is None else RunStatus.RESERVED)


def stage_status(claim: ClaimStatus, ended: str, lead: Liveness) -> StageStatus:
    """What the stage is that such a run holds: the same word, as a stage has it."""
    return _STAGES.get(run_status(claim, ended, lead), StageStatus.RESERVED)
