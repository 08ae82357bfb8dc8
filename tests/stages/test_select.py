"""Choosing a stage and its base: each status, each refusal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from okstra_ctl.claims.ledger_rows import LedgerRow, LedgerView
from okstra_ctl.claims.registry_document import StageClaim
from okstra_ctl.errors import Refused
from okstra_ctl.names import AUTO, Owner
from okstra_ctl.plan.model import Stage, StageMap
from okstra_ctl.sharing.elsewhere import Elsewhere
from okstra_ctl.stages.select import (
    StageRecords,
    StageState,
    choose,
    commits_to_merge,
    decide_base,
    merge_order,
    next_of_stage,
    stage_states,
    why_not,
)
from okstra_ctl.status import ClaimStatus, LedgerStatus, Liveness, StageStatus

_OWNER = Owner("build-box", "boot", 42, "100")
_SINCE = "2026-01-02T03:04:05Z"


def _map(**needs: tuple[int, ...]) -> StageMap:
    """`_map(s1=(), s2=(1,))`."""
    stages = [
        Stage(int(name[1:]), f"Part {name[1:]}", depends, ("a",), "true", (), "", 1) for name, depends in needs.items()
    ]
    return StageMap(tuple(stages), "digest")


def _run(stage: int) -> str:
    return f"p:g:1/implementation/stage-{stage}/001"


def _claim(stage: int = 1, status: str = "active", owner: Owner | None = _OWNER, epoch: int = 1) -> StageClaim:
    return StageClaim(
        f"/wt/stage-{stage}",
        f"feat-1-s{stage}",
        "base",
        "/p",
        ClaimStatus(status),
        _run(stage),
        owner,
        _SINCE,
        epoch,
        "token",
        "/plan",
        "digest",
    )


def _row(stage: int = 1, status: str = "done", head: str = "", epoch: int = 1, owner: Owner | None = None) -> LedgerRow:
    return LedgerRow(
        "id", "p:g:1", stage, LedgerStatus(status), _SINCE, _run(stage), epoch, "digest", head or f"c{stage}", "", owner
    )


def _records(
    *rows: LedgerRow,
    claims: Mapping[int, StageClaim] | None = None,
    alive: Liveness = Liveness.ALIVE,
    merged: Mapping[str, bool] | None = None,
    elsewhere: Mapping[int, Elsewhere] = MappingProxyType({}),
) -> StageRecords:
    view = LedgerView({row.stage: row for row in rows}, frozenset(), {}, ())
    return StageRecords(view, claims or {}, {_OWNER: alive}, merged, elsewhere=elsewhere)


def _state(stage_map: StageMap, records: StageRecords, stage: int = 1) -> StageState:
    return next(state for state in stage_states(stage_map, records) if state.stage == stage)


def _refused(states: list[StageState], wanted: str) -> Refused:
    with pytest.raises(Refused) as refused:
        choose(states, wanted)
    return refused.value


_ONE = _map(s1=())


# Each status


def test_ready_when_nothing_is_recorded() -> None:
    assert _state(_ONE, _records()).status == "ready"


def test_ready_again_after_a_release() -> None:
    assert _state(_ONE, _records(_row(status="released"))).status == "ready"


@pytest.mark.parametrize("status", ["done", "superseded"])
def test_done_by_the_ledger(status: str) -> None:
    state = _state(_ONE, _records(_row(status=status, head="abc")))
    assert (state.status, state.head_commit, state.run_id) == ("done", "abc", _run(1))


def test_done_by_ledger_and_claim_keeps_the_branch() -> None:
    state = _state(_ONE, _records(_row(), claims={1: _claim(status="done", owner=None)}))
    assert (state.status, state.branch, state.head_commit) == ("done", "feat-1-s1", "c1")


def test_done_when_only_the_claim_says_so() -> None:
    assert _state(_ONE, _records(claims={1: _claim(status="done", owner=None)})).status == "done"


def test_a_done_row_counts_before_the_claim_of_that_hold_says_so() -> None:
    """A crash between the two: the row is the commit point."""
    assert _state(_ONE, _records(_row(epoch=2), claims={1: _claim(epoch=2)})).status == "done"


def test_a_done_row_of_an_older_hold_does_not_end_a_newer_one() -> None:
    assert _state(_ONE, _records(_row(epoch=1), claims={1: _claim(epoch=2)})).status == "running"


@pytest.mark.parametrize(
    ("alive", "status"),
    [(Liveness.ALIVE, "running"), (Liveness.UNKNOWN, "running"), (Liveness.GONE, "interrupted")],
)
@pytest.mark.parametrize("claimed", ["active", "provisioning"])
def test_a_held_stage_is_as_its_owner_is(claimed: str, alive: Liveness, status: str) -> None:
    state = _state(_ONE, _records(claims={1: _claim(status=claimed)}, alive=alive))
    assert (state.status, state.run_id, state.since, state.owner) == (status, _run(1), _SINCE, _OWNER)


def test_a_held_stage_without_an_owner_is_reserved() -> None:
    assert _state(_ONE, _records(claims={1: _claim(owner=None)})).status == "reserved"


def test_an_owner_that_nobody_looked_up_may_live() -> None:
    stranger = _OWNER._replace(host="elsewhere")
    assert _state(_ONE, _records(claims={1: _claim(owner=stranger)})).status == "running"


@pytest.mark.parametrize(
    ("owner", "alive", "status"),
    [
        (None, Liveness.ALIVE, "reserved"),
        (_OWNER, Liveness.ALIVE, "running"),
        (_OWNER, Liveness.GONE, "interrupted"),
    ],
)
def test_a_started_row_alone_holds_the_stage(owner: Owner | None, alive: Liveness, status: str) -> None:
    """A degraded run: there is no claim."""
    assert _state(_ONE, _records(_row(status="started", owner=owner), alive=alive)).status == status


def test_a_started_row_of_a_hold_that_another_one_followed_holds_nothing() -> None:
    """The newer hold was under another version of the plan, so its rows are not read."""
    records = _records(_row(status="started", epoch=1))
    assert _state(_ONE, records._replace(epochs={1: 1})).status == "reserved"
    assert _state(_ONE, records._replace(epochs={1: 2})).status == "ready"


def test_done_under_another_version_of_the_plan_is_not_done() -> None:
    stage_map = _map(s1=(), s2=(1,))
    records = _records(claims={1: _claim(status="done", owner=None)._replace(plan_digest="other")})
    states = stage_states(stage_map, records)
    assert [str(state.status) for state in states] == ["blocked", "blocked"]
    error = _refused(states, "1")
    assert (error.code, _run(1) in error.message) == ("stage-blocked", True)
    assert "okstra worktree remove 'p:g:1#stage-1'" in error.hint
    assert "okstra worktree remove 'p:g:1#stage-1'" in _refused(states, AUTO).hint


def test_a_claim_done_under_another_version_hides_no_done_row_of_this_one() -> None:
    claim = _claim(status="done", owner=None, epoch=2)._replace(plan_digest="other")
    assert _state(_ONE, _records(_row(epoch=1, head="abc"), claims={1: claim})).head_commit == "abc"
    held = claim._replace(status=ClaimStatus.ACTIVE)
    assert _state(_ONE, _records(_row(epoch=1), claims={1: held})).status == "reserved"


def test_blocked_by_what_is_not_done() -> None:
    state = _state(_map(s1=(), s2=(), s3=(1, 2)), _records(_row(2)), 3)
    assert (state.status, state.blocked_by, state.unmerged) == ("blocked", (1,), ())


def test_one_done_dependency_is_enough_without_a_merge() -> None:
    assert _state(_map(s1=(), s2=(1,)), _records(_row(1), merged={}), 2).status == "ready"


def test_blocked_until_several_are_merged() -> None:
    stage_map = _map(s1=(), s2=(), s3=(1, 2))
    state = _state(stage_map, _records(_row(1), _row(2), merged={"c1": True, "c2": False}), 3)
    assert (state.status, state.unmerged) == ("blocked", (2,))
    unknown = _state(stage_map, _records(_row(1), _row(2), merged={"c1": True}), 3)
    assert unknown.unmerged == (2,), "a commit that was not looked up counts as not merged"
    assert _state(stage_map, _records(_row(1), _row(2), merged={"c1": True, "c2": True}), 3).status == "ready"


def test_without_a_task_branch_nothing_has_to_be_merged() -> None:
    stage_map = _map(s1=(), s2=(), s3=(1, 2))
    assert _state(stage_map, _records(_row(1), _row(2), merged=None), 3).status == "ready"


def test_commits_to_merge_are_asked_for_when_they_decide() -> None:
    stage_map = _map(s1=(), s2=(), s3=(1, 2), s4=(1,))
    assert commits_to_merge(stage_map, _records(_row(1))) == set(), "stage 3 is blocked anyway"
    assert commits_to_merge(stage_map, _records(_row(1), _row(2))) == {"c1", "c2"}
    assert commits_to_merge(stage_map, _records(_row(1), _row(2), _row(3))) == set(), "stage 3 is done"


# Choosing


def test_auto_takes_the_lowest_ready() -> None:
    states = stage_states(_map(s1=(), s2=(1,), s3=(), s4=()), _records(claims={1: _claim()}))
    assert choose(states, AUTO).stage == 3


def test_a_number_takes_that_stage() -> None:
    states = stage_states(_map(s1=(), s2=()), _records())
    assert choose(states, "2").stage == 2


def test_running_is_refused_with_run_since_and_host() -> None:
    error = _refused(stage_states(_ONE, _records(claims={1: _claim()})), "1")
    assert error.code == "stage-running"
    assert error.message == f"stage 1 is running: run {_run(1)}, since {_SINCE}, on build-box"
    assert error.hint


def test_reserved_is_refused_with_run_since_and_the_way_on() -> None:
    error = _refused(stage_states(_ONE, _records(claims={1: _claim(owner=None)})), "1")
    assert error.code == "stage-reserved"
    assert f"run {_run(1)}, since {_SINCE}" in error.message
    assert f"okstra stage release --run {_run(1)}" in error.hint


def test_interrupted_is_refused_with_run_since_and_the_ways_on() -> None:
    error = _refused(stage_states(_ONE, _records(claims={1: _claim()}, alive=Liveness.GONE)), "1")
    assert error.code == "stage-interrupted"
    assert f"run {_run(1)}, since {_SINCE}" in error.message
    assert f"okstra run --again {_run(1)}" in error.hint and "okstra stage release" in error.hint


def test_done_is_refused_and_names_rerun() -> None:
    error = _refused(stage_states(_ONE, _records(_row(head="0123456789abcdef"))), "1")
    assert (error.code, error.message) == ("stage-done", "stage 1 is done at 0123456789ab")
    assert f"okstra run --again {_run(1)}" in error.hint


def test_blocked_is_refused_and_names_what_blocks() -> None:
    error = _refused(stage_states(_map(s1=(), s2=(), s3=(1, 2)), _records()), "3")
    assert (error.code, error.message) == ("stage-blocked", "stage 3 is blocked by stages 1 and 2")


def test_unmerged_is_refused_and_names_the_merge() -> None:
    records = _records(_row(1), _row(2), merged={"c1": False, "c2": False})
    error = _refused(stage_states(_map(s1=(), s2=(), s3=(1, 2)), records), "3")
    assert error.code == "stage-unmerged"
    assert "stages 1 and 2 are done, but not merged into the task branch" in error.message
    assert "okstra integrate" in error.hint


def test_a_stage_that_is_not_there_is_refused_with_those_that_are() -> None:
    error = _refused(stage_states(_map(s1=(), s2=(), s3=()), _records()), "9")
    assert "no stage 9" in error.message
    assert "1, 2 and 3" in error.hint


def test_auto_tells_for_each_stage_why_not() -> None:
    states = stage_states(_map(s1=(), s2=(1,)), _records(claims={1: _claim()}))
    error = _refused(states, AUTO)
    assert error.code == "no-stage-ready"
    assert all(why_not(state) in error.message for state in states)
    assert error.data == {"stages": [{"stage": 1, "status": "running"}, {"stage": 2, "status": "blocked"}]}


def test_auto_with_all_done_names_the_next_phase() -> None:
    error = _refused(stage_states(_ONE, _records(_row())), AUTO)
    assert (error.code, error.message) == ("no-stage-ready", "no stage is ready: all 1 stages of the plan are done")
    assert "final-verification" in error.hint


@pytest.mark.parametrize(
    ("records", "way"),
    [
        (_records(claims={1: _claim(), 2: _claim(2)}, alive=Liveness.GONE), "okstra stage release"),
        (_records(_row(1), _row(2), merged={}), "okstra integrate"),
        (_records(claims={1: _claim(), 2: _claim(2)}), "wait for a stage"),
    ],
)
def test_auto_names_the_way_on(records: StageRecords, way: str) -> None:
    assert way in _refused(stage_states(_map(s1=(), s2=(), s3=(1, 2)), records), AUTO).hint


def test_auto_shortens_a_long_list() -> None:
    stage_map = _map(**{f"s{number}": () for number in range(1, 21)})
    claims = {number: _claim(number) for number in range(1, 21)}
    error = _refused(stage_states(stage_map, _records(claims=claims)), AUTO)
    assert "and 12 more" in error.message
    assert len(error.data["stages"]) == 20  # type: ignore[arg-type]


# The base


def test_no_dependency_starts_from_the_anchor() -> None:
    states = stage_states(_ONE, _records())
    assert decide_base(states[0], states, anchor="anchor", task_head="head") == "anchor"


def test_one_dependency_starts_from_its_done_commit() -> None:
    states = stage_states(_map(s1=(), s2=(1,)), _records(_row(1, head="c-one")))
    assert decide_base(states[1], states, anchor="anchor", task_head="head") == "c-one"


def test_several_dependencies_start_from_the_task_head() -> None:
    records = _records(_row(1), _row(2), merged={"c1": True, "c2": True})
    states = stage_states(_map(s1=(), s2=(), s3=(1, 2)), records)
    assert decide_base(states[2], states, anchor="anchor", task_head="head") == "head"


# Stages of other machines

_FARM = Elsewhere(2, "p:g:1/implementation/stage-1/002", "farm-7", _SINCE)
_FARM_DONE = _FARM._replace(done=True, head_commit="c9", proof="proven")


def test_a_stage_that_another_machine_holds_is_not_chosen_and_names_the_host() -> None:
    states = stage_states(_map(s1=(), s2=()), _records(elsewhere={1: _FARM}))
    assert choose(states, AUTO).stage == 2
    assert (states[0].status, states[0].host, states[0].epoch) == ("running", "farm-7", 2)
    refused = _refused(states, "1")
    assert (refused.code, refused.message) == (
        "stage-running",
        f"stage 1 is running: run {_FARM.run_id}, since {_SINCE}, on farm-7",
    )
    assert refused.hint.endswith("okstra stage release --run p:g:1/implementation/stage-1/002 --force")
    assert next_of_stage(states[0], "p:g:1") == ""


def test_a_stage_done_on_another_machine_gives_its_commit_as_base() -> None:
    states = stage_states(_map(s1=(), s2=(1,)), _records(elsewhere={1: _FARM_DONE}))
    assert decide_base(choose(states, AUTO), states, anchor="a", task_head="h") == "c9"
    assert why_not(states[0]) == "stage 1 is done at c9, on farm-7"
    assert (states[0].proof, states[0].run_id) == ("proven", _FARM.run_id)


@pytest.mark.parametrize("epoch, host", [(1, "farm-7"), (2, ""), (3, "")])
def test_of_a_claim_here_and_one_elsewhere_the_higher_epoch_counts(epoch: int, host: str) -> None:
    state = _state(_ONE, _records(claims={1: _claim(epoch=epoch)}, elsewhere={1: _FARM}))
    assert (state.status, state.host, state.epoch) == ("running", host, max(epoch, 2))


def test_a_stage_that_was_published_is_done_before_the_ledger_here_says_so() -> None:
    """A crash between the two: what other machines build on counts."""
    state = _state(_ONE, _records(claims={1: _claim(epoch=2)}, elsewhere={1: _FARM_DONE._replace(host="")}))
    assert (state.status, state.head_commit, state.branch) == ("done", "c9", "feat-1-s1")


def test_a_proven_stage_that_is_not_published_says_so_and_what_to_do() -> None:
    claim = _claim(owner=None)._replace(proven="c1")
    states = stage_states(_ONE, _records(claims={1: claim}))
    publishing = f"okstra stage publish --run {_run(1)}"
    assert why_not(states[0]) == (
        f"stage 1 is proven by run {_run(1)}, since {_SINCE}, and not published: other machines don't know of it yet"
    )
    assert next_of_stage(states[0], "p:g:1") == publishing
    assert publishing in _refused(states, "1").hint
    assert publishing in _refused(states, AUTO).hint


@pytest.mark.parametrize(("count", "more"), [(8, ""), (9, "; and 1 more"), (10, "; and 2 more")])
def test_of_the_stages_that_are_not_ready_eight_are_named(count: int, more: str) -> None:
    numbers = range(1, count + 1)
    states = stage_states(
        _map(**{f"s{number}": () for number in numbers}),
        _records(claims={number: _claim(number) for number in numbers}),
    )
    message = _refused(states, AUTO).message
    assert message.count("stage-") == 8
    assert message.endswith(more or why_not(states[-1]))


def test_the_next_step_of_a_reserved_stage_is_to_say_that_it_is_done() -> None:
    state = _state(_map(s1=()), _records(claims={1: _claim(owner=None)}))
    assert next_of_stage(state, "p:g:1") == f"okstra stage done --run {_run(1)}"


def test_done_stages_are_merged_after_those_they_depend_on_and_only_at_a_commit() -> None:
    states = stage_states(_map(s1=(3,), s2=(), s3=(), s4=(1,)), _records(*(_row(number) for number in (1, 2, 3))))
    checks = {1: "a", 2: "b", 3: "c", 4: "d"}
    assert [tuple(one) for one in merge_order(states, checks)] == [(2, "c2", "b"), (3, "c3", "c"), (1, "c1", "a")]
    without = [state._replace(head_commit="") if state.stage == 3 else state for state in states]
    running = [state._replace(status=StageStatus.RUNNING) if state.stage == 3 else state for state in states]
    for changed in (without, running):
        assert [one.stage for one in merge_order(changed, checks)] == [1, 2]
