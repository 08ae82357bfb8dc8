"""Worktrees that a kill left half made or half moved on: put right without losing what a person did since."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support import invariants
from support.crash import Play
from support.crash_worktrees import ROWS
from support.faults import Preload
from support.okstra import Ended
from support.schemas import faults_of_file

STAGE = "demo:core:T-1#stage-1"
KILLS = {"rerun": "rerun, worktree lost", "restore": "worktree restore"}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path, Preload.build(tmp_path))


def _kept(play: Play) -> list[str]:
    return play.project.repo.git("for-each-ref", "--format=%(refname)", "refs/okstra/kept").split()


@pytest.mark.parametrize("command", KILLS)
def test_a_half_restored_worktree_is_nobody_s_work(play: Play, command: str) -> None:
    """Killed while the files arrive: no snapshot of half a checkout may become the newest that is kept."""
    ROWS[KILLS[command]].prepare(play)
    before = _kept(play)
    play.strike_last("open", "src/4.txt", "group")
    assert play.claims[STAGE]["status"] == "provisioning"
    assert faults_of_file(play.project.home / "worktrees" / "registry.json") == []
    mended = play.project.okstra("reconcile", "--apply", "--json")
    kinds = [finding["kind"] for finding in mended.data["findings"]]
    assert kinds[0] == "abandoned", mended
    assert _kept(play) == before
    assert not (play.project.home / "worktrees/demo/core/t-1/stage-1").exists()
    assert play.claims.get(STAGE, {}).get("status") == ("active" if command == "rerun" else None)
    assert play.again().status == 0


def test_a_killed_rerun_leaves_the_earlier_run_its_stage(play: Play) -> None:
    ROWS["rerun"].prepare(play)
    play.strike_last("open", "run-context-002.json", "group")
    earlier = play.args[1]
    assert play.claims[STAGE]["before"]["run_id"] == earlier
    assert faults_of_file(play.project.home / "worktrees" / "registry.json") == []
    play.project.okstra.ok("reconcile", "--apply")
    claim = play.claims[STAGE]
    assert (claim["run_id"], claim["epoch"], claim["status"], "before" in claim) == (earlier, 1, "active", False)
    (Path(claim["path"]) / "stage-1" / "notes.txt").unlink()
    assert play.project.okstra("stage", "done", "--run", earlier).status == 0


@pytest.mark.parametrize("way", ["removal", "release"])
def test_a_stage_that_was_being_done_over_is_removed_and_released_as_before(play: Play, way: str) -> None:
    ROWS["rerun"].prepare(play)
    play.strike_last("open", "run-context-002.json", "group")
    earlier = play.args[1]
    if way == "removal":
        refused = play.project.okstra("worktree", "remove", STAGE, "--json")
        assert (refused.status, refused.codes) == (3, ["worktree-held"])
        return
    (Path(play.claims[STAGE]["path"]) / "stage-1" / "notes.txt").unlink()
    play.project.okstra.ok("stage", "release", "--run", earlier)
    assert [row["status"] for row in play.project.ledger] == ["started", "released"]
    invariants.check(play.project, left_branches={"feat-t-1-s1"}, commits=play.commits)


def _killed_merge(play: Play) -> Path:
    """An integration killed just before the branch moves: the files are there, the locks stay."""
    ROWS["integrate"].prepare(play)
    play.strike_last("rename", "refs/heads/feat-t-1", "group")
    return play.project.home / "worktrees/demo/core/t-1/task"


def _merged(play: Play, task: Path) -> bool:
    return play.project.repo.git("-C", str(task), "log", "--merges", "--format=%s", "main..HEAD").count("Merge") == 2


def test_a_killed_merge_is_finished_by_the_next_run(play: Play) -> None:
    task = _killed_merge(play)
    assert not _merged(play, task)
    following = play.project.run_stage()
    assert (following.status, following.data["stage"]) == (0, 3), following
    assert any("finished the merge" in sentence for sentence in following.data["repaired"]), following
    assert _merged(play, task)
    assert play.project.repo.git("-C", str(task), "status", "--porcelain") == ""
    assert _kept(play) == []


def test_what_a_person_changed_since_is_kept_when_a_merge_is_finished(play: Play) -> None:
    task = _killed_merge(play)
    (task / "src" / "3.txt").write_text("by hand\n")
    (task / "stage-1" / "it.py").write_text("# by hand\n")
    (task / "mine.txt").write_text("untracked\n")
    mended: Ended = play.project.okstra.ok("reconcile", "--apply", "--json")
    assert [finding["kind"] for finding in mended.data["findings"]] == ["merge-unfinished"]
    assert _merged(play, task)
    (kept,) = _kept(play)
    assert kept in mended.data["findings"][0]["done"]
    shown = [play.project.repo.git("show", f"{kept}:{name}") for name in ("src/3.txt", "stage-1/it.py", "mine.txt")]
    assert shown == ["by hand", "# by hand", "untracked"]
    assert (task / "mine.txt").read_text() == "untracked\n"


def test_a_branch_that_a_person_moved_on_is_left_alone(play: Play) -> None:
    task = _killed_merge(play)
    git = play.project.repo.git
    for lock in ("index.lock", "HEAD.lock", "ORIG_HEAD.lock"):
        (play.project.repo.path / ".git" / "worktrees" / "task" / lock).unlink(missing_ok=True)
    (play.project.repo.path / ".git" / "refs" / "heads" / "feat-t-1.lock").unlink(missing_ok=True)
    git("-C", str(task), "reset", "--quiet", "--hard", "HEAD")
    for folder in ("stage-1", "stage-2"):
        shutil.rmtree(task / folder, ignore_errors=True)
    commit = play.project.repo.commit({"own.txt": "own\n"}, "own", at=task)
    play.project.okstra.ok("reconcile", "--apply")
    assert git("-C", str(task), "rev-parse", "HEAD") == commit
    assert play.again().status == 0
    assert _merged(play, task)
