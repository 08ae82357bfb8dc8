"""The real commands, through the real doors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from okstra_ctl.settings.phases import NEED_REQUEST

from .approvals import approve
from .plans import plan_text
from .repos import Repo
from .sealed import ROOT


class Ended:
    """How a command ended."""

    def __init__(self, status: int, stdout: str, stderr: str) -> None:
        self.status, self.stdout, self.stderr = status, stdout, stderr

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON answer; there must be exactly one object on stdout."""
        value: dict[str, Any] = json.loads(self.stdout)
        return value

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.envelope["data"]
        return data

    @property
    def codes(self) -> list[str]:
        return [error["code"] for error in self.envelope["errors"]]

    def __repr__(self) -> str:
        return f"status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class Okstra:
    """Calls `bin/okstra` in a folder, in a sealed environment."""

    def __init__(self, environment: Mapping[str, str], cwd: Path) -> None:
        self.environment = {**environment, "OKSTRA_PYTHON": sys.executable}
        self.cwd = cwd

    def __call__(self, *args: str | Path, cwd: Path | None = None, **more_environment: str) -> Ended:
        process = self.start(*args, cwd=cwd, **more_environment)
        stdout, stderr = process.communicate(timeout=120)
        return Ended(process.returncode, stdout, stderr)

    def start(self, *args: str | Path, cwd: Path | None = None, **more_environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(ROOT / "bin" / "okstra"), *map(str, args)],
            cwd=cwd or self.cwd,
            env={**self.environment, **more_environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            start_new_session=True,
        )

    def ok(self, *args: str | Path, **options: Any) -> Ended:
        """A call that must succeed."""
        ended = self(*args, **options)
        assert ended.status == 0, ended
        return ended


class Project:
    """A registered project with one task; `okstra` is called in its repository."""

    task_key = "demo:core:T-1"

    def __init__(self, repo: Repo, okstra: Okstra) -> None:
        self.repo, self.okstra = repo, okstra
        self.home = Path(okstra.environment["OKSTRA_HOME"])

    @property
    def task_root(self) -> Path:
        return self.repo.path / ".okstra" / "tasks" / "core" / "t-1"

    @property
    def registry(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.home / "worktrees" / "registry.json").read_text())
        return value

    @property
    def ledger(self) -> list[dict[str, Any]]:
        path = self.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def adopt(self, depends: Mapping[int, tuple[int, ...]], **options: Any) -> str:
        """Adopts a plan with these stages and dependencies, approved unless told otherwise; answers its path."""
        return self.adopt_text(plan_text(depends, **options), approved=options.get("approved", True))

    def adopt_text(self, text: str, *, approved: bool = True) -> str:
        source = self.repo.path.parent / "plan.md"
        source.write_text(text, encoding="utf-8")
        adopted = self.okstra.ok("plan", "adopt", source, "--task-key", self.task_key, "--json")
        if approved:
            approve(adopted.data["plan"], self.okstra.environment)
        return str(adopted.data["plan"])

    def run_stage(self, stage: str = "auto", *more: str, **options: Any) -> Ended:
        return self.okstra(*self.run_args(stage), *more, **options)

    def run_args(self, stage: str = "auto") -> tuple[str, ...]:
        flags = ("--task-type", "implementation", "--stage", stage, "--render-only", "--json")
        return ("run", "--task-key", self.task_key, *flags)

    def run_phase(self, task_type: str = "error-analysis", *more: str) -> Ended:
        """Prepares a run of the phase; a task that it begins is a feature: its branch is `feat-t-1`."""
        kind = () if "--work-category" in more else ("--work-category", "feature")
        words = ("--task-key", self.task_key, "--task-type", task_type, *kind, "--render-only", "--json")
        return self.okstra("run", *words, *self.brief_for(task_type), *more)

    def brief_for(self, task_type: str) -> tuple[str, ...]:
        """The flags that give a new task, or a phase that needs it, its request: a file outside the repository."""
        if task_type not in NEED_REQUEST and (self.task_root / "task-manifest.json").exists():
            return ()
        path = self.repo.path.parent / "request.md"
        path.write_text("# The thing\n\nDo the thing.\n", encoding="utf-8")
        return ("--task-brief", str(path))

    def work(self, prepared: Ended) -> str:
        """Commits a planned file in the stage worktree of a prepared run; answers the commit."""
        stage = prepared.data["stage"]
        at = Path(prepared.data["worktree"]["path"])
        return self.repo.commit({f"stage-{stage}/it.py": f"# stage {stage}\n"}, f"feat: stage {stage}", at=at)

    def finish(self, prepared: Ended) -> Ended:
        self.work(prepared)
        return self.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
