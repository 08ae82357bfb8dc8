"""What machines share of a task: epochs rise, an epoch has one owner, a stage is done once, late runs are fenced."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from okstra_ctl.errors import Refused
from okstra_ctl.remote import shared_task as rules
from okstra_ctl.remote.rewound import merged
from okstra_ctl.remote.shared_task import Approval, Hold, SharedTask, Takeover, Watched
from okstra_ctl.remote.task_document import dump_task, parse_task
from support.shared_tasks import (
    AT,
    COMMIT,
    DIGEST,
    KEY,
    OTHER_DIGEST,
    approved,
    claim,
    claimed,
    holder,
    wish,
)

_STAGES = st.integers(1, 3)
_MACHINES = st.sampled_from(["m1", "m2", "m3"])


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


def test_of_a_group_all_stages_are_claimed_or_none() -> None:
    both = claim(approved(), wish(1, "t1"), wish(2, "t2"))
    assert both.holds(1, "t1") and both.holds(2, "t2")
    assert refused(lambda: claim(both, wish(3, "x3"), wish(2, "x2"))) == "stage-taken"
    assert 3 not in both.stages


def test_a_claim_made_before_changes_nothing() -> None:
    once = claimed(1, 2)
    assert claim(once, wish(1, "t1"), wish(2, "t2")) == once


def test_run_numbers_and_epochs_are_higher_than_any_that_either_side_knows() -> None:
    state = claim(approved(), wish(1, "t1", epoch=5, seq=7))
    assert (state.stages[1].claim.epoch, state.stages[1].seq) == (5, 7)
    again = claim(rules.release(state, 1, "t1"), wish(1, "u1", epoch=2, seq=3))
    assert (again.stages[1].claim.epoch, again.stages[1].seq) == (6, 8)
    assert again.stages[1].run_id == f"{KEY}/implementation/stage-1/008"


def test_the_first_stage_sets_the_anchor_for_all() -> None:
    state = rules.claim_stages(claimed(1), [wish(2, "x")], holder("m2"), plan_digest=DIGEST, anchor="d" * 40, at=AT)
    assert state.anchor == COMMIT


def test_claims_are_of_the_plan_that_was_approved() -> None:
    assert refused(lambda: claim(SharedTask(KEY), wish(1, "t1"))) == "plan-not-approved"
    assert refused(lambda: claim(approved(), wish(1, "t1"), digest=OTHER_DIGEST)) == "plan-changed"


def test_an_edited_plan_opens_a_done_stage_in_a_higher_epoch() -> None:
    done = rules.publish_done(claimed(1), 1, epoch=1, token="t1", head=COMMIT)
    assert refused(lambda: claim(done, wish(1, "x"))) == "stage-done"
    edited = rules.approve(done, Approval(OTHER_DIGEST, "", AT))
    assert claim(edited, wish(1, "x"), digest=OTHER_DIGEST).stages[1].claim.epoch == 2


@pytest.mark.parametrize(
    ("why", "job", "watched", "taken"),
    [
        (Takeover.JOB, "ci-7", None, True),
        (Takeover.JOB, "ci-8", None, False),
        (Takeover.JOB, "", None, False),
        (Takeover.PERSON, "", None, True),
        (Takeover.LEASE, "", Watched(1, "t1", 0), True),
        (Takeover.LEASE, "", Watched(1, "t1", 1), False),
        (Takeover.LEASE, "", Watched(2, "t1", 0), False),
        (Takeover.LEASE, "", None, False),
    ],
)
def test_a_claim_is_taken_over_by_right_alone(why: Takeover, job: str, watched: Watched | None, taken: bool) -> None:
    state = claimed(1, by=holder("m1", job="ci-7"))

    def take() -> SharedTask:
        return rules.take_over(state, wish(1, "u1"), holder("m2", job=job), why=why, at=AT, watched=watched)

    if not taken:
        assert refused(take) == "stage-taken"
        return
    assert take().stages[1].claim.epoch == 2
    assert refused(lambda: rules.publish_done(take(), 1, epoch=1, token="t1", head=COMMIT)) == "stage-not-held"
    assert refused(lambda: rules.release(take(), 1, "t1")) == "stage-not-held"
    assert refused(lambda: rules.renew(take(), {1: "t1"})) == "stage-not-held"


def test_no_job_is_not_the_same_job() -> None:
    state = claimed(1, by=holder("m1"))
    take = lambda: rules.take_over(state, wish(1, "u1"), holder("m2"), why=Takeover.JOB, at=AT)  # noqa: E731
    assert refused(take) == "stage-taken"


def test_a_sign_of_life_ends_what_was_watched() -> None:
    state = rules.renew(claimed(1, 2), {1: "t1", 2: "t2"})
    old = Watched(1, "t1", 0)
    take = lambda: rules.take_over(state, wish(1, "u"), holder("m2"), why=Takeover.LEASE, at=AT, watched=old)  # noqa: E731
    assert refused(take) == "stage-taken"


def test_done_is_recorded_once_and_again_with_the_same_commit_only() -> None:
    done = rules.publish_done(claimed(1), 1, epoch=1, token="t1", head=COMMIT, proof="needs its code")
    assert rules.publish_done(done, 1, epoch=1, token="t1", head=COMMIT) == done
    assert refused(lambda: rules.publish_done(done, 1, epoch=1, token="t1", head="d" * 40)) == "stage-done"
    assert refused(lambda: rules.release(done, 1, "t1")) == "stage-not-held"


def test_a_stage_given_back_is_not_published_late() -> None:
    back = rules.release(claimed(1), 1, "t1")
    assert rules.release(back, 1, "t1") == back
    assert refused(lambda: rules.publish_done(back, 1, epoch=1, token="t1", head=COMMIT)) == "stage-not-held"


def test_a_person_takes_away_the_claim_that_they_saw() -> None:
    state = claimed(1)
    assert rules.take_away(state, 1, 1).stages[1].claim.status is Hold.RELEASED
    assert refused(lambda: rules.take_away(state, 1, 2)) == "stage-not-held"


def test_one_machine_integrates_at_a_time() -> None:
    first = rules.claim_integration(approved(), holder("m1", job="j"), "i1", at=AT)
    assert rules.claim_integration(first, holder("m1"), "i1", at=AT) == first
    assert refused(lambda: rules.claim_integration(first, holder("m2"), "i2", at=AT)) == "integration-taken"
    ended = rules.end_integration(first, "i1", head=COMMIT)
    assert ended.integration is not None and ended.integration.head == COMMIT
    second = rules.claim_integration(ended, holder("m2"), "i2", at=AT)
    assert second.integration is not None
    assert (second.integration.claim.epoch, second.integration.head) == (2, COMMIT)
    taken = rules.take_over_integration(second, holder("m3"), "i3", why=Takeover.PERSON, at=AT)
    assert refused(lambda: rules.end_integration(taken, "i2", head=COMMIT)) == "integration-taken"


def test_after_a_rewound_remote_nothing_done_is_lost_and_no_number_falls() -> None:
    ours = rules.publish_done(claimed(1, 2), 1, epoch=1, token="t1", head=COMMIT)
    theirs = claim(approved(), wish(1, "x1", epoch=4, seq=9), wish(3, "x3"), by=holder("m2"))
    whole = merged(ours, theirs)
    assert whole.is_done(1) and whole.stages[1].claim.epoch == 4
    assert whole.holds(2, "t2") and whole.holds(3, "x3")
    assert whole.next_runs[rules.run_kind("implementation", 1)] == 10


class Machines(RuleBasedStateMachine):
    """Runs on three machines do whatever they like, late and twice."""

    def __init__(self) -> None:
        super().__init__()
        self.state = approved()
        self.drawn = 0
        self.runs: list[tuple[int, int, str]] = []
        self.owner: dict[tuple[int, int], str] = {}
        self.done: dict[tuple[int, str], str] = {}
        self.highest: dict[int, int] = {}
        self.run_ids: dict[str, str] = {}

    @initialize()
    def start(self) -> None:
        self.keep(self.state)

    def keep(self, state: SharedTask) -> None:
        """Checks the step from the last state to this one."""
        for number, stage in state.stages.items():
            one = stage.claim
            assert one.epoch >= self.highest.get(number, 0)
            assert self.owner.setdefault((number, one.epoch), one.token) == one.token
            assert self.run_ids.setdefault(stage.run_id, one.token) == one.token
            before = self.state.stages.get(number)
            if one.token != (before.claim.token if before else ""):
                assert one.epoch > self.highest.get(number, 0)
            self.highest[number] = one.epoch
            if one.status is Hold.DONE:
                assert self.done.setdefault((number, stage.plan_digest), stage.head) == stage.head
        for number, digest in self.done:
            found = state.stages[number]
            assert found.plan_digest != digest or found.claim.status is Hold.DONE
        self.state = state

    def token(self) -> str:
        self.drawn += 1
        return f"t{self.drawn}"

    def attempt(self, change: Callable[[], SharedTask]) -> bool:
        try:
            self.keep(change())
        except Refused:
            return False
        return True

    @rule(stages=st.sets(_STAGES, min_size=1), machine=_MACHINES, floor=st.integers(1, 4))
    def claims(self, stages: set[int], machine: str, floor: int) -> None:
        wishes = [wish(stage, self.token(), epoch=floor, seq=floor) for stage in sorted(stages)]
        if self.attempt(lambda: claim(self.state, *wishes, by=holder(machine), digest=self.state.plan_digest)):
            self.runs += [(one.stage, self.state.stages[one.stage].claim.epoch, one.token) for one in wishes]

    @rule(stage=_STAGES, machine=_MACHINES, why=st.sampled_from(Takeover), fresh=st.booleans())
    def takes_over(self, stage: int, machine: str, why: Takeover, fresh: bool) -> None:
        token, found = self.token(), self.state.stages.get(stage)
        watched = Watched.of(found.claim) if found and fresh else Watched(1, "old", 0)
        by = holder(machine, job=machine)
        if self.attempt(lambda: rules.take_over(self.state, wish(stage, token), by, why=why, at=AT, watched=watched)):
            self.runs.append((stage, self.state.stages[stage].claim.epoch, token))

    @rule(data=st.data())
    def publishes(self, data: st.DataObject) -> None:
        if not self.runs:
            return
        stage, epoch, token = data.draw(st.sampled_from(self.runs))
        found = self.state.stages[stage]
        fenced = (found.claim.epoch, found.claim.token) != (epoch, token) or found.claim.status is Hold.RELEASED
        head = data.draw(st.sampled_from(["1" * 40, "2" * 40]))
        took = self.attempt(lambda: rules.publish_done(self.state, stage, epoch=epoch, token=token, head=head))
        assert not (fenced and took)

    @rule(data=st.data())
    def releases(self, data: st.DataObject) -> None:
        if self.runs:
            stage, _, token = data.draw(st.sampled_from(self.runs))
            self.attempt(lambda: rules.release(self.state, stage, token))

    @rule(data=st.data())
    def lives(self, data: st.DataObject) -> None:
        if self.runs:
            stage, _, token = data.draw(st.sampled_from(self.runs))
            self.attempt(lambda: rules.renew(self.state, {stage: token}))

    @rule(digest=st.sampled_from([DIGEST, OTHER_DIGEST]))
    def approves(self, digest: str) -> None:
        self.done = {(stage, old): head for (stage, old), head in self.done.items() if old == digest}
        self.keep(rules.approve(self.state, Approval(digest, "", AT)))

    @invariant()
    def is_read_as_it_was_written(self) -> None:
        assert parse_task(dump_task(self.state), KEY) == self.state


TestMachines = Machines.TestCase
TestMachines.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


@pytest.mark.stress
def test_machines_for_long() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Machines, settings=settings(max_examples=4000, stateful_step_count=60, deadline=None))


def test_a_wish_that_knows_of_no_earlier_run_takes_the_first_number_and_epoch() -> None:
    state = claim(approved(), rules.Wish(1, COMMIT, "t1"))
    assert (state.stages[1].claim.epoch, state.stages[1].seq) == (1, 1)
