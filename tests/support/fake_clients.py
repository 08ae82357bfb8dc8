"""Clients that misbehave in one way each, and the smallest provider that starts them."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from okstra_ctl.agents.job import Job, Launch, Report, StreamResult
from okstra_ctl.agents.runner import Patience, run_job
from okstra_ctl.agents.sweep import find
from okstra_ctl.status import Access, Failure

PATIENCE = Patience(first=0.05, longest=0.2, linger=0.6)
SOON = 60.0
"""Seconds in which what ends at once has ended on the busiest machine; what goes on here goes on for longer."""


class Shell:
    """A client that is a shell script. The line `DONE` is its terminal event; `NO WORD` is a refused tool."""

    name = "shell"

    def __init__(self, script: str, *, by_message: bool = False) -> None:
        self.script, self._by_message = script, by_message

    def delivers_by_message(self, access: Access) -> bool:
        return self._by_message

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        environment = {**inherited, **job.environment, "RESULT": job.result}
        return Launch(("sh", "-c", self.script), prompt.encode(), environment)

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        lines = stdout.decode("utf-8", "replace").splitlines()
        failure, retry_after = Failure.NONE, None
        for line in lines:
            if line.startswith("429"):
                failure, retry_after = Failure.RATE_LIMIT, float(line.split()[1]) if " " in line else None
        denials = tuple(line for line in lines if line == "NO WORD")
        heard = StreamResult("DONE" in lines, failure, stderr.decode("utf-8", "replace"), retry_after, denials=denials)
        return heard._replace(last_message="\n".join(lines))


def job(folder: Path, *, access: Access = Access.READ, soft: float = 120.0, hard: float = 130.0) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    prompt = folder / "prompt.md"
    if not prompt.exists():
        prompt.write_text("do the thing\n")
    return Job(
        worker="analyst",
        role="analysis",
        provider="shell",
        model="none",
        prompt=str(prompt),
        folder=str(folder),
        access=access,
        result=str(folder / "results" / "result.md"),
        audit=str(folder / "results" / "audit.md"),
        log=str(folder / "logs" / "worker.log"),
        token=uuid.uuid4().hex,
        soft_limit=soft,
        hard_limit=hard,
    )


def play(
    script: str,
    work: Job,
    *,
    stop: threading.Event | None = None,
    by_message: bool = False,
    report_stall: Callable[[bool], None] = lambda stalled: None,
) -> Report:
    provider = Shell(script, by_message=by_message)
    inherited = {"PATH": os.environ["PATH"]}
    waits = stop or threading.Event()
    return run_job(work, provider, stop=waits, inherited=inherited, patience=PATIENCE, report_stall=report_stall)


def left_of(work: Job, within: float = 30.0) -> list[int]:
    """The processes of the dispatch that are still there after so long."""
    deadline = time.monotonic() + within
    while (found := find(work.token)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


RUN_IT = """
import sys
from pathlib import Path
from support.fake_clients import job, play
work = job(Path(sys.argv[1]), soft=float(sys.argv[3]), hard=float(sys.argv[4]))._replace(token=sys.argv[5])
play(sys.argv[2], work)
"""


def command(folder: Path, script: str, work: Job) -> list[str]:
    """The command line of an okstra that does nothing but run this job."""
    limits = (str(work.soft_limit), str(work.hard_limit))
    return [sys.executable, "-c", RUN_IT, str(folder), script, *limits, work.token]
