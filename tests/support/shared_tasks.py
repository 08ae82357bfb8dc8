"""Values of the state that machines share."""

from __future__ import annotations

from collections.abc import Sequence

from okstra_ctl.names import Owner, TaskKey
from okstra_ctl.remote.shared_task import Approval, Holder, SharedTask, Wish, approve, claim_stages

KEY = TaskKey("demo", "core", "T-1")
DIGEST, OTHER_DIGEST = "a" * 64, "b" * 64
COMMIT = "c" * 40
AT = "2026-01-02T03:04:05Z"


def holder(machine: str = "m1", job: str = "", host: str = "host-1") -> Holder:
    return Holder(machine, Owner(host, "boot", 4711, "12345"), job)


def approved(digest: str = DIGEST) -> SharedTask:
    return approve(SharedTask(KEY), Approval(digest, "Kim <kim@example.invalid>", AT))


def wish(stage: int, token: str, *, epoch: int = 1, seq: int = 1) -> Wish:
    return Wish(stage, COMMIT, token, epoch, seq)


def claim(state: SharedTask, *wishes: Wish, by: Holder | None = None, digest: str = DIGEST) -> SharedTask:
    return claim_stages(state, wishes, by or holder(), plan_digest=digest, anchor=COMMIT, at=AT)


def claimed(*stages: int, by: Holder | None = None) -> SharedTask:
    """These stages, each with the token `t<stage>`."""
    return claim(approved(), *[wish(stage, f"t{stage}") for stage in stages], by=by)


def tokens(stages: Sequence[int]) -> dict[int, str]:
    return {stage: f"t{stage}" for stage in stages}
