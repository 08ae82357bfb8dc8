"""`--dry-run` writes nothing: every file of project, home and repository is the same before and after."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.okstra import Project
from support.plans import independent


def everything(project: Project) -> dict[str, tuple[object, ...]]:
    """Kind, mode, time and contents of all that is below the project and the person's home."""
    found: dict[str, tuple[object, ...]] = {}
    for root in (project.repo.path, project.home.parent):
        for folder, folders, names in os.walk(root):
            for name in [*folders, *names]:
                path = Path(folder, name)
                state = path.lstat()
                held: object = ""
                if path.is_symlink():
                    held = os.readlink(path)
                elif path.is_file():
                    held = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path)] = (state.st_mode, state.st_mtime_ns, held)
    return found


def new_task(project: Project) -> list[str]:
    (project.repo.path / "brief.md").write_text("Mend it.\n")
    place = ("--task-group", "g", "--task-id", "new", "--task-brief", str(project.repo.path / "brief.md"))
    return ["run", "--task-type", "error-analysis", *place]


def known_task(project: Project) -> list[str]:
    project.run_phase("error-analysis")
    return ["run", "--task-key", project.task_key, "--task-type", "implementation-planning"]


def first_stage(project: Project) -> list[str]:
    project.adopt(independent(2))
    return ["run", "--task-key", project.task_key, "--task-type", "implementation"]


def next_stage(project: Project) -> list[str]:
    args = first_stage(project)
    assert project.finish(project.run_stage()).status == 0
    return args


def all_ready(project: Project) -> list[str]:
    return [*next_stage(project), "--all-ready", "--provider", "rehearsal", "--yes"]


def ready_stages(project: Project) -> list[str]:
    next_stage(project)
    return ["batch", "--ready-stages", project.task_key]


def next_stage_of_an_earlier_okstra(project: Project) -> list[str]:
    """Its approvals were not kept yet: a run that is made counts its plan as approved, and remembers that."""
    args = next_stage(project)
    shutil.rmtree(project.home / "approvals")
    return args


def batch(project: Project) -> list[str]:
    runs = project.repo.path.parent / "runs.txt"
    runs.write_text(" ".join(new_task(project)[1:]) + "\n")
    return ["batch", str(runs)]


def collect(project: Project) -> list[str]:
    next_stage(project)
    project.okstra.ok("integrate", "--task-key", project.task_key)
    return ["gc"]


def backfill(project: Project) -> list[str]:
    next_stage(project)
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(line for line in lines if b'"status": "done"' not in line))
    return ["backfill"]


def handoff(project: Project) -> list[str]:
    next_stage(project)
    return ["handoff", project.task_key]


@pytest.mark.parametrize(
    "command",
    [
        *(new_task, known_task, first_stage, next_stage, next_stage_of_an_earlier_okstra),
        *(all_ready, ready_stages, batch, collect, backfill, handoff),
    ],
)
def test_nothing_is_written(project: Project, command: Callable[[Project], list[str]]) -> None:
    args = command(project)
    project.repo.git("status")  # git itself writes its index anew now and then
    before = everything(project)
    ended = project.okstra(*args, "--dry-run", "--json")
    after = everything(project)
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} == set(), ended
    assert ended.status == 0 or command is handoff, ended


def test_what_all_ready_would_start_is_told(project: Project) -> None:
    project.adopt({1: (), 2: (), 3: (1, 2)})
    args = ("run", "--task-key", project.task_key, "--task-type", "implementation", "--all-ready")
    seen = project.okstra.ok(*args, "--quorum", "3", "--dry-run", "--json")
    assert seen.data["stages"] == [1, 2]
    assert all("--quorum=3" in command.split() for command in seen.data["commands"])
    assert [command.split()[-2:] for command in seen.data["commands"]] == [["--stage", "1"], ["--stage", "2"]]
    assert project.okstra(*args, "--render-only", "--json").codes == ["usage"]
    assert project.ledger == []
