"""Rows of the kill matrix: preparing a run, finishing a stage, giving it back, removing worktrees."""

from __future__ import annotations

from pathlib import Path

from .crash import BRANCH, STAGE, Play, Row, Struck, check_all
from .okstra import Project
from .plans import independent


def _first_run(play: Play) -> None:
    play.project.adopt(independent(1))
    play.ready(*play.project.run_args())


def _later_run(play: Play) -> None:
    play.project.adopt(independent(1))
    assert play.project.run_phase().status == 0
    play.ready(*play.project.run_args())


def _recovery(play: Play) -> None:
    """The next run after one that was killed just before its commit point: worktree and branch stand already."""
    play.project.adopt(independent(1))
    manifest = ".run-manifest-implementation-001.json.okstra-tmp"
    killed = play.project.okstra(*play.project.run_args(), **play.preload.environment(on=manifest, at=1, do="group"))
    assert killed.status == -9
    assert play.claims[STAGE]["status"] == "provisioning"
    assert BRANCH in play.project.repo.branches()
    play.ready(*play.project.run_args())


def _next_run_gets_the_stage_or_says_why(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    before = play.claims
    following = project.run_stage()
    left = set()
    if before.get(STAGE, {}).get("status") == "active":
        run_id = before[STAGE]["run_id"]
        assert (following.status, following.codes) == (3, ["no-stage-ready"]), following
        assert f"stage 1 is reserved by run {run_id}" in following.envelope["errors"][0]["message"]
        listed = project.okstra.ok("list", "--task-type", "implementation", "--json").data["runs"]
        assert [(run["run_id"], run["status"]) for run in listed] == [(run_id, "reserved")]
        project.okstra.ok("stage", "release", "--run", run_id)  # the way on that a person has
        left, following = {BRANCH}, project.run_stage()
    else:
        half_made = [key for key, claim in before.items() if claim["status"] == "provisioning"]
        assert not (reconciled and half_made), half_made
        assert len(following.data["repaired"]) == len(half_made), (half_made, following)
    assert following.status == 0, following
    assert following.data["stage"] == 1
    check_all(play, struck, left_branches=left)


def _stage_done(play: Play) -> None:
    play.project.adopt({1: (), 2: (1,)}, exit_check="test -e stage-1/it.py", proof="red-green")
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.ready("stage", "done", "--run", run.data["run_id"], "--json")


def _the_stage_is_done_once(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0 or again.codes == ["stage-done"], again
    done = [row["head_commit"] for row in project.ledger if row["status"] == "done"]
    assert done == play.commits
    assert [row["proof"] for row in project.ledger if row["status"] == "done"] == ["proven"]
    following = project.run_stage()
    assert (following.data["stage"], following.data["worktree"]["base_commit"]) == (2, play.commits[0])
    check_all(play, struck, worked_in={STAGE})


def _stage_release(play: Play) -> None:
    play.project.adopt(independent(1))
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.ready("stage", "release", "--run", run.data["run_id"], "--json")


def _the_stage_is_free_and_its_branch_is_kept(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0 or again.codes == ["stage-not-held"], again
    assert [row["status"] for row in project.ledger] == ["started", "released"]
    following = project.run_stage()
    assert following.status == 0, following
    assert (following.data["stage"], following.data["epoch"]) == (1, 2)
    assert project.repo.git("rev-parse", BRANCH) == play.commits[0]
    check_all(play, struck, left_branches={BRANCH})


def _worktree_remove(play: Play) -> None:
    play.project.adopt({1: (), 2: (1,)})
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.project.okstra.ok("stage", "done", "--run", run.data["run_id"], "--json")
    play.ready("worktree", "remove", STAGE, "--json")


def _the_worktree_is_gone_and_its_branch_is_kept(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0 or again.codes == ["not-found"], again
    assert STAGE not in play.claims
    assert not Path(project.home, "worktrees/demo/core/t-1/stage-1").exists()
    assert project.repo.git("rev-parse", BRANCH) == play.commits[0]
    following = project.run_stage()
    assert (following.data["stage"], following.data["worktree"]["base_commit"]) == (2, play.commits[0])
    check_all(play, struck, left_branches={BRANCH})


def _task_worktree_remove(play: Play) -> None:
    run = play.project.run_phase()
    at = Path(run.data["worktree"]["path"])
    play.commits = [play.project.repo.commit({"notes.md": "merged\n"}, "docs: notes", at=at)]
    play.ready("worktree", "remove", Project.task_key, "--force", "--json")  # the run is prepared


def _the_next_run_makes_the_task_worktree_again(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0 or again.codes == ["not-found"], again
    assert project.repo.git("rev-parse", "feat-t-1") == play.commits[0]
    following = project.run_phase()
    assert following.status == 0, following
    assert (Path(following.data["worktree"]["path"]) / "notes.md").read_text() == "merged\n"
    check_all(play, struck, worked_in={Project.task_key})


def _proven_task_remove(play: Play) -> None:
    play.project.adopt({1: (), 2: (1,)}, exit_check="test -e stage-1/it.py", proof="red-green")
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    play.project.okstra.ok("stage", "done", "--run", run.data["run_id"], "--json")
    assert (_proofs(play) / "base").is_dir()
    play.ready("worktree", "remove", Project.task_key, "--json")


def _proofs(play: Play) -> Path:
    return Path(play.project.home, "worktrees/demo/core/t-1/proof")


def _its_checkouts_are_gone_too(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0 or again.codes == ["not-found"], again
    assert not _proofs(play).exists()
    assert not [path for path in project.repo.worktree_paths() if "/proof/" in path]
    following = project.run_stage()
    assert (following.data["stage"], following.data["worktree"]["base_commit"]) == (2, play.commits[0])
    check_all(play, struck, worked_in={STAGE})


ROWS = {
    "first run": Row(_first_run, _next_run_gets_the_stage_or_says_why),
    "later run": Row(_later_run, _next_run_gets_the_stage_or_says_why),
    "recovery": Row(_recovery, _next_run_gets_the_stage_or_says_why),
    "stage done": Row(_stage_done, _the_stage_is_done_once),
    "stage release": Row(_stage_release, _the_stage_is_free_and_its_branch_is_kept),
    "worktree remove": Row(_worktree_remove, _the_worktree_is_gone_and_its_branch_is_kept),
    "proven task remove": Row(_proven_task_remove, _its_checkouts_are_gone_too),
    "task worktree remove": Row(_task_worktree_remove, _the_next_run_makes_the_task_worktree_again),
}
