"""`okstra run --all-ready`: waves of led stages, merged in between, stopping where a gate says no."""

from __future__ import annotations

from support.okstra import Ended, Project
from support.rehearsal import executed, install, part

BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)


def all_ready(project: Project, *more: str) -> Ended:
    flags = ("--task-type", "implementation", "--provider", "rehearsal", "--all-ready", "--json")
    return project.okstra("run", "--task-key", project.task_key, *flags, *more)


def statuses(project: Project, plan: str) -> list[str]:
    return [stage["status"] for stage in project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]]


def test_all_stages_are_built_in_waves_and_merged(project: Project) -> None:
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    install(project, part(*BUILD, role="executor"))
    ended = all_ready(project)
    assert ended.status == 0, ended
    assert sorted(one["stage"] for one in ended.data["stages"][:2]) == [1, 2]
    assert ended.data["stages"][2]["stage"] == 3
    assert {one["said"] for one in ended.data["stages"]} == {"done"}
    assert len(ended.data["commits"]) == 2
    assert statuses(project, plan) == ["done"] * 3
    names = project.repo.git("ls-tree", "-r", "--name-only", "feat-t-1").splitlines()
    assert {f"stage-{number}/it.py" for number in (1, 2, 3)} <= set(names)


def test_a_stage_that_fails_stops_the_waves_and_the_rest_can_go_on(project: Project) -> None:
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    install(project, part({"fault": "garbage"}, role="executor", stage="2"), part(*BUILD, role="executor"))
    failed = all_ready(project)
    assert (failed.status, failed.codes) == (1, ["run-failed"])
    assert statuses(project, plan) == ["done", "failed", "blocked"]
    install(project, part(*BUILD, role="executor"))
    project.okstra.ok("resume", f"{project.task_key}/implementation/stage-2/001", "--json")
    ended = all_ready(project)
    assert ended.status == 0, ended
    assert statuses(project, plan) == ["done"] * 3


def test_another_phase_has_no_stages(project: Project) -> None:
    flags = ("--task-type", "error-analysis", "--all-ready", "--json")
    assert project.okstra("run", "--task-key", project.task_key, *flags).codes == ["usage"]


def test_without_an_approved_plan_it_is_refused(project: Project) -> None:
    refused = all_ready(project)
    assert (refused.status, refused.codes) == (3, ["plan-not-approved"])
