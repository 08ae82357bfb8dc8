"""What the rows are measured on: repositories, plans, registries and ledgers of a given size."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OKSTRA = str(ROOT / "bin" / "okstra")
TASK = "bench:load:T-1"
REQUEST = "--request=Find the cause."


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
        self.okstra("plan", "approve", path, "--yes")
        self.okstra("run", "--task-key", TASK, "--task-type", "error-analysis", REQUEST, "--render-only")
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
        self.git("-c", "gc.auto=0", "commit", "--quiet", "-m", "Start")
        self.git("gc", "--quiet")  # packed, as repositories are; git would begin it behind the first measures


def scene(files: int) -> Scene:
    """A scene that stands until the benchmark ends: for minutes after many files were deleted, ext4 makes new ones in
    their place at a quarter of its speed."""
    folder = Path(tempfile.mkdtemp(prefix="okstra-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Scene(folder, files)


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
