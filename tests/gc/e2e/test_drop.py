"""`okstra drop` and `okstra restore`: what nobody wants any more leaves the lists, and can come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.errors import Refused
from okstra_ctl.gc.drop import drop_task
from okstra_ctl.names import TaskKey
from okstra_ctl.runs.dropped import read_dropped
from okstra_ctl.services import open_services
from okstra_ctl.system import process_identity
from support.okstra import Project
from support.plans import independent

KEY = Project.task_key


def listed(project: Project, *more: str) -> dict[str, str]:
    rows = project.okstra.ok("list", *more, "--json").data["runs"]
    return {row["run_id"]: row["status"] for row in rows}


def test_a_dropped_task_leaves_every_list_and_its_worktrees_go_with_their_work_kept(project: Project) -> None:
    project.adopt(independent(2))
    done, begun = project.run_stage(), project.run_stage()
    project.finish(done)
    commit = project.work(begun)
    at = Path(begun.data["worktree"]["path"])
    (at / "notes.txt").write_text("not committed\n")
    assert project.run_phase().status == 0
    dropped = project.okstra.ok("drop", "T-1", "--json").data
    assert dropped["released"] == [begun.data["run_id"]]
    assert [row["key"] for row in dropped["removed"]] == [f"{KEY}#stage-1", KEY]
    assert dropped["stays"] == []
    assert list(project.home.glob("worktrees/demo/core/t-1/*/*")) == []
    git = project.repo.git
    assert git("rev-parse", begun.data["worktree"]["branch"]) == commit
    assert project.okstra.ok("status", "--json").data["runs"] == []
    assert listed(project) == {}
    assert set(listed(project, "--all").values()) == {"dropped"} == set(listed(project, "--status", "dropped").values())
    assert project.okstra.ok("board", "--json").data["projects"] == []
    assert project.okstra.ok("schedule", "--json").data["tasks"] == []
    assert "okstra restore" in project.okstra.ok("next", KEY).stdout
    _is_shown_with_its_way_back(project, begun.data["run_id"].partition("/")[0])
    again = project.okstra.ok("drop", KEY, "--json").data
    assert (again["removed"], again["released"]) == ([], [])
    for words in (("resume", begun.data["run_id"]), project.run_args()):
        refused = project.okstra(*words, *([] if "--json" in words else ["--json"]))
        assert (refused.status, refused.codes) == (3, ["task-dropped"]), refused
        assert refused.envelope["errors"][0]["try"].startswith(f"okstra restore {KEY} ")

    back = project.okstra.ok("restore", "T-1", "--json").data
    assert back["unsaved"] == [f"okstra worktree restore '{KEY}#stage-2'"]
    assert back["next"]
    assert "dropped" not in listed(project).values()
    assert project.run_stage().data["stage"] == 2
    missing = project.okstra("restore", KEY, "--json")
    assert (missing.status, missing.codes) == (2, ["not-found"])


def _is_shown_with_its_way_back(project: Project, what: str) -> None:
    """By --all, once, however many runs it had."""
    (row,) = project.okstra.ok("status", "--all", "--json").data["runs"]
    assert (row["run_id"].partition("/")[0], row["status"], row["next"]) == (what, "dropped", f"okstra restore {what}")
    ((task,),) = [one["tasks"] for one in project.okstra.ok("board", "--all", "--json").data["projects"]]
    assert task["task_key"] == what
    assert [(run["status"], run["next"]) for run in task["runs"]] == [("dropped", f"okstra restore {what}")]


def test_a_dropped_run_leaves_the_lists_alone(project: Project) -> None:
    project.adopt(independent(1))
    stage, analysis = project.run_stage(), project.run_phase()
    project.okstra.ok("drop", analysis.data["run_id"])
    assert listed(project) == {stage.data["run_id"]: "reserved"}
    rows = {row["run_id"]: row["next"] for row in project.okstra.ok("status", "--all", "--json").data["runs"]}
    assert list(rows) == [stage.data["run_id"], analysis.data["run_id"]], "what is wanted comes first"
    assert rows[analysis.data["run_id"]] == f"okstra restore {analysis.data['run_id']}"
    assert Path(analysis.data["worktree"]["path"]).is_dir(), "the task's worktree is shared"
    project.okstra.ok("drop", "T-1/stage-1")
    assert listed(project) == {}
    assert not Path(stage.data["worktree"]["path"]).exists()
    project.okstra.ok("restore", analysis.data["run_id"])
    assert listed(project) == {analysis.data["run_id"]: "prepared"}


def test_nothing_is_dropped_under_a_run_at_work(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage()
    services = open_services(project.okstra.environment)
    key = TaskKey.parse(KEY)
    with services.registry.transaction() as doc:
        ((stage, claim),) = doc.stages()
        doc.put(stage, claim._replace(owner=process_identity.this_process()))
    for words in (("drop", KEY), ("drop", run.data["run_id"])):
        refused = project.okstra(*words, "--json")
        assert (refused.status, refused.codes) == (3, ["worktree-held"])
    assert Path(run.data["worktree"]["path"]).is_dir()
    assert not read_dropped(services.home)
    assert listed(project) == {run.data["run_id"]: "running"}
    with pytest.raises(Refused, match="at work"):
        drop_task(key, str(project.repo.path), services)
    assert not read_dropped(services.home), "a mark that was written too early is taken back"
    for words, code in (((), "usage"), (("nope",), "task-unknown"), ((f"{KEY}/error-analysis/001",), "not-found")):
        assert project.okstra("drop", *words, "--json").codes == [code]
