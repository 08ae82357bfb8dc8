"""A person's desk: a project, a home in which okstra is installed, the clients on the PATH, a terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from support.okstra import Ended, Okstra, Project
from support.sealed import ROOT

from .lab import client_path, client_variables, codex_arguments, scratch_in
from .model_server import ModelServer
from .sessions import Terminal, settle_in

PHASE = "error-analysis"


class Desk:
    """`run` is the one that `flags` start, led by the person's own session."""

    run = f"{Project.task_key}/{PHASE}/001"
    flags = (
        *("--task-key", Project.task_key, "--lead", "claude", "--yes", "--request", "The heading is wrong."),
        *("--workers", "claude,codex", "--codex-model", "gpt-5.5"),
    )

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.home = Path(project.okstra.environment["HOME"])
        self.run_folder = project.task_root / "runs" / PHASE
        self.worktree = self.home / ".okstra" / "worktrees" / "demo" / "core" / "t-1" / "task"

    def environment(self, server: ModelServer) -> dict[str, str]:
        found = {**self.project.okstra.environment, "TMPDIR": str(scratch_in(self.folder))}
        found["PATH"] = os.pathsep.join([str(ROOT / "bin"), client_path(), os.environ["PATH"]])
        for name in ("claude", "codex"):
            found |= client_variables(name, self.home, server)
        return found

    def okstra(self, server: ModelServer, *words: str | Path) -> Ended:
        return Okstra(self.environment(server), self.project.repo.path)(*words)

    def sit_down(self, server: ModelServer, *words: str, phase: str = PHASE) -> Terminal:
        """okstra installed, the project trusted, and the run started as a person starts it."""
        self.install(server)
        environment = self.environment(server)
        settle_in(self.home, environment["ANTHROPIC_API_KEY"], self.project.repo.path)
        argv = (str(ROOT / "bin" / "okstra.sh"), *self.flags, "--task-type", phase, *words)
        return Terminal(self.folder / "tmux", argv, self.project.repo.path, environment)

    def install(self, server: ModelServer) -> None:
        installed = self.okstra(server, "install")
        assert installed.status == 0, installed
        config = {"providers": {"codex": {"arguments": codex_arguments(server)}}}
        (self.project.home / "config.json").write_text(json.dumps(config))

    def result(self, worker: str) -> Path:
        return self.run_folder / "worker-results" / f"{worker}-worker-{PHASE}-001.md"

    def status(self, server: ModelServer) -> dict[str, Any]:
        """What `okstra status` says of the run; empty when it is not in work."""
        rows = self.okstra(server, "status", "--json").data["runs"]
        return next((row for row in rows if row["run_id"] == self.run), {})

    @property
    def manifest(self) -> dict[str, Any]:
        return self._record("manifests", f"run-manifest-{PHASE}-001.json")

    @property
    def report(self) -> dict[str, Any]:
        return self._record("reports", f"final-report-{PHASE}-001.data.json")

    def events_of(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.run_folder / "state" / "events-001.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def _record(self, folder: str, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.run_folder / folder / name).read_text())
        return value
