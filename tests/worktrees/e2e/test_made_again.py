"""A worktree that was removed is there again: by `worktree restore`, and by going on with a run that works in it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from support import invariants
from support.faults import eventually
from support.live_runs import LiveRun
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, install, part, result

TASK = Project.task_key
STAGE = f"{TASK}#stage-1"
BUILDS = part(
    {"write": {"path": "stage-1/it.py", "content": "# stage 1\n"}},
    {"commit": "feat: it"},
    {"result": executed(1, 2)},
    role="executor",
)


def prepared(project: Project, task_type: str = "error-analysis") -> Ended:
    run = project.run_phase(task_type, "--provider", "rehearsal")
    assert run.status == 0, run
    return run


def place(run: Ended) -> Path:
    return Path(run.data["worktree"]["path"])


def resumed(project: Project, run: Ended) -> Ended:
    ended = project.okstra("resume", run.data["run_id"], "--json")
    assert ended.status == 0, ended
    assert ended.data["outcome"] == "completed"
    return ended


def on_branch(project: Project, path: Path, branch: str) -> str:
    assert project.repo.git("-C", str(path), "symbolic-ref", "--short", "HEAD") == branch
    return project.repo.git("-C", str(path), "rev-parse", "HEAD")


# Going on with a run


def test_a_prepared_runs_worktree_is_made_again_on_its_branch(project: Project) -> None:
    run = prepared(project)
    commit = project.repo.commit({"notes.md": "mine\n"}, at=place(run))
    project.okstra.ok("worktree", "remove", TASK, "--force")
    ended = resumed(project, run)
    assert "was gone: it is made again on its branch" in ended.stderr
    assert on_branch(project, place(run), run.data["worktree"]["branch"]) == commit
    invariants.check(project, worked_in={TASK})


def test_what_it_held_unsaved_is_there_again(project: Project) -> None:
    run = prepared(project)
    (place(run) / "README.md").write_text("half a thought\n")
    kept = project.okstra.ok("worktree", "remove", TASK, "--force", "--json").data["kept"]
    ended = resumed(project, run)
    assert kept in ended.stderr
    assert (place(run) / "README.md").read_text() == "half a thought\n"


def test_a_killed_runs_worktree_may_go_and_it_goes_on_all_the_same(project: Project) -> None:
    gate = project.repo.path.parent / "gate"
    step = {"run": f"until [ -e {gate} ]; do sleep 0.05; done"}
    install(project, part(step, {"result": result()}, worker="rehearsal-a", round=""))
    live = LiveRun.start(project, "error-analysis")
    live.wait_for_event("dispatched")
    os.kill(live.process.pid, signal.SIGKILL)
    live.process.wait()
    gate.touch()
    live.wait_until_nothing_is_left()
    eventually(lambda: [row["key"] for row in project.okstra.ok("gc", "--json").data["removed"]] == [TASK])
    ended = live.resume()
    assert ended.status == 0, ended
    assert project.registry["tasks"][TASK]["users"] == []


def test_a_worktree_whose_branch_is_gone_too_says_how_to_have_it_again(project: Project) -> None:
    run = prepared(project)
    branch = run.data["worktree"]["branch"]
    project.okstra.ok("worktree", "remove", TASK, "--force")
    project.repo.git("branch", "--quiet", "-D", branch)
    refused = project.okstra("resume", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (2, ["not-found"]), refused
    command = refused.envelope["errors"][0]["try"].partition(" makes it again")[0]
    subprocess.run(shlex.split(command), env=project.repo.environment, check=True)
    resumed(project, run)


def test_a_stages_worktree_that_was_lost_is_made_again_and_the_stage_done(project: Project) -> None:
    project.adopt(independent(1))
    install(project, BUILDS)
    run = project.run_stage("auto", "--provider", "rehearsal")
    commit = project.repo.commit({"stage-1/before.py": "# before\n"}, at=place(run))
    shutil.rmtree(place(run))
    resumed(project, run)
    head = on_branch(project, place(run), run.data["worktree"]["branch"])
    assert project.repo.git("merge-base", commit, head) == commit
    claim = project.registry["stages"][STAGE]
    assert (claim["status"], claim["owner"], claim["run_id"]) == ("done", None, run.data["run_id"])
    invariants.check(project, commits=[commit])


def test_a_done_stages_run_that_was_killed_over_its_report_goes_on_after_gc_took_its_worktree(project: Project) -> None:
    project.adopt(independent(1))
    gate = project.repo.path.parent / "gate"
    waits = {"run": f"until [ -e {gate} ]; do sleep 0.05; done"}
    report = {"report": {"verdict": {"conclusion": "built"}}}
    install(project, BUILDS, part(waits, report, role="report-writer"))
    live = LiveRun.start(project, "implementation")
    eventually(lambda: any(row.get("worker") == "report-writer" for row in live.events), 30)
    os.kill(live.process.pid, signal.SIGKILL)
    live.process.wait()
    gate.touch()
    live.wait_until_nothing_is_left()
    eventually(lambda: STAGE in [row["key"] for row in project.okstra.ok("gc", "--max", "0", "--json").data["removed"]])
    ended = live.resume()
    assert ended.status == 0, ended
    assert project.registry["stages"][STAGE]["status"] == "done"
    assert [row["status"] for row in project.ledger] == ["started", "done"]


def test_a_stage_that_is_another_runs_by_now_is_not_made_again_for_the_first(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage("auto", "--provider", "rehearsal")
    again = project.okstra.ok("rerun", run.data["run_id"], "--render-only", "--json")
    shutil.rmtree(place(run))
    refused = project.okstra("resume", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["stage-not-held"]), refused
    assert again.data["run_id"] in refused.envelope["errors"][0]["message"]
    assert not place(run).exists()


def test_a_completed_runs_worktree_is_not_made_again_for_nothing(project: Project) -> None:
    run = prepared(project)
    resumed(project, run)
    project.okstra.ok("worktree", "remove", TASK)
    refused = project.okstra("resume", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["run-ended"])
    assert not place(run).exists()


def test_a_run_that_cannot_be_led_stays_prepared(project: Project) -> None:
    run = prepared(project)
    context = Path(run.data["run_dir"]) / "state" / "run-context-001.json"
    context.write_text("{")
    assert project.okstra("resume", run.data["run_id"], "--json").codes == ["state-unreadable"]
    assert project.registry["tasks"][TASK]["users"] == [{"run_id": run.data["run_id"], "owner": None}]


# `worktree restore`


def test_a_task_worktree_that_was_just_removed_is_restored(project: Project) -> None:
    run = prepared(project)
    commit = project.repo.commit({"notes.md": "mine\n"}, at=place(run))
    resumed(project, run)
    project.okstra.ok("worktree", "remove", TASK)
    assert TASK not in project.registry["tasks"]
    back = project.okstra.ok("worktree", "restore", TASK, "--json")
    assert (back.data["path"], back.data["kept"]) == (str(place(run)), "")
    assert on_branch(project, place(run), run.data["worktree"]["branch"]) == commit
    invariants.check(project, worked_in={TASK})


@pytest.mark.parametrize("key", [TASK, STAGE])
def test_of_a_task_with_stages_both_are_restored(project: Project, key: str) -> None:
    project.adopt(independent(2))
    run = project.run_stage()
    assert project.finish(run).status == 0
    before = {name: dict(claim) for name, claim in _claims(project).items()}
    project.okstra.ok("worktree", "remove", key)
    back = project.okstra.ok("worktree", "restore", key, "--json")
    assert Path(back.data["path"]).is_dir()
    assert _claims(project) == before
    invariants.check(project, worked_in={TASK, STAGE})


def test_a_snapshot_that_the_branch_has_left_behind_is_not_laid_over_newer_work(project: Project) -> None:
    run = prepared(project)
    readme = place(run) / "README.md"
    readme.write_text("first\n")
    project.okstra.ok("worktree", "remove", TASK, "--force")
    project.okstra.ok("worktree", "restore", TASK)
    assert readme.read_text() == "first\n"
    project.repo.commit({"README.md": "second\n"}, at=place(run))
    project.okstra.ok("worktree", "remove", TASK)
    back = project.okstra.ok("worktree", "restore", TASK, "--json")
    assert back.data["kept"] == ""
    assert readme.read_text() == "second\n"
    assert project.repo.git("-C", str(place(run)), "status", "--porcelain") == ""


def _claims(project: Project) -> dict[str, dict[str, object]]:
    registry = project.registry
    claims: dict[str, dict[str, object]] = {**registry["tasks"], **registry["stages"]}
    return {
        key: {name: value for name, value in claim.items() if name != "reserved_at"} for key, claim in claims.items()
    }
