"""Prepares the next run of a run's stage, in the same worktree; the earlier run can't finish any more."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..names import REHEARSAL
from ..options import add_trust_flag, add_wait_quota, with_trust
from ..output import Reply
from ..runs.find import find_run
from ..services import Call
from .leading import AUTO, CLAUDE, choose_lead, hand_over
from .run_inputs import parts


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run to do over, as `okstra list` prints it")
    parser.add_argument("--lead", choices=(CLAUDE, AUTO), default="", help="who drives the run")
    parser.add_argument("--workers", metavar="a,b", default="", help="other providers; default: as in the run")
    parser.add_argument("--provider", metavar="P", default="", help="one provider for every worker")
    parser.add_argument("--budget", metavar="USD", default="", help="another budget; default: the run's")
    parser.add_argument("--quorum", metavar="N", default="", help="another number of voices; default: the run's")
    add_wait_quota(parser)
    parser.add_argument("--fix-cycle", choices=("yes", "no"), default="", help="re-open a finished task")
    parser.add_argument("--render-only", action="store_true", help="prepare and print; start no lead")
    add_trust_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    from ..prepare.rerun import RerunOptions, rerun

    call = with_trust(args, call)
    run = find_run(args.run, call.start, call.services)
    kept = REHEARSAL if run.manifest.get("rehearsal") is True and not args.workers else ""
    provider = args.provider or kept
    lead = "" if args.render_only else choose_lead(args.lead, provider, run.id.task_type)
    options = RerunOptions(
        parts(args.workers), args.provider, args.budget, args.fix_cycle, lead, args.quorum, args.wait_quota
    )
    return hand_over(rerun(run, call.services, options), lead, call)
