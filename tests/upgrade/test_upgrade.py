"""What okstra 0.1.0 left is read, taken over and gone on with. `make_state.sh` made the state that is kept here."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from support.okstra import Okstra
from support.repos import Repo

_STATE = Path(__file__).with_name("state-0.1.0.tar.gz")
_STAGE = "demo:core:T-1/implementation/stage-{}/001"
_ANALYSIS = "demo:core:T-2/error-analysis/001"


@pytest.fixture
def old(tmp_path: Path, environment: dict[str, str]) -> Okstra:
    """okstra of today in the project and home that 0.1.0 left, moved to this test's folder and machine."""
    subprocess.run(["tar", "-C", tmp_path, "-xzf", _STATE], check=True)
    for path in [*tmp_path.rglob("*")]:
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if b"@PLACE@" in data or b"@HOST@" in data:
                moved = data.replace(b"@PLACE@", str(tmp_path).encode())
                path.write_bytes(moved.replace(b"@HOST@", platform.node().encode()))
    return Okstra(environment, tmp_path / "project")


def test_runs_stages_and_worktrees_are_as_they_were(old: Okstra) -> None:
    listed = old.ok("list", "--json").data["runs"]
    assert {(row["run_id"], row["status"]) for row in listed} == {
        (_STAGE.format(1), "completed"),
        (_STAGE.format(2), "reserved"),
        (_ANALYSIS, "failed"),
    }
    stages = old.ok("stage", "list", "--task-key", "T-1", "--json").data["stages"]
    assert [stage["status"] for stage in stages] == ["done", "reserved", "ready"]
    assert len(old.ok("worktree", "list", "--json").data["worktrees"]) == 4
    assert old.ok("reconcile").stdout == "all is well\n"
    assert old.ok("config", "get", "limits.softMinutes").stdout.strip() == "25"
    assert "nothing is wrong" in old.ok("check", "run", _STAGE.format(1)).stdout


def test_looking_changes_nothing_and_the_first_run_that_ends_takes_the_index_over(old: Okstra) -> None:
    home = Path(old.environment["OKSTRA_HOME"])
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    for command in (("list",), ("status",), ("show", _ANALYSIS), ("stage", "list", "--task-key", "T-1")):
        old.ok(*command)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    old.ok("run", "--task-key", "T-1", "--task-type", "implementation", "--stage", "3", "--render-only")
    assert len(old.ok("list", "--json").data["runs"]) == 4
    old.ok("stage", "release", "--run", _STAGE.format(3))
    assert (home / "index.sqlite3").is_file()
    assert not (home / "active.jsonl").exists()
    assert [path.read_bytes() for path in (home / "index-aside").iterdir()] == [before[home / "active.jsonl"]]
    assert len(old.ok("list", "--json").data["runs"]) == 4


def test_the_stage_that_was_at_work_is_finished_and_merged(old: Okstra) -> None:
    run = _STAGE.format(2)
    worktree = Path(old.environment["OKSTRA_HOME"]) / "worktrees/demo/core/t-1/stage-2"
    refused = old("stage", "done", "--run", run, "--json")
    assert refused.codes == ["worktree-dirty"]
    assert (worktree / "notes.txt").read_text() == "not saved yet\n"
    (worktree / "notes.txt").unlink()
    refused = old("stage", "done", "--run", run, "--json")
    assert refused.codes == ["stage-unproven"]  # its exit check `true` shows nothing, which 0.1.0 did not ask
    old.ok("stage", "done", "--run", run, "--unproven", "the plan is from before proofs")
    old.ok("integrate", "--task-key", "T-1")
    merged = Repo(old.cwd, old.environment).git("ls-tree", "-r", "--name-only", "feat-t-1")
    assert {"stage-1/it.py", "stage-2/it.py"} <= set(merged.split())


def test_its_report_can_be_rendered_anew(old: Okstra) -> None:
    """Pages look different today; the data is the same."""
    assert "page-stale" in old("check", "run", _ANALYSIS).stdout
    rendered = old("report", "render", _ANALYSIS)
    assert rendered.status == 0, rendered
    assert "nothing is wrong" in old.ok("check", "run", _ANALYSIS).stdout


def test_a_run_that_failed_there_can_be_looked_at_resumed_or_dropped(old: Okstra) -> None:
    shown = old.ok("show", _ANALYSIS).stdout
    assert f"okstra resume {_ANALYSIS}" in shown
    assert old("resume", _ANALYSIS, "--json").codes == ["client-missing"]  # it had a writer that isn't here
    old.ok("drop", "demo:core:T-2")
    assert [row["run_id"] for row in old.ok("list", "--json").data["runs"] if row["status"] == "failed"] == []


def test_a_worktree_from_then_is_removed_and_nothing_in_it_is_lost(old: Okstra) -> None:
    worktree = Path(old.environment["OKSTRA_HOME"]) / "worktrees/demo/core/t-1/stage-2"
    refused = old("stage", "release", "--run", _STAGE.format(2), "--json")
    assert refused.status != 0
    assert (worktree / "notes.txt").is_file()
    old.ok("stage", "release", "--run", _STAGE.format(2), "--force")
    assert not worktree.exists()
    kept = Repo(old.cwd, old.environment).git("for-each-ref", "--format=%(refname)", "refs/okstra/kept")
    assert Repo(old.cwd, old.environment).git("show", f"{kept.split()[0]}:notes.txt") == "not saved yet"
