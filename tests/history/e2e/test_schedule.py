"""`okstra schedule`: what it says can be started can be started, and nothing comes before what it needs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.history.units import Unit, UnitStatus, rounds_of
from support.approvals import approve
from support.led_phases import led_phase
from support.okstra import Project
from support.plans import plan_text
from support.rehearsal import install, led, part


def schedule(project: Project, *args: str) -> dict[str, Any]:
    return project.okstra.ok("schedule", "--json", *args).data


def names(data: dict[str, Any], key: str = Project.task_key) -> list[list[str]]:
    return [[unit["name"] for unit in units if unit["task_key"] == key] for units in data["rounds"]]


def unit(data: dict[str, Any], name: str, key: str = Project.task_key) -> dict[str, Any]:
    (found,) = [one for units in data["rounds"] for one in units if (one["task_key"], one["name"]) == (key, name)]
    return dict(found)


def test_a_project_without_tasks_has_nothing_to_do(project: Project) -> None:
    assert project.okstra.ok("schedule").stdout == "no task is open\n"
    assert project.okstra("schedule", "--task-key", "demo:core:NONE", "--json").codes == ["task-unknown"]
    assert project.okstra("schedule", "--jobs", "0", "--json").codes == ["usage"]


def test_a_task_goes_from_its_phase_to_the_handoff(project: Project) -> None:
    run = project.run_phase("error-analysis").data["run_id"]
    data = schedule(project)
    assert names(data) == [
        ["error-analysis"],
        ["implementation-planning"],
        ["approval"],
        ["implementation"],
        ["final-verification"],
        ["release-handoff"],
    ]
    assert unit(data, "error-analysis")["command"] == f"okstra resume {run}"
    assert unit(data, "implementation-planning")["command"] == ""


def test_stages_stand_in_the_rounds_that_their_dependencies_give(project: Project) -> None:
    project.run_phase("error-analysis")
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    first = project.run_stage()
    data = schedule(project)
    assert names(data) == [
        ["stage 1", "stage 2"],
        ["stage 3"],
        ["integration"],
        ["final-verification"],
        ["release-handoff"],
    ]
    assert unit(data, "stage 1")["command"] == f"okstra stage done --run {first.data['run_id']}"
    assert (unit(data, "stage 2")["status"], unit(data, "stage 3")["status"]) == ("ready", "waiting")
    assert unit(data, "stage 2")["steps"] == 2
    started = project.okstra.ok(*shlex.split(unit(data, "stage 2")["command"])[1:], "--render-only", "--json")
    assert started.data["stage"] == 2
    assert data["tasks"][0]["plan"] == plan
    assert names(schedule(project, "--jobs", "1"))[:3] == [["stage 1"], ["stage 2"], ["stage 3"]]
    for run in (first, started):
        assert project.finish(run).status == 0
    merging = schedule(project)
    assert names(merging)[:2] == [["merge"], ["stage 3"]]
    project.okstra.ok(*shlex.split(unit(merging, "merge")["command"])[1:])
    assert names(schedule(project))[0] == ["stage 3"]


def test_after_the_stages_are_merged_the_whole_is_verified(project: Project) -> None:
    project.run_phase("error-analysis")
    project.adopt({1: ()})
    assert project.finish(project.run_stage()).status == 0
    merging = schedule(project)
    assert names(merging)[0] == ["integration"]
    project.okstra.ok(*shlex.split(unit(merging, "integration")["command"])[1:])
    merged = schedule(project)
    assert names(merged) == [["final-verification"], ["release-handoff"]]
    assert unit(merged, "final-verification")["status"] == "ready"
    command = unit(merged, "final-verification")["command"]
    project.okstra.ok(*shlex.split(command)[1:], "--render-only")


def test_a_task_whose_catalogue_is_gone_or_damaged_is_still_scheduled(project: Project) -> None:
    project.run_phase("error-analysis")
    catalog = project.repo.path / ".okstra" / "discovery" / "task-catalog.json"
    before = names(schedule(project))
    for data in (b"{", b'{"schema": "task-catalog/1", "tasks": {}}', None):
        catalog.unlink() if data is None else catalog.write_bytes(data)
        assert names(schedule(project)) == before
        assert len(schedule(project, "--task-key", project.task_key)["tasks"]) == 1


def test_a_task_that_has_nothing_but_an_adopted_plan_is_scheduled(project: Project) -> None:
    plan = project.adopt({1: ()}, approved=False)
    data = schedule(project)
    assert [task["task_key"] for task in data["tasks"]] == [project.task_key]
    assert unit(data, "approval")["command"] == f"okstra plan approve {plan}"
    assert project.okstra.ok("next", "--json").data["next"] == f"okstra plan approve {plan}"


def test_a_plan_that_is_not_approved_waits_for_a_person(project: Project) -> None:
    project.adopt({1: (), 2: (1,)})
    project.run_stage()
    plan = project.adopt({1: (), 2: (1,)}, approved=False)
    data = schedule(project)
    assert names(data)[:2] == [["approval"], ["stage 1"]]
    assert unit(data, "approval")["command"] == f"okstra plan approve {plan}"
    assert unit(data, "approval")["status"] == "waits-for-a-person"
    assert unit(data, "stage 1")["command"] == ""


def test_an_adopted_plan_comes_next_whatever_was_not_run_before_it(project: Project) -> None:
    plan = project.adopt({1: (), 2: (1,)}, approved=False)
    approval = f"okstra plan approve {plan}"
    assert project.okstra.ok("next", project.task_key, "--json").data["next"] == approval
    project.run_phase("error-analysis")
    data = schedule(project)
    assert names(data)[:3] == [["approval"], ["stage 1"], ["stage 2"]]
    assert unit(data, "approval")["command"] == approval
    approve(plan, project.okstra.environment)
    (first, *_) = schedule(project)["rounds"]
    assert [one["name"] for one in first] == ["stage 1"] and "--task-type implementation" in first[0]["command"]


def test_a_task_that_was_accepted_is_only_to_be_handed_off(project: Project) -> None:
    ended = led_phase(project, "final-verification")
    assert ended.status == 0, ended
    assert names(schedule(project)) == [["release-handoff"]]


def test_tasks_that_change_the_same_files_are_named(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    project.run_stage()
    source = project.repo.path.parent / "other.md"
    source.write_text(plan_text({2: ()}).replace("| 2 | Part", "| 1 | Part").replace("5.5.2 Stage 2", "5.5.1 Stage 1"))
    adopted = project.okstra.ok("plan", "adopt", source, "--task-key", "demo:core:T-2", "--json")
    approve(adopted.data["plan"], project.okstra.environment)
    flags = ("--task-type", "implementation", "--render-only", "--json")
    project.okstra.ok("run", "--task-key", "demo:core:T-2", *flags)
    data = schedule(project)
    assert data["clashes"] == [{"task_key": "demo:core:T-1", "other": "demo:core:T-2", "files": "stage-2/**"}]
    assert {task["task_key"] for task in data["tasks"]} == {"demo:core:T-1", "demo:core:T-2"}
    assert len(schedule(project, "--task-key", "demo:core:T-2")["tasks"]) == 1
    text = project.okstra.ok("schedule").stdout
    assert "# Schedule of demo" in text and "## Round 1" in text and "## Changed by two tasks" in text
    assert all(line.count("|") - line.count("\\|") == line.count("| ") + 1 for line in text.splitlines() if "|" in line)


def test_a_damaged_task_is_told_and_hides_no_other(project: Project) -> None:
    project.run_phase("error-analysis")
    project.okstra.ok(
        "run", "--task-key", "demo:core:T-2", "--task-type", "error-analysis", "--request=Do it.", "--render-only"
    )
    (project.task_root / "task-manifest.json").write_text("{")
    ended = project.okstra.ok("schedule", "--json")
    assert [task["task_key"] for task in ended.data["tasks"]] == ["demo:core:T-2"]
    assert ended.data["warnings"][0].startswith("demo:core:T-1: ")
    assert "demo:core:T-1" in ended.stderr


def make(needs: Sequence[Sequence[int]]) -> list[Unit]:
    return [
        Unit(
            str(n), "k", "approval" if n % 5 == 4 else f"stage {n}", "", UnitStatus.READY, tuple(map(str, of)), None, ""
        )
        for n, of in enumerate(needs)
    ]


@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(*(st.lists(st.integers(0, max(n - 1, 0)), max_size=3 if n else 0) for n in range(size)))
    ),
    st.integers(0, 4),
    st.randoms(use_true_random=False),
)
def test_rounds_hold_all_units_once_after_what_they_need(needs: Any, jobs: int, random: Any) -> None:
    units = make(needs)
    random.shuffle(units)
    rounds = rounds_of(units, jobs)
    assert sorted(one.id for one_round in rounds for one in one_round) == sorted(one.id for one in units)
    at = {one.id: number for number, one_round in enumerate(rounds) for one in one_round}
    assert all(at[need] < at[one.id] for one in units for need in one.needs)
    assert all(rounds)
    if jobs:
        assert max(sum(one.name != "approval" for one in one_round) for one_round in rounds) <= jobs


def test_the_longest_chain_goes_first() -> None:
    units = make([(), (), (1,), (2,)])
    assert [one.id for one in rounds_of(units, 1)[0]] == ["1"]


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        rounds_of(make([(1,), (0,)]))


def test_what_was_begun_has_the_word_that_every_listing_has(project: Project) -> None:
    analysis = project.run_phase("error-analysis").data["run_id"]
    assert unit(schedule(project), "error-analysis")["status"] == status_of(project, analysis) == "prepared"
    plan = project.adopt({1: (), 2: ()})
    project.run_stage("1")
    install(project, part({"fault": "crash"}, role=["executor", "analyst"]))
    assert led(project, "implementation", "--stage", "2").status == 1
    listed = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert [stage["status"] for stage in listed] == ["reserved", "failed"]
    data = schedule(project)
    assert [unit(data, f"stage {number}")["status"] for number in (1, 2)] == ["reserved", "failed"]
    assert "2 to go on with" in project.okstra.ok("schedule").stdout


def status_of(project: Project, run: str) -> str:
    rows = project.okstra.ok("list", "--json").data["runs"]
    return str(next(row["status"] for row in rows if row["run_id"] == run))
