"""A worktree in which a scripted agent of the Agent Client Protocol (`acp_agent.py`) works, and what came of it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from okstra_ctl.agents.acp.provider import Acp
from okstra_ctl.agents.acp_agents import Agent
from okstra_ctl.agents.job import Job, Report
from okstra_ctl.agents.runner import run_job
from okstra_ctl.status import Access, Failure, WorkerOutcome

from .fake_clients import PATIENCE
from .fake_clients import job as plain_job
from .sealed import ROOT, sealed_environment

SCRIPTED = ROOT / "tests" / "support" / "acp_agent.py"


class Place(NamedTuple):
    """A worktree with a file, a file outside it, and a link that leads out."""

    folder: Path
    outside: Path

    @property
    def tree(self) -> Path:
        return self.folder / "tree"


def place(folder: Path) -> Place:
    found = Place(folder, folder / "outside.txt")
    (found.tree / "sub").mkdir(parents=True)
    (found.tree / "code.txt").write_text("one\ntwo\nthree\n")
    found.outside.write_text("private\n")
    (found.tree / "way-out").symlink_to(found.outside)
    (found.tree / "folder-out").symlink_to(folder)
    return found


def job(here: Place, access: Access, **limits: float) -> Job:
    return plain_job(here.folder / "run", access=access, **limits)._replace(folder=str(here.tree), model="default")


def scripted(here: Place, script: Mapping[str, Any], **more: Any) -> Agent:
    path = here.folder / "script.json"
    path.write_text(json.dumps(script))
    return Agent("mine", (sys.executable, str(SCRIPTED), str(path)), **more)


def play(agent: Agent, work: Job, *, stop: threading.Event | None = None) -> Report:
    (home := Path(work.folder).parent / "home").mkdir(exist_ok=True)
    inherited = sealed_environment(home)
    return run_job(work, Acp(agent), stop=stop or threading.Event(), inherited=inherited, patience=PATIENCE)


def ends(report: Report) -> tuple[WorkerOutcome, Failure]:
    return report.outcome, report.stream.failure
