"""What is on the disk when: all that a command wrote; of a checkout's command the last writes follow in a second."""

from __future__ import annotations

from pathlib import Path

from support.faults import Preload, eventually
from support.okstra import Project
from support.plans import independent

SYNCS = ("fsync", "fdatasync")


def rows(trace: Path) -> list[list[str]]:
    return [line.split("\t", 3) for line in trace.read_text().splitlines() if line.count("\t") >= 3]


def synced(trace: Path) -> set[str]:
    return {Path(row[3]).name for row in rows(trace) if row[2] in SYNCS}


def test_a_checkouts_command_waits_for_its_reservation_alone_and_the_rest_follows(
    project: Project, tmp_path: Path
) -> None:
    project.adopt(independent(2))
    project.run_stage()  # the task's worktree is there then
    preload = Preload.build(tmp_path)
    trace = tmp_path / "trace"
    trace.write_bytes(b"")
    run = project.okstra(*project.run_args(), **preload.environment(trace=trace))
    assert run.status == 0, run
    at_the_end = synced(trace)
    assert ".registry.json.okstra-tmp" in at_the_end
    later = {"run-manifest-implementation-001.json", "consumers.jsonl", "active.jsonl", "feat-t-1-s2", "HEAD"}
    assert not later & at_the_end
    eventually(lambda: later <= synced(trace), 30)
    assert "registry.json" in synced(trace)


def test_other_commands_wait_for_all_that_they_write(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    run = project.run_stage()
    preload = Preload.build(tmp_path)
    trace = tmp_path / "trace"
    trace.write_bytes(b"")
    release = ("stage", "release", "--run", run.data["run_id"])
    assert project.okstra(*release, **preload.environment(trace=trace)).status == 0
    renamed = {Path(row[3]).name for row in rows(trace) if row[2].startswith("rename")}
    assert {"consumers.jsonl", ".registry.json.okstra-tmp"} <= synced(trace), renamed
