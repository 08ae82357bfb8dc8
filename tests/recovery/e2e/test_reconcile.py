"""After a crash or a loss: named, put right, nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import index_file
from support.okstra import Ended, Project

_DEAD = {"host": "", "boot_id": "", "pid": 1, "start_time": "0"}


def _edit_registry(project: Project, change: Callable[[dict[str, Any]], object]) -> None:
    """A hand edit, pretty-printed: any layout of the JSON is read."""
    path = project.home / "worktrees" / "registry.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, indent=1))


def _edit_stage(project: Project, stage: int, **fields: object) -> None:
    _edit_registry(project, lambda document: document["stages"][f"{project.task_key}#stage-{stage}"].update(fields))


def _dead_here() -> dict[str, object]:
    """An owner on this very machine and boot whose process is gone."""
    from okstra_ctl.system import process_identity

    return {**process_identity.this_process().to_json(), "pid": 2**22 - 1, "start_time": "1"}


def _kinds(ended: Ended) -> list[str]:
    return [finding["kind"] for finding in ended.data["findings"]]


def _reconcile(project: Project, *more: str) -> Ended:
    return project.okstra("reconcile", "--json", *more)


def test_all_is_well_after_an_ordinary_life(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    project.finish(project.run_stage())
    project.run_stage()
    assert (_reconcile(project).status, _kinds(_reconcile(project))) == (0, [])


def test_a_half_made_worktree_of_a_dead_run_is_undone(project: Project) -> None:
    plan = project.adopt({1: ()})
    run = project.run_stage()
    _edit_stage(project, 1, status="provisioning", owner=_dead_here())
    seen = _reconcile(project)
    assert (seen.status, _kinds(seen)) == (4, ["abandoned"])
    mended = _reconcile(project, "--apply")
    assert mended.status == 0, mended
    assert not Path(run.data["worktree"]["path"]).exists()
    assert project.registry["stages"] == {}
    assert "feat-t-1-s1" not in project.repo.branches()
    assert plan


def test_a_dead_owner_is_shown_as_interrupted_with_the_ways_on(project: Project) -> None:
    plan = project.adopt({1: ()})
    run = project.run_stage()
    commit = project.work(run)
    _edit_stage(project, 1, owner=_dead_here())
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert stage["status"] == "interrupted"
    seen = _reconcile(project, "--apply")
    assert (seen.status, _kinds(seen)) == (4, ["interrupted"])
    assert run.data["run_id"] in seen.data["findings"][0]["try"]
    assert project.repo.git("rev-parse", "feat-t-1-s1") == commit
    assert project.okstra("rerun", run.data["run_id"], "--render-only", "--json").status == 0


def test_a_done_row_without_its_mark_is_marked(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    project.finish(run)
    _edit_stage(project, 1, status="active")
    assert _kinds(_reconcile(project, "--apply")) == ["done-mark-missing"]
    assert project.registry["stages"][f"{project.task_key}#stage-1"]["status"] == "done"


def test_a_missing_started_row_and_index_row_are_written(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    ledger.write_text("")
    index_file.forget(project.home, run.data["run_id"])
    assert sorted(_kinds(_reconcile(project, "--apply"))) == ["not-indexed", "started-row-missing"]
    assert [row["run_id"] for row in project.ledger] == [run.data["run_id"]]
    assert _reconcile(project).status == 0


def test_the_note_of_a_killed_holder_goes_from_beside_every_lock(project: Project) -> None:
    project.adopt({1: ()})
    project.run_stage("1")
    project.okstra.ok("config", "set", "maxParallelWorkers", "3")
    places = (project.home, project.repo.path / ".okstra", project.repo.path / ".git")
    locks = [path for place in places for path in place.rglob("*.lock")]
    assert len(locks) >= 6
    notes = [path.with_name(f"{path.name}.holder") for path in locks]
    for note in notes:
        note.write_text('{"pid": 1, "since": "2026-01-01T00:00:00Z"}')
    project.okstra.ok("reconcile", "--apply")
    assert [note for note in notes if note.exists()] == []


def test_an_orphan_worktree_is_removed_and_its_work_kept(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    path = Path(run.data["worktree"]["path"])
    commit = project.work(run)
    (path / "notes.txt").write_text("untracked\n")
    _edit_registry(project, lambda document: document["stages"].clear())
    mended = _reconcile(project, "--apply")
    assert mended.status == 0, mended
    assert not path.exists()
    assert project.repo.git("rev-parse", "feat-t-1-s1") == commit
    ref = project.repo.git("for-each-ref", "--format=%(refname)", "refs/okstra/kept")
    assert project.repo.git("show", f"{ref}:notes.txt") == "untracked"


def test_an_orphan_worktree_stays_where_a_set_up_is_to_be_torn_down_first(project: Project, tmp_path: Path) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    ended = f"touch {tmp_path}/ended"
    path.write_text(json.dumps({**json.loads(path.read_text()), "worktreeTeardown": [ended]}))
    project.adopt({1: ()})
    run = project.run_stage()
    worktree = Path(run.data["worktree"]["path"])
    _edit_registry(project, lambda document: document["stages"].clear())
    (found,) = _reconcile(project, "--apply").data["findings"]
    assert (found["kind"], found["can_apply"]) == ("orphan-worktree", False) and f"`{ended}`" in found["try"]
    assert worktree.exists() and not (tmp_path / "ended").exists()
    project.okstra.ok("reconcile", "--rebuild", "--json")
    released = project.okstra("stage", "release", "--run", run.data["run_id"], "--json")
    assert released.status == 0, released
    assert (tmp_path / "ended").exists() and not worktree.exists()


@pytest.mark.parametrize("how", ["rebase", "squash"])
def test_a_rewritten_done_commit_is_found_again(project: Project, how: str) -> None:
    project.adopt({1: (), 2: (), 3: (1, 2)})
    runs = [project.run_stage(), project.run_stage()]
    for run in runs:
        at = Path(run.data["worktree"]["path"])
        project.repo.commit({f"stage-{run.data['stage']}/first.py": "1\n"}, "test: first", at=at)
        assert project.finish(run).status == 0
    task = project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip()
    identity = ("-c", "user.name=T", "-c", "user.email=t@e")
    project.repo.git("-C", task, *identity, "commit", "-q", "--allow-empty", "-m", "something before")
    for run in runs:
        branch = run.data["worktree"]["branch"]
        if how == "rebase":
            project.repo.git("-C", task, *identity, "cherry-pick", f"main..{branch}")
        else:
            project.repo.git("-C", task, *identity, "merge", "-q", "--squash", branch)
            project.repo.git("-C", task, *identity, "commit", "-q", "-m", f"squashed {branch}")
    assert project.run_stage("3").codes == ["stage-unmerged"]
    mended = _reconcile(project, "--apply")
    assert _kinds(mended) == ["done-commit-rewritten"] * 2
    assert mended.status == 0, mended
    assert [row["status"] for row in project.ledger][-2:] == ["superseded", "superseded"]
    assert project.run_stage("3").status == 0
    assert _reconcile(project).status == 0


def test_a_done_commit_that_is_nowhere_is_told(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    project.finish(run)
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    project.repo.git("branch", "-D", "feat-t-1-s1")
    assert _kinds(_reconcile(project, "--apply")) == ["done-commit-lost"]


@pytest.mark.parametrize("loss", ["garbage", "deleted", "cut"])
def test_rebuild_makes_a_lost_registry_anew(project: Project, loss: str) -> None:
    plan = project.adopt({1: (), 2: (), 3: (1, 2)})
    project.finish(project.run_stage())
    second = project.run_stage()
    before = project.registry
    path = project.home / "worktrees" / "registry.json"
    if loss == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"\0garbage" if loss == "garbage" else path.read_bytes()[:300])
        unreadable = project.okstra("worktree", "list", "--json")
        assert (unreadable.status, unreadable.codes) == (65, ["registry-unreadable"])
        damaged = path.read_bytes()
        assert project.run_stage().status == 65
        assert path.read_bytes() == damaged
    rebuilt = project.okstra.ok("reconcile", "--rebuild", "--json")
    assert bool(rebuilt.data["set_aside"]) == (loss != "deleted")
    after = project.registry
    for key, entry in before["stages"].items():
        volatile = ("reserved_at",)
        assert {k: v for k, v in after["stages"][key].items() if k not in volatile} == {
            k: v for k, v in entry.items() if k not in volatile
        }
    task = after["tasks"][project.task_key]
    assert task["epochs"] == before["tasks"][project.task_key]["epochs"]
    assert task["implementation_base"] == before["tasks"][project.task_key]["implementation_base"]
    stages = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert [stage["status"] for stage in stages] == ["done", "reserved", "blocked"]
    assert project.finish(second).status == 0
    assert _reconcile(project).status == 0


def test_backfill_adds_a_done_row_that_the_exit_check_proves(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    first, second = project.run_stage(), project.run_stage()
    assert project.finish(first).status == 0
    project.work(second)
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    ledger.write_text("".join(line for line in ledger.read_text().splitlines(True) if '"done"' not in line))
    _edit_stage(project, 1, status="active")
    dry = project.okstra.ok("backfill", "--dry-run", "--json")
    assert [(run["stage"], run["added"]) for run in dry.data["runs"]] == [(1, True)]
    assert [row["status"] for row in project.ledger] == ["started", "started"]
    project.okstra.ok("backfill", "--json")
    assert [(row["stage"], row["status"]) for row in project.ledger][-1] == (1, "done")
    assert project.okstra.ok("backfill", "--json").data["runs"] == []


def test_backfill_leaves_what_moved_on_after_its_check(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    assert project.finish(run).status == 0
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    ledger.write_text("".join(line for line in ledger.read_text().splitlines(True) if '"done"' not in line))
    _edit_stage(project, 1, status="active")
    project.repo.commit({"stage-1/more.py": ""}, "feat: more", at=Path(run.data["worktree"]["path"]))
    (left,) = project.okstra.ok("backfill", "--json").data["runs"]
    assert (left["added"], left["reason"]) == (False, "commits came after its exit check: call `okstra stage done`")


def test_a_deleted_worktree_of_a_done_stage_is_forgotten(project: Project) -> None:
    project.adopt({1: ()})
    run = project.run_stage()
    project.finish(run)
    shutil.rmtree(run.data["worktree"]["path"])
    assert _kinds(_reconcile(project, "--apply")) == ["folder-gone"]
    assert project.registry["stages"] == {}
    assert _reconcile(project).status == 0


def test_ledger_lines_that_are_no_rows_are_named_and_disturb_nothing(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    project.run_stage()
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    ledger.write_text(ledger.read_text() + "not a row\n")
    assert project.run_stage().data["stage"] == 2
    seen = _reconcile(project)
    assert _kinds(seen) == ["ledger-lines-unreadable"]
    assert "no rows: 2" in seen.data["findings"][0]["what"]
