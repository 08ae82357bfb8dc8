"""Leading a run from the command line: signals, progress, and the reply (`run`, `rerun` and `resume`;
docs/how-to/scripts.md)."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from ..errors import OkstraError, WorkFailed
from ..names import HANDOFF, REHEARSAL, REVIEW
from ..output import Reply, fields, is_quiet, print_note
from ..quoting import okstra_command
from ..services import Call
from ..status import RunOutcome
from ..system.signals import stopped_by_signals
from ..system.text import printable
from ..tasks.named import typed_next

if TYPE_CHECKING:
    from ..history.listing import RunRow
    from ..prepare.prepare import PreparedRun
    from ..runs.find import KnownRun


AUTO, CLAUDE = "auto", "claude"


def choose_lead(asked: str, provider: str, task_type: str) -> str:
    """Who drives the run: as asked; else okstra itself for a rehearsal, for a hand-off, whose steps are its
    own, or where no person is there."""
    if asked or task_type == HANDOFF:
        return asked or AUTO
    return CLAUDE if _has_terminal() and provider != REHEARSAL and _is_on_path("claude") else AUTO


def hand_over(prepared: PreparedRun, lead_by: str, call: Call) -> Reply:
    """What follows a prepare: nothing (`lead_by` is empty), a lead for the person to start, or okstra's own lead."""
    reply = prepared_reply(prepared, lead=lead_by)
    if not lead_by:
        return reply
    from ..runs.find import find_run

    if lead_by == CLAUDE and not _has_terminal():
        return reply._replace(talk=[*reply.talk, "okstra: no terminal here: give the prompt above to your agent"])
    for line in (*reply.talk, f"okstra: prepared {prepared.run}"):
        print_note(line)
    run = find_run(str(prepared.run), call.start, call.services)
    if lead_by == CLAUDE:
        _become_client(run, call)
    try:
        led = lead(run, call)
    except OkstraError as error:
        error.data = _after(reply.data, error.data)
        raise
    return led._replace(data=_after(reply.data, led.data))


def _after(prepared: Mapping[str, object], led: Mapping[str, object]) -> dict[str, object]:
    """The reply with the next step after the run, not after its preparation."""
    next_step = led.get("next_step")
    return {**prepared, **led, **({"next": [next_step]} if next_step else {})}


def _become_client(run: KnownRun, call: Call) -> NoReturn:
    """Replaces this process by the agent's session; `okstra resume RUN` continues what it leaves unfinished."""
    from ..lead.interactive import become, hand_over

    session = hand_over(run, call.services)
    for warning in session.warnings:
        print_progress(f"warning: {warning}")
    sys.stderr.write(printable(f"okstra: claude leads {run.id}; afterwards: {okstra_command('resume', run.id)}") + "\n")
    sys.stderr.flush()
    become(session)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _is_on_path(program: str) -> bool:
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.get_exec_path())


def lead(run: KnownRun, call: Call) -> Reply:
    """Leads the run to its report. Raises WorkFailed (`run-failed`) when a gate failed, Interrupted, Refused."""
    from ..history.end_reasons import closed_gates
    from ..lead.conductor import conduct

    stop = threading.Event()
    with stopped_by_signals(stop), progress_of(lambda row: row.run_id == str(run.id), call) as show:
        done = conduct(run, call.services, stop=stop, print_progress=show)
    data = {**done._asdict(), "outcome": str(done.outcome)}
    if done.outcome is not RunOutcome.COMPLETED:
        shut = [f"{name} {gate}" for name, gate in done.gates.items() if not gate.startswith("passed")]
        red = ", ".join(closed_gates(run) or shut)
        why = "".join(f"; {reason}" for reason in done.reasons)
        raise WorkFailed(
            "run-failed",
            f"{done.run_id}: {red}{why}",
            where=done.report,
            hint=done.next_step,
            data={**data, "warnings": []},
        )
    text = fields(
        [
            ("run", done.run_id),
            ("verdict", done.token),
            ("gates", ", ".join(f"{name} {gate}" for name, gate in done.gates.items())),
            ("report", done.report),
            ("next", _typed_next(run, done.next_step, call)),
        ]
    )
    return Reply(data, text, talk=[f"okstra: warning: {warning}" for warning in done.warnings])


def _typed_next(run: KnownRun, step: str, call: Call) -> str:
    if run.id.task_type == REVIEW:
        return step
    return typed_next(run.id.task, run.project.root, step, call.start, call.services)


@contextmanager
def progress_of(is_wanted: Callable[[RunRow], bool], call: Call) -> Iterator[Callable[[str], None]]:
    """Where progress of these runs is shown: below it, at a terminal, a line for each worker that is at work."""
    if not _draws(call):
        yield print_progress
        return
    from ..board.live import workers_live

    with workers_live(is_wanted, call.services, sys.stderr, call.services.environment) as show:
        yield show


@contextmanager
def step_progress(call: Call) -> Iterator[Callable[[str], None]]:
    """The same for a command that does one step after another."""
    if not _draws(call):
        yield print_progress
        return
    from ..board.live import step_live

    with step_live(sys.stderr, call.services.environment) as show:
        yield show


def _draws(call: Call) -> bool:
    return not is_quiet() and sys.stderr.isatty() and call.services.environment.get("TERM", "dumb") != "dumb"


def print_progress(text: str) -> None:
    print_note(f"okstra: {text}")


def prepared_reply(run: PreparedRun, *, lead: str) -> Reply:
    """`lead` is who leads the run from here; empty when it is only prepared."""
    data = {
        "run_id": str(run.run),
        "task_key": str(run.run.task),
        "task_type": run.run.task_type,
        "seq": run.run.seq,
        "stage": run.run.stage,
        "run_dir": run.files.dir,
        "manifest": run.files.manifest,
        "launch_prompt": run.files.launch_prompt,
        "worktree": run.worktree.to_json(),
        "epoch": run.epoch,
        "next": list(run.next),
        "repaired": list(run.repaired),
        "warnings": list(run.warnings),
    }
    text = fields(
        [
            ("run", run.run),
            ("stage", f"{run.stage.number}  {run.stage.title}" if run.stage else ""),
            ("worktree", f"{run.worktree.path} ({run.worktree.status})"),
            ("branch", f"{run.worktree.branch} from {run.worktree.base_commit[:12]}" if run.worktree.branch else ""),
            ("prompt", run.files.launch_prompt),
            *(("next", command) for command in run.next),
        ]
    )
    talk = [f"okstra: {sentence}" for sentence in run.repaired]
    talk += [f"okstra: warning: {warning}" for warning in run.warnings]
    return Reply(data, text, talk=talk)
