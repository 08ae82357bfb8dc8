"""Histories of a given size: reservations, ledger rows, index rows, worktrees and old runs, in okstra's own layout."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from scenes import ROOT, TASK, Scene

sys.path.insert(0, str(ROOT / "python"))

from okstra_ctl.claims.registry import Registry
from okstra_ctl.claims.registry_document import StageClaim
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index
from okstra_ctl.index.run_index import IndexRow
from okstra_ctl.names import StageKey, TaskKey
from okstra_ctl.status import ClaimStatus


def fill_registry(home: Path, entries: int, *, project: str = "/elsewhere/project", below: str = "/elsewhere") -> None:
    """Adds live reservations of other tasks to the registry."""
    with Registry(HomePaths(str(home))).transaction() as doc:
        for number in range(entries):
            key = StageKey(TaskKey.make("other", "load", f"X-{number}"), 1)
            doc.put_stage(
                key,
                StageClaim(
                    path=f"{below}/x-{number}",
                    branch=f"feat-x-{number}-s1",
                    base_commit="0123456789" * 4,
                    project_root=project,
                    status=ClaimStatus.ACTIVE,
                    run_id=f"{key.task}/implementation/stage-1/001",
                    owner=None,
                    reserved_at="2026-01-01T00:00:00Z",
                    epoch=1,
                    token=f"okstra {key} epoch 1",
                    plan=f"{project}/.okstra/tasks/load/x-{number}/plan.md",
                    plan_digest="ab" * 32,
                ),
            )


def fill_worktrees(place: Scene, count: int) -> None:
    """Worktrees that git and okstra know of, each on its branch, with no file in them."""
    head, below = place.git("rev-parse", "HEAD"), place.folder / "worktrees"
    branches = place.repo / ".git" / "refs" / "heads"
    for number in range(count):
        admin, folder = place.repo / ".git" / "worktrees" / f"x-{number}", below / f"x-{number}"
        admin.mkdir(parents=True)
        folder.mkdir(parents=True)
        (folder / ".git").write_text(f"gitdir: {admin}\n")
        (admin / "gitdir").write_text(f"{folder}/.git\n")
        (admin / "commondir").write_text("../..\n")
        (admin / "HEAD").write_text(f"ref: refs/heads/feat-x-{number}-s1\n")
        (branches / f"feat-x-{number}-s1").write_text(f"{head}\n")
        (admin / "locked").write_text(f"okstra other:load:x-{number}#stage-1 epoch 1\n")
    fill_registry(place.home / ".okstra", count, project=str(place.repo), below=str(below))
    listed = place.git("worktree", "list", "--porcelain").count("\nlocked")
    if listed != count:
        raise SystemExit(f"git sees {listed} of the {count} worktrees")


def fill_ledger(plan: str, rows: int) -> None:
    """Adds history to the plan's ledger: rows of an earlier text of the plan."""
    path = Path(plan).parent.parent / "consumers.jsonl"
    with path.open("a", encoding="utf-8") as file:
        for number in range(rows):
            run_id = f"{TASK}/implementation/stage-{number % 20 + 900}/{number:03d}"
            row = {
                "v": 1,
                "id": f"{run_id}@1:released",
                "impl_task_key": TASK,
                "stage": number % 20 + 900,
                "status": "released",
                "at": "2026-01-01T00:00:00Z",
                "run_id": run_id,
                "epoch": 1,
                "plan_digest": "cd" * 32,
                "head_commit": "0123456789" * 4,
                "note": "",
                "owner": None,
            }
            file.write(json.dumps(row) + "\n")


def fill_index(home: Path, rows: int) -> Path:
    """A run index of `rows` runs as okstra keeps it, a tenth of them open. Returns its file."""
    made = []
    for number in range(rows):
        opened = number % 10 == 0
        at = f"2026-{1 + number * 9 // rows:02d}-{1 + number % 28:02d}T00:00:00Z"
        row = IndexRow(
            run_id=f"bench:load:T-{number % 500}/error-analysis/{number // 500 + 1:03d}",
            event="prepared" if opened else "completed",
            at=at,
            task_type="error-analysis",
            stage=None,
            project_root="/elsewhere/project",
            manifest=f"/elsewhere/project/.okstra/tasks/load/t-{number}/manifest.json",
        )
        made.append(row if opened else row._replace(prepared_at=at, started_at=at))
    paths = HomePaths(str(home))
    run_index.append_all(paths, made)
    return Path(paths.run_index)


def fill_runs(run_dir: Path, runs: int) -> None:
    """Copies the task's only run so that it has `runs` of them, each with all of its files."""
    numbered = [path for path in run_dir.rglob("*001*") if path.is_file()]
    for number in range(2, runs + 1):
        for path in numbered:
            shutil.copyfile(path, path.with_name(path.name.replace("001", f"{number:03d}")))
