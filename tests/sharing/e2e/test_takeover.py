"""A stage that one machine took from another: the run that lost it can't finish, and loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from support.machines import Farm
from support.okstra import Ended, Project


class Played(NamedTuple):
    """A works on stage 1; a person on B takes it away, and B does it; then A's run comes back."""

    farm: Farm
    a: Project
    b: Project
    ends: dict[str, Ended]
    commit: str


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    farm = Farm(tmp_path_factory.mktemp("farm"))
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: (), 2: (1,)})
    farm.join(b)
    ends = {"a": a.run_stage()}
    commit = a.work(ends["a"])
    run = ends["a"].data["run_id"]
    ends["refused"] = b.okstra("stage", "release", "--run", run, "--json")
    ends["taken"] = b.okstra("stage", "release", "--run", run, "--force", "--json")
    ends["again"] = b.okstra("stage", "release", "--run", run, "--force", "--json")
    ends["b"] = b.run_stage("1")
    ends["late"] = a.okstra("stage", "done", "--run", run, "--json")
    ends["rerun"] = a.okstra("rerun", run, "--render-only", "--json")
    ends["b done"] = b.finish(ends["b"])
    ends["later"] = a.okstra("stage", "done", "--run", run, "--json")
    ends["given back"] = a.okstra("stage", "release", "--run", run, "--json")
    ends["next"] = a.run_stage()
    return Played(farm, a, b, ends, commit)


def test_only_a_person_who_insists_takes_another_machines_stage(played: Played) -> None:
    assert played.ends["refused"].codes == ["stage-not-held"]
    assert "--force" in played.ends["refused"].envelope["errors"][0]["try"]
    assert played.ends["taken"].data["host"] == played.farm.host
    assert played.ends["again"].codes == ["stage-not-held"]


def test_whoever_takes_it_gets_a_higher_epoch_and_a_run_of_its_own(played: Played) -> None:
    a, b = played.ends["a"].data, played.ends["b"].data
    assert (a["epoch"], b["epoch"]) == (1, 2)
    assert (a["seq"], b["seq"]) == (1, 2)


@pytest.mark.parametrize("when", ["late", "later"])
def test_a_run_that_was_taken_over_cannot_finish_and_learns_where_its_commits_are(played: Played, when: str) -> None:
    late = played.ends[when]
    assert (late.status, late.codes) == (3, ["stage-not-held"])
    (error,) = late.envelope["errors"]
    assert played.ends["b"].data["run_id"] in error["message"]
    assert played.ends["a"].data["worktree"]["branch"] in error["try"]
    assert played.a.repo.git("rev-parse", played.ends["a"].data["worktree"]["branch"]) == played.commit
    done = [
        row for row in played.a.ledger if row["status"] == "done" and row["run_id"] == played.ends["a"].data["run_id"]
    ]
    assert done == []


def test_a_rerun_of_a_run_that_was_taken_over_changes_nothing(played: Played) -> None:
    assert played.ends["rerun"].codes == ["stage-not-held"]


def test_the_run_that_lost_it_gives_its_worktree_back_and_its_machine_goes_on(played: Played) -> None:
    assert played.ends["given back"].status == 0, played.ends["given back"]
    following = played.ends["next"].data
    assert following["stage"] == 2
    assert following["worktree"]["base_commit"] == played.ends["b done"].data["head_commit"]


def test_the_shared_state_has_the_winner_alone(played: Played) -> None:
    stage = played.farm.shared(played.a.task_key)["stages"]["1"]
    assert (stage["status"], stage["epoch"], stage["run_id"], stage["head"]) == (
        "done",
        2,
        played.ends["b"].data["run_id"],
        played.ends["b done"].data["head_commit"],
    )


@pytest.mark.stress
def test_the_same_job_on_another_machine_goes_on_at_once(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: ()})
    farm.join(b)
    first = a.run_stage(OKSTRA_JOB="night")
    other, same = b.run_stage(OKSTRA_JOB="day"), b.run_stage(OKSTRA_JOB="night")
    assert other.codes == ["no-stage-ready"]
    assert (same.data["stage"], same.data["epoch"], same.data["seq"]) == (1, 2, 2)
    assert a.finish(first).codes == ["stage-not-held"]
    assert b.finish(same).status == 0
