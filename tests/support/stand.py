"""A task in the middle of its life, to be struck at and put back: every file that okstra reads is there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from . import hostile
from .okstra import Ended, Okstra, Project
from .repos import Repo
from .sealed import sealed_environment

_PLANNING = "implementation-planning"
_OWN = {"home", "outside", "plan.md", "project", "request.md"}


class Target(NamedTuple):
    """A file that okstra reads, by where it is, and the commands that read it, those that change much last."""

    place: Callable[[Project], Path]
    commands: tuple[str, ...]
    derived: bool = False  # may be written anew when it is damaged: a cache


def _task(*parts: str) -> Callable[[Project], Path]:
    return lambda project: project.task_root.joinpath(*parts)


def _home(*parts: str) -> Callable[[Project], Path]:
    return lambda project: project.home.joinpath(*parts)


def _approved(project: Project, suffix: str) -> Path:
    """What was approved of the task's one plan."""
    (path,) = (project.home / "approvals" / "demo").glob(f"*{suffix}")
    return path


TARGETS = {
    "project.json": Target(
        lambda project: project.repo.path / ".okstra" / "project.json", ("check-project", "show", "setup", "run")
    ),
    "config.json": Target(_home("config.json"), ("check-project", "run")),
    "registry.json": Target(
        _home("worktrees", "registry.json"),
        *(("list", "worktree list", "stage list", "check-project", "gc", "reconcile", "done", "release", "run"),),
    ),
    "consumers.jsonl": Target(
        _task("runs", _PLANNING, "consumers.jsonl"), ("stage list", "reconcile", "backfill", "done", "run")
    ),
    "index.sqlite3": Target(_home("index.sqlite3"), ("list", "show", "reconcile", "done", "run")),
    "runs.jsonl": Target(
        lambda project: project.repo.path / ".okstra" / "discovery" / "runs.jsonl", ("reconcile", "done", "run")
    ),
    "task-manifest.json": Target(_task("task-manifest.json"), ("stage list", "backfill", "done", "run")),
    "task-catalog.json": Target(
        lambda project: project.repo.path / ".okstra" / "discovery" / "task-catalog.json", ("done", "run")
    ),
    "run-manifest": Target(
        _task("runs", "implementation", "stage-2", "manifests", "run-manifest-implementation-001.json"),
        ("show", "paths", "reconcile", "backfill", "rerun", "done", "release"),
    ),
    "approvals.jsonl": Target(
        _home("approvals", "demo", "approvals.jsonl"), ("plan show", "stage list", "done", "run")
    ),
    "approved text": Target(lambda project: _approved(project, ".md"), ("plan show", "stage list", "done", "run")),
    "approved map": Target(
        lambda project: _approved(project, ".json"), ("plan show", "stage list", "done", "run"), derived=True
    ),
    "exit-check": Target(_task("runs", "implementation", "stage-2", "state", "exit-check-001.json"), ("backfill",)),
    "plan": Target(
        _task("runs", _PLANNING, "reports", f"final-report-{_PLANNING}-001.md"),
        ("plan check", "plan show", "plan approve", "stage list", "reconcile", "done", "run"),
    ),
    "brief": Target(lambda project: project.repo.path / "brief.md", ("run",)),
}


class Stand:
    """A task in the middle of its life, put back after each blow: stage 1 done, stage 2 in work, stage 3 free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "stand"
        home = self.folder / "home"
        home.mkdir(parents=True)
        self.environment = environment = sealed_environment(home)
        repo = Repo.init(self.folder / "project", environment)
        repo.commit({"brief.md": "Do the thing.\n", ".gitignore": "nothing\n"})
        self.project = Project(repo, Okstra(environment, repo.path))
        self.outside = self.folder / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("not okstra's\n")
        self._live()
        self.kept = hostile.Kept(self.folder, folder / "kept")

    def _live(self) -> None:
        project, okstra = self.project, self.project.okstra
        okstra.ok("setup", "--project-id", "demo", "--yes")
        project.run_phase("error-analysis", "--task-brief", str(project.repo.path / "brief.md"))
        self.plan = project.adopt({1: (), 2: (), 3: ()})
        assert project.finish(project.run_stage()).status == 0
        second = project.run_stage()
        self.run_id = second.data["run_id"]
        commit = project.work(second)
        (project.home / "config.json").write_text('{"models": {"claude": "opus"}}')
        record = TARGETS["exit-check"].place(project)
        green = record.parents[2] / "stage-1" / "state" / record.name
        record.write_text(json.dumps({**json.loads(green.read_text()), "commit": commit}))

    def argv(self, command: str) -> tuple[str, ...]:
        project = self.project
        words: dict[str, tuple[str, ...]] = {
            "list": ("list",),
            "show": ("show", self.run_id),
            "paths": ("paths", self.run_id),
            "setup": ("setup", "--project-id", "demo", "--yes"),
            "stage list": ("stage", "list", "--plan", self.plan),
            "worktree list": ("worktree", "list"),
            "plan check": ("plan", "check", self.plan),
            "plan show": ("plan", "show", self.plan),
            "plan approve": ("plan", "approve", self.plan, "--yes"),
            "check-project": ("check-project",),
            "reconcile": ("reconcile",),
            "gc": ("gc", "--dry-run"),
            "backfill": ("backfill", "--dry-run"),
            "rerun": ("rerun", self.run_id, "--render-only"),
            "done": ("stage", "done", "--run", self.run_id),
            "release": ("stage", "release", "--run", self.run_id),
            "run": tuple(word for word in project.run_args() if word != "--json"),
        }
        return words[command]

    def call(self, argv: Sequence[str]) -> Ended:
        """Any command, in this project."""
        common = ("--json", "--project-root", str(self.project.repo.path))
        return hostile.call((argv[0], *common, *argv[1:]), self.environment)

    def meet(self, target: Target, blow: Callable[[Path], object]) -> list[str]:
        """Strikes, runs the commands that read the file, answers what was wrong, and puts all back."""
        path = target.place(self.project)
        blow(path)
        outside, wrong = hostile.contents(self.outside), []
        for command in target.commands:
            before = _seen(path)
            try:
                ended = self.call(self.argv(command))
            except hostile.TooLong:
                wrong.append(f"{command}: waits for ever")
                continue
            wrong += [f"{command}: {fault}: {ended}" for fault in hostile.faults_of(ended)]
            if ended.status == 65 and not target.derived and _seen(path) != before:
                wrong.append(f"{command}: wrote to the damaged file: {ended}")
        wrong += self.strays(outside)
        self.kept.restore()
        return wrong

    def strays(self, outside: Mapping[str, str]) -> list[str]:
        """What was written where okstra has no business."""
        beside = sorted(entry.name for entry in self.folder.iterdir() if entry.name not in _OWN)
        wrong = [f"wrote beside: {beside}"] if beside else []
        return [*wrong, "wrote outside"] if hostile.contents(self.outside) != outside else wrong


def _seen(path: Path) -> object:
    found = os.lstat(path) if os.path.lexists(path) else None
    if found is None or not path.is_file() or path.is_symlink():
        return found and (found.st_mode, found.st_ino)
    path.chmod(0o600)
    return path.read_bytes()
