"""A run's cited commands, run anew because a person asks for it. The run's own record stays as it is."""

from __future__ import annotations

import os
import tempfile
import threading

from ..proof.cited_commands import Order, see_commands
from ..results.commands import Seen, cited_commands
from ..runs.containment import sandbox_of
from ..runs.find import KnownRun
from ..services import Services
from ..settings.limits import CONTAINED, NEVER, evidence_settings
from ..system import files
from ..worktrees.proofs import Show, silent
from .evidence import RunEvidence, check_run_evidence, cited_commit, run_citations


def execute_run_evidence(run: KnownRun, services: Services, show: Show = silent) -> RunEvidence:
    """Checks all evidence of a run, and runs each command that it cites. `show` gets a word while it waits.

    Raises as `check_run_evidence` and `proof.cited_commands.see_commands`; UsageError (`bad-config`).
    """
    settings = evidence_settings(files.read_json(services.home.config) or {}, where=services.home.config)
    if settings.execute == NEVER:  # which is for led runs: here a person asks for it
        settings = settings._replace(execute=CONTAINED)
    sandbox = sandbox_of(run.project.root, services)
    ran: dict[str, Seen] = {}
    with tempfile.TemporaryDirectory(prefix="okstra-evidence-") as folder:
        log = os.path.join(folder, "log")
        order = Order(run, cited_commit(run), sandbox, settings, services, log, threading.Event(), led=False, show=show)
        cited = cited_commands(line for _, _, line in run_citations(run))
        see_commands(order, cited, (), lambda seen: ran.update({seen.command: seen}))
    return check_run_evidence(run, ran)
