"""Runs one worker of a prepared run in its provider's headless client, for a lead that is a person's session.

Exit 0: a valid result is there; 1: none is, and the log says why.
"""

from __future__ import annotations

import threading
from argparse import ArgumentParser, Namespace

from ..errors import WorkFailed
from ..options import add_common_flags, add_sandbox_flag, with_sandbox
from ..output import Reply, fields
from ..services import Call
from ..status import WorkerOutcome


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    run = actions.add_parser("exec", help="dispatch a worker, wait for its end, check its result")
    for name, meaning in (
        ("provider", "claude, codex, gemini, rehearsal, acp:NAME, or a command of the settings"),
        ("root", "the project's folder"),
        ("model", "the model, as the client names it"),
        ("prompt", "the worker's prompt, in the run's prompts/ folder"),
        ("worktree", "the run's worktree"),
        ("role", "the worker's role: analyst, executor, verifier, report-writer or critic"),
    ):
        run.add_argument(name, metavar=name.upper(), help=meaning)
    add_sandbox_flag(run)
    add_common_flags(run)


def execute(args: Namespace, call: Call) -> Reply:
    """Raises WorkFailed (`worker-failed`) when the worker left no valid result."""
    from ..lead.worker import WorkerOrder, exec_worker
    from ..system.signals import stopped_by_signals
    from .leading import print_progress

    call = with_sandbox(args, call)
    order = WorkerOrder(args.provider, args.root, args.model, args.prompt, args.worktree, args.role)
    stop = threading.Event()
    with stopped_by_signals(stop):
        done = exec_worker(order, call.services, stop=stop, print_progress=print_progress)
    answer, log = done
    data = {
        "worker": answer.worker.id,
        "outcome": str(answer.outcome),
        "state": str(answer.state),
        "result": answer.assignment.result,
        "log": log,
        "attempts": answer.attempts,
    }
    if answer.outcome is not WorkerOutcome.COMPLETED:
        message = f"{answer.worker.id}: {answer.outcome}, {answer.state}"
        raise WorkFailed("worker-failed", message, where=log, hint="read the log; then dispatch it again", data=data)
    return Reply(data, fields([(name, data[name]) for name in ("worker", "outcome", "state", "result", "log")]))
