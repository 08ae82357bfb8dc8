"""One worker on its own, for an interactive lead: `okstra-codex-exec.sh` and its like call it (docs/design/leading.md).

The same limits, log, events, checks and repair as in a run that okstra leads; what is valid on disk is not done again.
In tmux, a pane shows the worker's log as it grows.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ..agents.rehearsal_script import anchors
from ..checks.result import expected_at, problems_of_text
from ..errors import Missing, UsageError
from ..guard import hooks
from ..results.worker import parse_worker_result
from ..runs.find import find_run
from ..sandbox.choice import words
from ..services import Services
from ..settings.roster import Worker
from ..system import files, processes
from .assignments import MAIN, Answer, Assignment
from .context import PrintProgress, RunContext, open_context
from .dispatch import dispatch
from .dispatch_log import dispatched_before, log_of
from .tracing import begin_trace, ended_trace

_WHO = re.compile(r"You are the worker `([^`]+)` of the okstra run `([^`]+)`")
_RESULT_LABEL = "worker"
_FINDERS = ("analyst", "verifier", "critic")


class WorkerOrder(NamedTuple):
    """The command's arguments."""

    provider: str
    project_root: str
    model: str
    prompt: str
    worktree: str
    role: str


class WorkerDone(NamedTuple):
    answer: Answer
    log: str


def exec_worker(
    order: WorkerOrder, services: Services, *, stop: threading.Event, print_progress: PrintProgress
) -> WorkerDone:
    """Dispatches the worker that the prompt is for.

    Raises UsageError (`not-found`, `usage`, `unknown-worker`), Unreadable, Interrupted, Refused (`budget-spent`).
    """
    prompt = os.path.abspath(order.prompt)
    text, worker_id, run_id, result = _read(prompt)
    context = open_context(
        find_run(run_id, os.path.abspath(order.project_root), services), services, stop, print_progress
    )
    _check_place(order, context)
    if not os.path.exists(context.files.guard_rules):  # a session that was open already leads: nothing was handed over
        hooks.set_up(context.run, services)
    if watched := words(context.sandbox.probed):
        print_progress(watched)
    assignment = _assignment(order, prompt, worker_id, result)._replace(facts=_facts(text, result))
    log = log_of(context, assignment, dispatched_before(context, assignment) + 1)
    context = begin_trace(context)
    with pane_on(log, services.environment), ended_trace(context):
        (answer,) = dispatch(context, [assignment])
    return WorkerDone(answer, log)


def _read(prompt: str) -> tuple[str, str, str, str]:
    """The prompt's text; the worker, the run and the result's path, as it names them."""
    data = files.read_bytes(prompt)
    if data is None:
        raise UsageError("not-found", "there is no such prompt", where=prompt)
    text = data.decode("utf-8", "replace")
    facts = anchors(text)
    who, result = _WHO.search(text), facts.get("FILED_AS") or facts.get("RESULT_PATH", "")  # by an older okstra
    if who is None or not result:
        hint = "name a file of the run's prompts/ folder"
        raise UsageError("not-found", "not the prompt of an okstra worker", where=prompt, hint=hint)
    return text, who[1], who[2], result


def _facts(prompt: str, result: str) -> dict[str, str]:
    """Further facts for the client: which round this is, and which items are asked about."""
    label = expected_at(result).label
    rounds = {_RESULT_LABEL: "", "plan-check": "plan"}
    return {"ROUND": rounds.get(label, label.removeprefix("round-")), "ITEMS": anchors(prompt).get("ITEMS", "")}


def _check_place(order: WorkerOrder, context: RunContext) -> None:
    """Raises UsageError (`usage`): a worker is never started in another folder than its run's."""
    if os.path.realpath(order.worktree) != os.path.realpath(context.folder):
        raise UsageError("usage", f"the run works in {context.folder}", where=order.worktree, hint="name that folder")


def _assignment(order: WorkerOrder, prompt: str, worker_id: str, result: str) -> Assignment:
    expected = expected_at(result)
    if order.role != expected.role:
        raise UsageError("usage", f"{worker_id} is the run's {expected.role}", where=order.role)
    return Assignment(
        Worker(worker_id, expected.role, order.provider, order.model),
        MAIN if expected.label == _RESULT_LABEL else expected.label,
        prompt,
        result,
        lambda text: problems_of_text(expected, text),
        _has_findings if expected.role in _FINDERS and expected.label == _RESULT_LABEL else lambda text: True,
    )


def _has_findings(text: str) -> bool:
    return bool(parse_worker_result(text)[0].findings)


@contextmanager
def pane_on(log: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Shows a log in a tmux pane while the block runs. Does nothing without tmux, or when tmux has no room."""
    pane = _open_pane(log) if environment.get("TMUX") else ""
    try:
        yield
    finally:
        if pane:
            processes.run(["tmux", "kill-pane", "-t", pane])


def _open_pane(log: str) -> str:
    """The pane's id; empty when there is none. -F: the log need not be there yet."""
    show = ["tail", "-n", "+1", "-F", log]
    try:
        opened = processes.run(["tmux", "split-window", "-d", "-P", "-F", "#{pane_id}", "-l", "12", *show])
    except Missing:
        return ""
    return opened.stdout.decode("utf-8", "replace").strip() if opened.ok else ""
