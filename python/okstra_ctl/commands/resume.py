"""Continues a run that was stopped, or whose worker failed: valid results on disk are not produced again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..output import Reply
from ..services import Call
from .sandboxing import add_sandbox_flag, with_sandbox
from .trust import add_trust_flag, with_trust


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `okstra list` shows it")
    parser.add_argument("--budget", metavar="USD", default="", help="a new budget, including what was spent")
    add_trust_flag(parser)
    add_sandbox_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    from ..doctor.preflight import require_roster
    from ..lead.resuming import workers_to_ask
    from ..runs.find import find_run, roster_of, with_budget
    from ..settings.phases import phase_table
    from ..status import RunOutcome
    from ..system import assets
    from .leading import lead

    call = with_sandbox(args, with_trust(args, call))
    run = find_run(args.run, call.start, call.services)
    run = with_budget(run, args.budget) if args.budget else run
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type)
    if run.manifest.get("outcome") != RunOutcome.COMPLETED:
        roster = roster_of(run)
        asked = workers_to_ask(run, roster)
        require_roster(roster, phase, run.project, call.services, lead="", asked=asked)
    return lead(run, call)
