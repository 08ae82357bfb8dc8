"""What is on the disk when: all that a command wrote; of a checkout's command the last writes follow in a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.faults import Preload, eventually
from support.okstra import Project
from support.plans import independent
from support.sealed import ROOT

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
    later = {"run-manifest-implementation-001.json", "consumers.jsonl", "index.sqlite3", "feat-t-1-s2", "HEAD"}
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


def _written(tmp_path: Path, code: str) -> tuple[set[str], Path]:
    """What the code has synced when it prints, and the trace that goes on."""
    preload = Preload.build(tmp_path)
    trace, folder = tmp_path / "trace", tmp_path / "written"
    trace.write_bytes(b"")
    folder.mkdir()
    start = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "from okstra_ctl.system import fsync as durability, files\n"
    )
    count = "print(len(open(sys.argv[1]).readlines()))\n"
    told = subprocess.run(
        [sys.executable, "-I", "-c", start + code.replace("LOOK", count), str(trace)],
        cwd=folder,
        env={**os.environ, **preload.environment(trace=trace)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    so_far = trace.read_text().splitlines()[: int(told)]
    names = (line.split("\t", 3) for line in so_far if line.count("\t") >= 3)
    return {Path(row[3]).name for row in names if row[2] in SYNCS}, trace


_FILES = "files.write_new(dict.fromkeys(('a/one', 'a/two', 'b/three'), b'x'))\n"
_NAMES = {"one", "two", "three", "a", "b"}


def test_new_files_and_their_folders_are_on_the_disk_when_the_call_returns(tmp_path: Path) -> None:
    at_once, _ = _written(tmp_path, f"{_FILES}LOOK")
    assert at_once >= _NAMES


def test_a_file_without_a_folder_in_its_name_syncs_the_one_it_is_in(tmp_path: Path) -> None:
    at_once, _ = _written(tmp_path, "files.replace('plain.json', b'x')\nLOOK")
    assert at_once == {".plain.json.okstra-tmp", "written"}


def test_what_is_owed_is_synced_behind_the_command_with_its_folders(tmp_path: Path) -> None:
    code = (
        "with durability.deferred_fsync():\n"
        "    durability.start_deferring()\n"
        f"    {_FILES}"
        "    files.replace('plain.json', b'x')\n"
        "    LOOK"
    )
    at_once, trace = _written(tmp_path, code)
    assert at_once == set()
    eventually(lambda: synced(trace) >= {*_NAMES, "written"}, 30)
