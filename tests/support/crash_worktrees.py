"""Rows of the kill matrix: stages done over, worktrees collected and brought back, merges, `reconcile` itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from . import index_file
from .crash import BRANCH, STAGE, Play, Row, Struck, check_all
from .okstra import Ended, Project
from .plans import independent

_NOTES = "not committed yet\n"


def _path_of(run: Ended) -> Path:
    return Path(run.data["worktree"]["path"])


def _begun(play: Play) -> Ended:
    """A stage in work, with a commit and an untracked file."""
    play.project.adopt(independent(1))
    run = play.project.run_stage()
    play.commits = [play.project.work(run)]
    (_path_of(run) / "stage-1" / "notes.txt").write_text(_NOTES)
    return run


def _rerun(play: Play) -> None:
    run = _begun(play)
    play.ready("rerun", run.data["run_id"], "--render-only", "--json")


def _rerun_of_a_lost_worktree(play: Play) -> None:
    run = _begun(play)
    shutil.rmtree(_path_of(run))
    play.ready("rerun", run.data["run_id"], "--render-only", "--json")


def _the_stage_has_one_run_and_its_work(play: Play, struck: Struck, reconciled: bool) -> None:
    project, first = play.project, play.args[1]
    lost = not Path(project.home, "worktrees/demo/core/t-1/stage-1/stage-1/notes.txt").exists()
    again = play.again()
    assert again.status == 0 or again.codes == ["stage-not-held"], again
    claim = play.claims[STAGE]
    assert claim["run_id"] != first and claim["status"] == "active", claim
    path = Path(claim["path"])
    assert project.repo.git("-C", str(path), "rev-parse", BRANCH, "HEAD").split() == play.commits * 2
    notes = path / "stage-1" / "notes.txt"
    if not lost:
        assert notes.read_text() == _NOTES
        notes.unlink()
    assert project.repo.git("-C", str(path), "status", "--porcelain") == ""
    late = project.okstra("stage", "done", "--run", first, "--json")
    assert (late.status, late.codes) == (3, ["stage-not-held"]), late
    project.okstra.ok("stage", "done", "--run", claim["run_id"], "--json")
    rows = [(row["status"], row["epoch"]) for row in project.ledger]
    assert rows == [("started", 1), ("started", claim["epoch"]), ("done", claim["epoch"])]
    check_all(play, struck, worked_in={STAGE})


def _gc(play: Play) -> None:
    run = _begun(play)
    notes = _path_of(run) / "stage-1" / "notes.txt"
    notes.unlink()
    play.project.okstra.ok("stage", "done", "--run", run.data["run_id"])
    notes.write_text(_NOTES)
    (_path_of(run) / "src" / "1.txt").write_text("changed\n")
    play.ready("gc", "--max", "0", "--json")


def _what_was_collected_can_be_brought_back(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0, again
    assert [row for row in again.data["removed"] if row["failed"]] == []
    assert STAGE not in play.claims
    back = project.okstra.ok("worktree", "restore", STAGE, "--json")
    _is_back(play, Path(back.data["path"]))
    assert project.run_phase().status == 0  # the task's own worktree went as well; its next run makes it again
    check_all(play, struck, worked_in={STAGE}, left_branches={BRANCH})


def _is_back(play: Play, path: Path) -> None:
    assert (path / "stage-1" / "notes.txt").read_text() == _NOTES
    assert (path / "src" / "1.txt").read_text() == "changed\n"
    git = play.project.repo.git
    assert git("-C", str(path), "rev-parse", BRANCH, "HEAD").split() == play.commits * 2
    assert git("-C", str(path), "status", "--porcelain", "--untracked-files=all").split() == [
        *("M", "src/1.txt"),
        *("??", "stage-1/notes.txt"),
    ]


def _drop(play: Play) -> None:
    """A stage in work with unsaved files, and a prepared run in the task's worktree."""
    _begun(play)
    assert play.project.run_phase().status == 0
    play.ready("drop", Project.task_key, "--json")


def _the_task_is_dropped_and_its_work_is_kept(play: Play, struck: Struck, reconciled: bool) -> None:
    project, git = play.project, play.project.repo.git
    again = play.again()
    assert again.status == 0 and again.data["stays"] == [], again
    assert {key: claim["status"] for key, claim in play.claims.items()} == {Project.task_key: "done"}
    assert git("rev-parse", BRANCH) == play.commits[0]
    kept = git("for-each-ref", "--format=%(refname)", "refs/okstra/kept").split()
    assert any(git("show", f"{ref}:stage-1/notes.txt", check=False) == _NOTES.strip() for ref in kept), kept
    assert project.okstra.ok("status", "--json").data["runs"] == []
    assert project.okstra("restore", Project.task_key, "--json").status == 0
    assert project.run_stage().status == 0
    check_all(play, struck, worked_in={STAGE}, left_branches={BRANCH})


def _worktree_restore(play: Play) -> None:
    _gc(play)
    play.project.okstra.ok("gc", "--max", "0")
    assert STAGE not in play.claims
    play.ready("worktree", "restore", STAGE, "--json")


def _the_worktree_is_back_with_what_it_held(play: Play, struck: Struck, reconciled: bool) -> None:
    again = play.again()
    assert again.status == 0 or again.codes == ["worktree-held"], again
    assert play.claims[STAGE]["status"] == "done"
    _is_back(play, Path(play.claims[STAGE]["path"]))
    assert play.project.run_phase().status == 0
    check_all(play, struck, worked_in={STAGE}, left_branches={BRANCH})


def _integrate(play: Play) -> None:
    play.project.adopt({1: (), 2: (), 3: (1, 2)}, exit_check="ls -d stage-*")
    for run in (play.project.run_stage(), play.project.run_stage()):
        play.commits.append(play.project.work(run))
        play.project.okstra.ok("stage", "done", "--run", run.data["run_id"])
    play.ready("integrate", "--task-key", Project.task_key, "--json")


def _both_stages_are_merged(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    again = play.again()
    assert again.status == 0 or again.codes == ["nothing-to-integrate"], again
    task = project.home / "worktrees/demo/core/t-1/task"
    git = project.repo.git
    assert sorted(path.name for path in task.glob("stage-*")) == ["stage-1", "stage-2"]
    assert git("-C", str(task), "status", "--porcelain", "--untracked-files=all") == ""
    assert git("-C", str(task), "log", "--merges", "--format=%s", "main..HEAD").splitlines() == [
        f"Merge stage 2 of {Project.task_key}",
        f"Merge stage 1 of {Project.task_key}",
    ]
    following = project.run_stage()
    assert following.data["stage"] == 3, following
    check_all(play, struck, worked_in={STAGE, f"{Project.task_key}#stage-2", Project.task_key})


def _reconcile(play: Play) -> None:
    """One of most things that it can put right: half made, not marked, not told, orphaned, gone."""
    project = play.project
    project.adopt(independent(5))
    runs = [project.run_stage() for _ in range(5)]
    for run in runs[:3]:
        play.commits.append(project.work(run))
    project.okstra.ok("stage", "done", "--run", runs[0].data["run_id"])
    project.okstra.ok("stage", "done", "--run", runs[1].data["run_id"])
    (_path_of(runs[2]) / "notes.txt").write_text(_NOTES)
    registry = project.registry
    stages = {number: registry["stages"][f"{Project.task_key}#stage-{number}"] for number in range(1, 6)}
    stages[1]["status"] = "active"  # its done mark is missing
    shutil.rmtree(stages[2]["path"])  # done, and its folder is gone
    del registry["stages"][f"{Project.task_key}#stage-3"]  # an orphan, with unsaved work
    gone = {**_this_process(), "pid": 2**22 - 1, "start_time": "1"}
    stages[4].update(status="provisioning", owner=gone)  # half made
    (project.home / "worktrees" / "registry.json").write_text(json.dumps(registry, indent=1))
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    fifth = runs[4].data["run_id"]
    ledger.write_text("".join(line for line in ledger.read_text().splitlines(True) if not _is_of(line, runs[3:])))
    index_file.forget(project.home, fifth)
    play.ready("reconcile", "--apply", "--json")


def _is_of(line: str, runs: list[Ended]) -> bool:
    return json.loads(line)["run_id"] in {run.data["run_id"] for run in runs}


def _this_process() -> dict[str, object]:
    from okstra_ctl.system import process_identity

    return process_identity.this_process().to_json()


def _everything_was_put_right(play: Play, struck: Struck, reconciled: bool) -> None:
    project = play.project
    play.project.okstra.ok("reconcile", "--apply", "--json")
    assert project.okstra.ok("reconcile", "--json").data["findings"] == []
    assert {key.rsplit("#")[-1]: claim["status"] for key, claim in play.claims.items()} == {
        Project.task_key: "active",
        "stage-1": "done",
        "stage-5": "active",
    }
    kept = project.repo.git("for-each-ref", "--format=%(refname)", "refs/okstra/kept").split()
    assert any(project.repo.git("show", f"{ref}:notes.txt", check=False) == _NOTES.strip() for ref in kept), kept
    listed = {run["run_id"] for run in project.okstra.ok("list", "--json").data["runs"]}
    assert play.claims[f"{Project.task_key}#stage-5"]["run_id"] in listed
    check_all(play, struck, worked_in={STAGE}, left_branches={"feat-t-1-s2", "feat-t-1-s3"})


ROWS = {
    "rerun": Row(_rerun, _the_stage_has_one_run_and_its_work),
    "rerun, worktree lost": Row(
        _rerun_of_a_lost_worktree, _the_stage_has_one_run_and_its_work, frozenset({"folder-gone"})
    ),
    "gc": Row(_gc, _what_was_collected_can_be_brought_back),
    "drop": Row(_drop, _the_task_is_dropped_and_its_work_is_kept),
    "worktree restore": Row(_worktree_restore, _the_worktree_is_back_with_what_it_held),
    "integrate": Row(_integrate, _both_stages_are_merged),
    "reconcile --apply": Row(_reconcile, _everything_was_put_right),
}
