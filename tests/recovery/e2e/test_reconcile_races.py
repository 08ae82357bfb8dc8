"""What begins while `reconcile` looks: it is decided again under the lock, right before anything goes."""

from __future__ import annotations

import shutil
from pathlib import Path

from support import invariants
from support.gated_git import stopped_at
from support.live_runs import LiveRun
from support.okstra import Okstra, Project
from support.plans import independent
from support.rehearsal import install, part, result

DISCOVERING = "--git-common-dir"  # asked for each project that the registry, read just before, names
SAVING = "--ignored=matching"  # asked before an orphan is taken down
LISTING = "worktree list"
RUN = "demo:core:T-1/error-analysis/001"


def _findings(answer: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    return [(finding["kind"], finding["done"]) for finding in answer["findings"]]


def test_a_run_that_starts_while_reconcile_looks_keeps_worktree_and_branch(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(2))
    assert project.run_stage("1").status == 0
    with stopped_at(project.okstra, tmp_path / "gate", DISCOVERING, "reconcile", "--apply", "--json") as gate:
        started = project.run_stage("2")
        assert started.status == 0, started
        ended = gate.open()
    assert ended.data["findings"] == []
    assert Path(started.data["worktree"]["path"]).is_dir()
    assert "feat-t-1-s2" in project.repo.branches()
    invariants.check(project)


def test_a_run_that_takes_the_place_of_an_orphan_keeps_it(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    first = project.run_stage("1")
    path, branch = first.data["worktree"]["path"], first.data["worktree"]["branch"]
    project.okstra.ok("stage", "release", "--run", first.data["run_id"])
    reason = f"okstra {project.task_key}#stage-1 epoch 1"
    project.repo.git("worktree", "add", "-q", "--lock", "--reason", reason, path, branch)
    with stopped_at(project.okstra, tmp_path / "gate", SAVING, "reconcile", "--apply", "--json") as gate:
        project.okstra.ok("reconcile", "--apply")
        started = project.run_stage("1")
        assert started.status == 0, started
        ended = gate.open()
    ((kind, done),) = _findings(ended.data)
    assert kind == "orphan-worktree" and "another command has dealt with it" in done
    assert Path(started.data["worktree"]["path"]).is_dir()
    assert started.data["worktree"]["branch"] in project.repo.branches()
    assert project.finish(started).status == 0


def test_a_done_stage_that_is_restored_meanwhile_is_not_forgotten(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    run = project.run_stage("1")
    assert project.finish(run).status == 0
    path = Path(run.data["worktree"]["path"])
    shutil.rmtree(path)
    with stopped_at(project.okstra, tmp_path / "gate", "patch-id", "reconcile", "--apply", "--json") as gate:
        project.okstra.ok("reconcile", "--apply")
        project.okstra.ok("worktree", "restore", f"{project.task_key}#stage-1")
        ended = gate.open()
    assert all("another command" in done for _, done in _findings(ended.data)), ended
    assert path.is_dir()
    assert list(project.registry["stages"]) == [f"{project.task_key}#stage-1"]


def test_a_rebuild_keeps_what_a_run_reserves_meanwhile(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(2))
    assert project.run_stage("1").status == 0
    rebuild = ("reconcile", "--rebuild", "--json")
    with stopped_at(project.okstra, tmp_path / "gate", LISTING, *rebuild, answered=True) as gate:
        started = project.run_stage("2")
        assert started.status == 0, started
        rebuilt = gate.open()
    assert (rebuilt.status, rebuilt.data["stages"]) == (0, 2), rebuilt
    assert f"{project.task_key}#stage-2" in project.registry["stages"]
    assert project.finish(started).status == 0


def test_a_rebuild_leaves_a_worktree_in_the_making_to_its_run(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    assert project.run_phase().status == 0
    with stopped_at(project.okstra, tmp_path / "gate", "read-tree -m -u", *project.run_args("1")) as gate:
        project.okstra.ok("reconcile", "--rebuild")
        started = gate.open()
    assert started.status == 0, started
    invariants.check(project)


def test_what_vanishes_while_gc_looks_at_it_is_no_error(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    run = project.run_stage("1")
    assert project.finish(run).status == 0
    with stopped_at(project.okstra, tmp_path / "gate", "stage-1 symbolic-ref", "gc", "--dry-run", "--json") as gate:
        project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
        ended = gate.open()
    assert ended.status == 0, ended


def test_a_worktree_that_goes_while_it_is_released_by_force_is_no_bug(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    run = project.run_stage("1")
    (Path(run.data["worktree"]["path"]) / "notes.txt").write_text("untracked\n")
    release = ("stage", "release", "--run", run.data["run_id"], "--force", "--json")
    with stopped_at(project.okstra, tmp_path / "gate", "stage-1 rev-parse --verify", *release) as gate:
        project.okstra.ok(*release)
        ended = gate.open()
    assert (ended.status, ended.codes) == (3, ["worktree-held"]), ended
    kept = project.repo.git("for-each-ref", "--format=%(refname)", "refs/okstra/kept").split()
    assert [project.repo.git("show", f"{ref}:notes.txt") for ref in kept] == ["untracked"]


def test_the_worktrees_of_another_home_are_named_and_left_alone(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(2))
    run = project.run_stage("1")
    (Path(run.data["worktree"]["path"]) / "notes.txt").write_text("untracked\n")
    other = Okstra({**project.okstra.environment, "OKSTRA_HOME": str(tmp_path / "other home")}, project.okstra.cwd)
    other.ok("run", "--task-key", "demo:core:T-2", "--task-type", "error-analysis", "--request=x", "--render-only")
    for more in (("--apply",), ("--apply",), ()):
        seen = other.ok("reconcile", "--json", *more)
        found = [finding for finding in seen.data["findings"] if finding["notice"]]
        assert {finding["kind"] for finding in found} == {"worktree-of-another-home"}
        assert {finding["subject"] for finding in found} == {project.task_key, f"{project.task_key}#stage-1"}
        assert all(f"OKSTRA_HOME={project.home} okstra reconcile" in finding["try"] for finding in found)
        others = [finding["kind"] for finding in seen.data["findings"] if not finding["notice"]]
        assert set(others) <= {"not-indexed"}, seen  # it learns of the runs, whose records stand in the project
    assert project.repo.git("for-each-ref", "refs/okstra/kept") == ""
    assert Path(run.data["worktree"]["path"]).is_dir()
    rebuilt = other.ok("reconcile", "--rebuild", "--json")
    assert (rebuilt.data["tasks"], rebuilt.data["stages"], rebuilt.data["missing"]) == (1, 0, [])


def test_a_folder_that_went_with_its_branch_is_told_so(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage("1")
    project.repo.git("worktree", "unlock", run.data["worktree"]["path"])
    project.repo.git("worktree", "remove", "--force", run.data["worktree"]["path"])
    (stands,) = project.okstra("reconcile", "--json").data["findings"]
    assert "its branch feat-t-1-s1 stands" in stands["what"] and "okstra run --again" in stands["try"]
    project.repo.git("branch", "-D", "feat-t-1-s1")
    (gone,) = project.okstra("reconcile", "--json").data["findings"]
    assert "so is its branch feat-t-1-s1" in gone["what"]
    assert gone["try"] == f"okstra stage release --run {run.data['run_id']}"
    released = project.okstra.ok(*gone["try"].split()[1:], "--json")
    assert released.data["branch"] == ""
    invariants.check(project)


def test_a_forgotten_worktree_tells_whether_its_branch_stands(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage("1")
    assert project.finish(run).status == 0
    project.repo.git("worktree", "unlock", run.data["worktree"]["path"])
    project.repo.git("worktree", "remove", run.data["worktree"]["path"])
    project.okstra.ok("integrate", "--task-key", project.task_key)
    project.repo.git("branch", "-D", "feat-t-1-s1")
    (forgotten,) = project.okstra.ok("reconcile", "--apply", "--json").data["findings"]
    assert forgotten["done"].endswith("its branch feat-t-1-s1 is gone as well")


def test_a_removed_worktree_whose_branch_is_gone_keeps_none(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage("1")
    assert project.finish(run).status == 0
    project.okstra.ok("integrate", "--task-key", project.task_key)
    project.repo.git("-C", run.data["worktree"]["path"], "switch", "-q", "--detach")
    project.repo.git("branch", "-D", "feat-t-1-s1")
    removed = project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1", "--json")
    assert removed.data["branch"] == ""


def test_the_index_keeps_the_last_word_of_a_run_that_went_on(project: Project) -> None:
    from okstra_ctl.home_paths import HomePaths
    from okstra_ctl.index import run_index
    from okstra_ctl.index.database import Row
    from okstra_ctl.index.run_index import IndexRow

    home = HomePaths(str(project.home))

    def seen() -> dict[str, Row]:
        return {row["run_id"]: row for row in run_index.newest_rows(home, run_index.EVERYTHING)}

    def row(event: str, at: str) -> IndexRow:
        return IndexRow(
            "demo:core:T-1/error-analysis/001", event, at, "error-analysis", None, str(project.repo.path), ""
        )

    before = seen()
    assert run_index.append_if_unchanged(home, [row("prepared", "2026-01-01T00:00:00Z")], before) == 1
    assert run_index.append_if_unchanged(home, [row("prepared", "2026-01-01T00:00:00Z")], before) == 0
    looked_at = seen()
    run_index.append(home, row("failed", "2026-01-01T00:00:02Z"))
    assert run_index.append_if_unchanged(home, [row("started", "2026-01-01T00:00:01Z")], looked_at) == 0
    assert seen()[RUN]["event"] == "failed"


def test_a_led_run_keeps_its_worktree_though_the_registry_was_lost(project: Project, tmp_path: Path) -> None:
    steps = ({"run": f"until [ -e {tmp_path}/gate ]; do sleep 0.05; done"}, {"result": result()})
    install(project, part(*steps, worker="rehearsal-a", round=""))
    live = LiveRun.start(project, "error-analysis")
    live.wait_for_event("dispatched")
    path = Path(project.registry["tasks"][project.task_key]["path"])
    (project.home / "worktrees" / "registry.json").unlink()
    (orphan,) = [
        finding
        for finding in project.okstra("reconcile", "--apply", "--json").data["findings"]
        if finding["kind"] == "orphan-worktree"
    ]
    assert (orphan["done"], orphan["try"]) == ("", "okstra reconcile --rebuild")
    assert f"{live.run} is running" in orphan["what"]
    assert path.is_dir()
    project.okstra.ok("reconcile", "--rebuild")
    (tmp_path / "gate").touch()
    ended = live.ended()
    assert ended.status == 0, ended
