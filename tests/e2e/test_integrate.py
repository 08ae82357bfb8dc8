"""Done stages become one task branch: whole, checked, or not at all."""

from __future__ import annotations

from pathlib import Path

from support.okstra import Ended, Project


def _task(project: Project) -> Path:
    return Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())


def _integrate(project: Project, *more: str) -> Ended:
    return project.okstra("integrate", "--task-key", project.task_key, "--json", *more)


def test_done_stages_are_merged_in_order_and_checked(project: Project) -> None:
    project.adopt({1: (), 2: (), 3: (1, 2)}, exit_check="ls -d stage-*")
    for run in (project.run_stage(), project.run_stage()):
        assert project.finish(run).status == 0
    merged = _integrate(project)
    assert merged.status == 0, merged
    assert merged.data["merged"] == [1, 2]
    assert [check["status"] for check in merged.data["checks"]] == [0, 0]
    assert {path.name for path in _task(project).glob("stage-*")} == {"stage-1", "stage-2"}
    assert project.run_stage().data["stage"] == 3
    again = _integrate(project)
    assert (again.status, again.codes) == (3, ["nothing-to-integrate"])


def test_a_conflict_merges_nothing_and_names_stage_and_file(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    first, second = project.run_stage(), project.run_stage()
    for run, text in ((first, "one\n"), (second, "two\n")):
        stage = run.data["stage"]
        at = Path(run.data["worktree"]["path"])
        project.repo.commit({"README.md": text, f"stage-{stage}/it.py": ""}, "feat: clash", at=at)
        done = project.okstra("stage", "done", "--run", run.data["run_id"], "--out-of-plan", "to test", "--json")
        assert done.status == 0, done
    task = _task(project)
    before = project.repo.git("-C", str(task), "rev-parse", "HEAD")
    forecast = _integrate(project, "--forecast")
    assert [pair for pair in forecast.data["pairs"] if pair["conflicts"]] == [
        {"first": 1, "second": 2, "conflicts": ["README.md"]}
    ]
    refused = _integrate(project)
    assert (refused.status, refused.codes) == (3, ["merge-conflict"])
    assert "stage 2 conflicts" in refused.envelope["errors"][0]["message"]
    assert project.repo.git("-C", str(task), "rev-parse", "HEAD") == before
    assert project.repo.git("-C", str(task), "status", "--porcelain") == ""


def test_two_green_stages_that_break_together_are_named_as_a_pair(project: Project) -> None:
    check = "! test -e stage-1/it.py -a -e stage-3/it.py"
    project.adopt({1: (), 2: (), 3: ()}, exit_check=check)
    for _ in range(3):
        assert project.finish(project.run_stage()).status == 0
    task = _task(project)
    before = project.repo.git("-C", str(task), "rev-parse", "HEAD")
    red = _integrate(project)
    assert (red.status, red.codes) == (1, ["integration-red"])
    assert sorted(red.data["stages"]) == [1, 3]
    assert project.repo.git("-C", str(task), "rev-parse", "HEAD") == before
    assert not [path for path in task.parent.iterdir() if path.name.startswith("integrate-")]


def test_a_check_on_the_merged_stages_is_red_when_any_command_of_its_pipe_is(project: Project) -> None:
    """Green in the stage's own worktree, where the program is, and not on the merged commit."""
    project.adopt({1: ()}, exit_check="sh ../only-here.sh \\| cat")
    prepared = project.run_stage()
    (Path(prepared.data["worktree"]["path"]).parent / "only-here.sh").write_text("true\n")
    assert project.finish(prepared).status == 0
    (Path(prepared.data["worktree"]["path"]).parent / "only-here.sh").unlink()
    red = _integrate(project)
    assert (red.status, red.codes) == (1, ["integration-red"])
