"""Led runs while they are under way: their processes, and ways to end them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import termios
from pathlib import Path
from typing import Any

from okstra_ctl.agents.sweep import find

from .faults import eventually
from .okstra import Ended, Project
from .rehearsal import led_args
from .sealed import ROOT


class LiveRun:
    """A run that okstra leads in the background. `events` are those of the run's own folder."""

    def __init__(self, project: Project, task_type: str, process: subprocess.Popen[str]) -> None:
        self.project, self.task_type, self.process = project, task_type, process

    @classmethod
    def start(cls, project: Project, task_type: str, *more: str) -> LiveRun:
        return cls(project, task_type, project.okstra.start(*led_args(project, task_type), *more))

    @classmethod
    def start_at_a_terminal(cls, project: Project, task_type: str) -> tuple[LiveRun, int]:
        """The run, and the terminal: closing the descriptor hangs it up."""
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [str(ROOT / "bin" / "okstra"), *led_args(project, task_type)],
            cwd=project.okstra.cwd,
            env=project.okstra.environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the test has no threads
        )
        os.close(theirs)
        return cls(project, task_type, process), ours

    @property
    def events(self) -> list[dict[str, Any]]:
        paths = list(self.project.task_root.glob(f"runs/{self.task_type}/**/state/events-*.jsonl"))
        lines = paths[0].read_text().split("\n")[:-1] if paths else []
        return [json.loads(line) for line in lines]

    @property
    def run(self) -> str:
        return str(self.events[0]["run_id"])

    @property
    def tokens(self) -> list[str]:
        return [str(row["token"]) for row in self.events if row.get("token")]

    def processes(self) -> list[int]:
        return [pid for token in self.tokens for pid in find(token)]

    def wait_for_event(self, event: str) -> None:
        eventually(lambda: any(row["event"] == event for row in self.events), 30.0)

    def wait_for_processes(self, count: int) -> None:
        """Until so many processes of its workers and checks are there."""
        eventually(lambda: self.process.poll() is not None or len(self.processes()) >= count, 30.0)
        assert self.process.poll() is None, self.ended()

    def wait_until_nothing_is_left(self, seconds: float = 8.0) -> None:
        eventually(lambda: not self.processes(), seconds)

    def supervisors(self) -> dict[str, int]:
        """The supervisors' processes by the worker that they supervise."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes().split(b"\0")
                parent = int((path / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue
            title = next((word.decode() for word in words if word.startswith(b"okstra-supervisor of ")), "")
            if title and parent == self.process.pid:
                found[title.removeprefix("okstra-supervisor of ")] = int(path.name)
        return found

    def ended(self) -> Ended:
        stdout, stderr = self.process.communicate(timeout=60)
        return Ended(self.process.returncode, stdout, stderr)

    def resume(self) -> Ended:
        return self.project.okstra("resume", self.run, "--json")

    @property
    def outcome(self) -> str | None:
        """What the run's manifest says."""
        (path,) = self.project.task_root.glob(f"runs/{self.task_type}/**/manifests/run-manifest-*.json")
        outcome: str | None = json.loads(path.read_text())["outcome"]
        return outcome
