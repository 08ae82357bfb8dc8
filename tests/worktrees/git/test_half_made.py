"""Recovery goes by what it read a moment ago: what came to a good end since is nobody's rubbish."""

from __future__ import annotations

from pathlib import Path

from okstra_ctl import git
from okstra_ctl.names import StageKey, TaskKey
from okstra_ctl.services import open_services
from okstra_ctl.status import ClaimStatus
from okstra_ctl.system import process_identity
from okstra_ctl.worktrees import half_made as recover
from support import invariants
from support.okstra import Project
from support.plans import independent


def test_the_files_of_a_run_that_never_was_go_with_its_claim(project: Project) -> None:
    """Killed before its manifest: its number stays taken, and nothing that was written under it is left behind."""
    project.adopt(independent(1))
    run = project.run_stage()
    services, key = open_services(project.okstra.environment), StageKey(TaskKey.parse(project.task_key), 1)
    with services.registry.transaction() as doc:
        active = doc.stage(key)
        assert active is not None
        ended = process_identity.this_process()._replace(boot_id="", pid=0)
        doc.put_stage(key, active._replace(status=ClaimStatus.PROVISIONING, owner=ended))
    Path(run.data["manifest"]).unlink()
    (project.task_root / "runs" / "implementation-planning" / "consumers.jsonl").unlink()
    run_dir = Path(run.data["run_dir"])
    assert [path for path in run_dir.rglob("*") if path.is_file()]
    repository = git.discover(str(project.repo.path))
    assert repository is not None
    (told,) = recover.recover_task(key.task, services.registry.read(), repository, services)
    assert run.data["run_id"] in told
    assert [path.name for path in run_dir.rglob("*") if path.is_file()] == ["seq-001"]
    assert project.run_stage().data["run_id"].endswith("/002")
    invariants.check(project)


def test_a_run_that_came_to_its_good_end_meanwhile_is_left_alone(project: Project) -> None:
    """Another command saw its claim before it was active, and looks for its process after that has ended."""
    project.adopt(independent(1))
    run = project.run_stage()
    services, key = open_services(project.okstra.environment), StageKey(TaskKey.parse(project.task_key), 1)
    seen = services.registry.read()
    active = seen.stage(key)
    assert active is not None
    ended = process_identity.this_process()._replace(boot_id="", pid=0)
    seen.put_stage(key, active._replace(status=ClaimStatus.PROVISIONING, owner=ended))
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    row = ledger.read_bytes()
    ledger.unlink()  # it was killed before it wrote its row, which the next run of the task writes
    run_dir = Path(run.data["run_dir"])
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    repository = git.discover(str(project.repo.path))
    assert repository is not None
    assert before
    assert recover.recover_task(key.task, seen, repository, services) == []
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before
    assert services.registry.read().stage(key) == active
    ledger.write_bytes(row)
    invariants.check(project)
