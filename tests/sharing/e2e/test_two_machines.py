"""Two machines, each with a clone and a home of its own, build one plan over one git remote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import schemas
from support.machines import Farm
from support.okstra import Ended, Project


class Played(NamedTuple):
    """A plans and approves; B fetches and trusts; A takes stage 1, B stage 2; A merges both, B takes that over and
    takes stage 3, which needs both."""

    farm: Farm
    a: Project
    b: Project
    plan: str
    plan_of_b: str
    ends: dict[str, Ended]
    refs_of_b: dict[str, set[str]]

    def stages(self, machine: Project) -> list[dict[str, Any]]:
        stages: list[dict[str, Any]] = machine.okstra.ok("stage", "list", machine.task_key, "--json").data["stages"]
        return stages


def _refs(project: Project) -> set[str]:
    return set(project.repo.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    farm = Farm(tmp_path_factory.mktemp("farm"))
    a, b = farm.machine("a"), farm.machine("b")
    key, ends, refs = a.task_key, {}, {"first": _refs(b)}
    plan = farm.approve(a, {1: (), 2: (), 3: (1, 2)})
    ends["fetched"] = b.okstra("task", "fetch", key, "--json")
    ends["untrusted"] = b.run_stage("1")
    digest = ends["fetched"].data["digest"]
    ends["trusted"] = b.okstra("task", "fetch", key, "--trust-digest", digest, "--json")
    refs["fetched"] = _refs(b)
    ends["a"], ends["b"] = a.run_stage(), b.run_stage()
    ends["held"] = b.run_stage("1")
    ends["a done"], ends["b done"] = a.finish(ends["a"]), b.finish(ends["b"])
    refs["done"] = _refs(b)
    ends["unmerged"] = b.run_stage("3")
    ends["a integrated"] = a.okstra("integrate", "--task-key", key, "--json")
    ends["b integrated"] = b.okstra("integrate", "--task-key", key, "--json")
    refs["integrated"] = _refs(b)
    ends["3"] = b.run_stage("3")
    return Played(farm, a, b, plan, str(ends["fetched"].data["plan"]), ends, refs)


def test_a_fetched_plan_runs_only_after_somebody_here_answers_for_it(played: Played) -> None:
    assert played.ends["fetched"].data["is_approved"] is False
    assert played.ends["untrusted"].codes == ["plan-not-approved"]
    assert played.ends["trusted"].data["is_approved"] is True
    assert Path(played.plan_of_b).read_bytes() == Path(played.plan).read_bytes()


def test_machines_take_different_stages_from_one_anchor(played: Played) -> None:
    a, b = played.ends["a"].data, played.ends["b"].data
    assert (a["run_id"], b["run_id"]) == (
        f"{played.a.task_key}/implementation/stage-1/001",
        f"{played.a.task_key}/implementation/stage-2/001",
    )
    assert a["worktree"]["base_commit"] == b["worktree"]["base_commit"]


def test_a_stage_of_another_machine_is_refused_with_its_host(played: Played) -> None:
    held = played.ends["held"]
    assert held.codes == ["stage-running"]
    assert f", on {played.farm.host}" in held.envelope["errors"][0]["message"]


def test_what_one_machine_did_is_done_on_the_other_with_its_host(played: Played) -> None:
    of_a, of_b = played.stages(played.a), played.stages(played.b)
    heads = [played.ends[name].data["head_commit"] for name in ("a done", "b done")]
    for stages in (of_a, of_b):
        assert [stage["head_commit"] for stage in stages[:2]] == heads
        assert [stage["status"] for stage in stages[:2]] == ["done", "done"]
    assert [stage["host"] for stage in of_a] == ["", played.farm.host, played.farm.host]
    assert [stage["host"] for stage in of_b] == [played.farm.host, "", ""]
    assert (of_a[2]["status"], of_b[2]["status"]) == ("running", "reserved")
    shown = played.a.okstra.ok("stage", "list", played.a.task_key).stdout
    assert f"done on {played.farm.host}" in shown


def test_one_machine_merges_all_and_the_other_takes_the_merge_over(played: Played) -> None:
    merged, taken = played.ends["a integrated"].data, played.ends["b integrated"].data
    assert played.ends["unmerged"].codes == ["stage-unmerged"]
    assert (merged["merged"], taken["merged"]) == ([1, 2], [1, 2])
    assert merged["commit"] == taken["commit"] == played.ends["3"].data["worktree"]["base_commit"]
    assert taken["checks"] == [], "they ran where it was merged"
    for name in ("a done", "b done"):
        head = played.ends[name].data["head_commit"]
        assert played.a.repo.git("merge-base", merged["commit"], head) == head


def test_no_ref_of_a_clone_moves_but_those_of_its_own_worktrees(played: Played) -> None:
    """So no worker's receipt sees anything of it."""
    at = {name: {line.split()[0] for line in refs} for name, refs in played.refs_of_b.items()}
    assert played.refs_of_b["first"] == played.refs_of_b["fetched"]
    branches = {"refs/heads/feat-t-1", "refs/heads/feat-t-1-s2"}
    assert at["done"] - at["first"] == at["integrated"] - at["first"] == branches
    assert not (played.b.repo.path / ".git" / "FETCH_HEAD").exists()


def test_the_shared_state_matches_its_schema(played: Played) -> None:
    assert schemas.faults(played.farm.shared(played.a.task_key), "shared-task") == []


def test_the_remote_keeps_the_done_commits_and_the_ledger(played: Played) -> None:
    ref = f"refs/okstra/tasks/{played.a.task_key.replace(':', '/')}"
    kept = played.a.repo.git("-C", str(played.farm.bare), "rev-list", ref).split()
    assert {played.ends[name].data["head_commit"] for name in ("a done", "b done")} <= set(kept)
    rows = played.a.repo.git("-C", str(played.farm.bare), "show", f"{ref}:consumers.jsonl")
    assert rows.count('"status": "done"') == 2
