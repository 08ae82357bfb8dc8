"""What the rows are measured on: repositories, plans, registries and ledgers of a given size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OKSTRA = str(ROOT / "bin" / "okstra")
TASK = "bench:load:T-1"


class Scene:
    """A project in a temporary folder with its own home; `env` reaches nothing else."""

    def __init__(self, folder: Path, files: int) -> None:
        self.folder, self.repo, self.home = folder, folder / "repo", folder / "home"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OKSTRA", "GIT_", "CLAUDE"))}
        self.env = {
            **kept,
            "HOME": str(self.home),
            "OKSTRA_HOME": str(self.home / ".okstra"),
            "OKSTRA_PYTHON": sys.executable,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.home.mkdir()
        self._make_repo(files)
        self.okstra("setup", "--project-id", "bench", "--yes")
        self._adds = 0

    def okstra(self, *args: str) -> str:
        done = subprocess.run([OKSTRA, *args], cwd=self.repo, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"okstra {' '.join(args)} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
        return done.stdout

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.repo), *args], env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def plan(self, stages: int) -> str:
        """Adopts and approves a plan of independent stages; prepares the task's worktree."""
        source = self.folder / "plan.md"
        source.write_text(plan_of(stages), encoding="utf-8")
        adopted = self.okstra("plan", "adopt", str(source), "--task-key", TASK, "--json")
        path: str = json.loads(adopted)["data"]["plan"]
        self.okstra("plan", "approve", path)
        self.okstra("run", "--task-key", TASK, "--task-type", "error-analysis", "--render-only")
        return path

    def take_stage(self) -> None:
        self.okstra(*self.take_stage_args())

    @staticmethod
    def take_stage_args() -> tuple[str, ...]:
        return ("run", "--task-key", TASK, "--task-type", "implementation", "--render-only")

    def bare_add(self) -> None:
        """What a person would do by hand, with git's own defaults."""
        self._adds += 1
        self.git("worktree", "add", "--quiet", "-b", f"bare-{self._adds}", self._bare(self._adds), "HEAD")

    def bare_remove(self, number: int) -> None:
        self.git("worktree", "remove", "--force", self._bare(number))

    def _bare(self, number: int) -> str:
        """Beside okstra's own worktrees: a file system takes its time by the region of the disk that a folder is in."""
        return str(self.home / ".okstra" / "worktrees" / "bench" / "load" / "t-1" / f"bare-{number}")

    def _make_repo(self, files: int) -> None:
        self.repo.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Bench")
        self.git("config", "user.email", "bench@example.invalid")
        for number in range(files):
            path = self.repo / f"d{number % 97}" / f"f{number}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"file {number}\n" * 20, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "Start")


@contextmanager
def scene(files: int) -> Iterator[Scene]:
    folder = Path(tempfile.mkdtemp(prefix="okstra-bench-"))
    try:
        yield Scene(folder, files)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plan_of(stages: int, *, filler: int = 0) -> str:
    """A plan of independent stages; `filler` bytes of prose are added to each stage's section."""
    rows = "\n".join(f"| {n} | Part {n} | (none) | `part{n}/**` | 2 | `true` |" for n in range(1, stages + 1))
    prose = "Plain words about `code` and more of them. " * (filler // 43)
    sections = "\n".join(
        f"### 5.5.{n} Stage {n}: Part {n}\n\n{prose}\n\n1. Write a failing test in `part{n}/test_it.py`.\n"
        f"2. Write `part{n}/it.py` so that it passes.\n"
        for n in range(1, stages + 1)
    )
    return (
        "---\napproved: true\n---\n# Plan\n\n## 5.5 Stage Map\n\n"
        "| Stage | Title | Depends on | Files | Steps | Exit check |\n|---|---|---|---|---|---|\n"
        f"{rows}\n\n{sections}"
    )


def fill_registry(home: Path, entries: int) -> None:
    """Adds live reservations of other tasks to the registry, in okstra's own layout."""
    sys.path.insert(0, str(ROOT / "python"))
    from okstra_ctl.core.home_paths import HomePaths
    from okstra_ctl.core.identity import StageKey, TaskKey
    from okstra_ctl.core.registry_doc import StageClaim
    from okstra_ctl.edges.registry import Registry
    from okstra_ctl.words.statuses import ClaimStatus

    with Registry(HomePaths(str(home))).transaction() as doc:
        for number in range(entries):
            key = StageKey(TaskKey.make("other", "load", f"X-{number}"), 1)
            place = f"/elsewhere/worktrees/other/load/x-{number}/stage-1"
            doc.put_stage(
                key,
                StageClaim(
                    path=place,
                    branch=f"feat-x-{number}-s1",
                    base_commit="0123456789" * 4,
                    project_root="/elsewhere/project",
                    status=ClaimStatus.ACTIVE,
                    run_id=f"{key.task}/implementation/stage-1/001",
                    owner=None,
                    reserved_at="2026-01-01T00:00:00Z",
                    epoch=1,
                    token=f"okstra {key} epoch 1",
                    plan=f"/elsewhere/project/.okstra/tasks/load/x-{number}/plan.md",
                    plan_digest="ab" * 32,
                ),
            )


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


def fill_index(home: Path, rows: int) -> list[Path]:
    """A run index of `rows` runs as okstra keeps it: a tenth open, of the ended ones the newest 1,000 recent, the rest
    archived by month. Answers its files."""
    (home / "archive").mkdir(parents=True, exist_ok=True)
    names: dict[str, list[str]] = {}
    for number in range(rows):
        opened, newest = number % 10 == 0, number >= rows - 1111
        at = f"2026-{1 + number * 9 // rows:02d}-{1 + number % 28:02d}T00:00:00Z"
        name = "active" if opened else "recent" if newest else f"archive/{at[:7]}"
        row = {
            "v": 1,
            "run_id": f"bench:load:T-{number % 500}/error-analysis/{number // 500 + 1:03d}",
            "event": "prepared" if opened else "completed",
            "at": at,
            "task_type": "error-analysis",
            "stage": None,
            "project_root": "/elsewhere/project",
            "manifest": f"/elsewhere/project/.okstra/tasks/load/t-{number}/manifest.json",
        }
        ended = {} if opened else {"prepared_at": at, "started_at": at}
        names.setdefault(name, []).append(json.dumps({**row, **ended}))
    for name, lines in names.items():
        (home / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [home / f"{name}.jsonl" for name in names]
