"""Running one dispatch of a worker to its end: attempts, backoff, limits, and the outcome."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from ..errors import WorkFailed
from ..names import ACP
from ..results.parse import begins_as_result
from ..sandbox.agent_state import AgentFiles, agent_state
from ..sandbox.choice import own_folder
from ..sandbox.client_state import ClientState, private_state
from ..status import Access, Failure, WorkerOutcome
from ..system import files
from ..system.foreign_files import set_aside
from . import supervisor_orders
from .acp_agents import agent_in
from .activity import ReportStall, Watch
from .codex import with_sandbox_fault
from .job import Job, Launch, Provider, Report, StreamResult
from .streams import is_lasting
from .supervised_process import SUPERVISOR_LOST, ClientEnd, SupervisedClient
from .supervisor_orders import Verdict
from .when_again import unknown_zone

ATTEMPT_VARIABLE = "OKSTRA_ATTEMPT"
_TICK = 0.1
_QUIET_SECONDS = 1.0
_RETRIED = (Failure.RATE_LIMIT, Failure.OVERLOADED)
_LIMITS = (supervisor_orders.SOFT_LIMIT, supervisor_orders.HARD_LIMIT)
_LAST_SIGNAL = 128 + 15  # above, some clients exit with what is left of an HTTP status
_SANDBOX_COMPLAINS = b"bwrap: "
_NO_STREAM = StreamResult(ended=False, failure=Failure.INTERRUPTED)


class Patience(NamedTuple):
    """Waits of one dispatch, in seconds: `first` and `longest` before a retry, `linger` for a client that is done."""

    first: float = 2.0
    longest: float = 120.0
    linger: float = 5.0


PATIENCE = Patience()


def run_job(
    job: Job,
    provider: Provider,
    *,
    stop: threading.Event,
    inherited: Mapping[str, str],
    patience: Patience = PATIENCE,
    report_stall: ReportStall = lambda stalled: None,
) -> Report:
    """Starts the client and waits for its end; a rate limit or overload is waited out within the soft limit. One that
    ends later, or by its name lasts for hours, ends the dispatch at once (`quota`).

    Never raises for what a client does. A result or audit file left from before is set aside first, so what is found
    afterwards is this dispatch's. `report_stall` is called when nothing of the client has been at work for
    `job.stall_after`, and again when something is. None of the client's processes outlives the call.
    Raises Unreadable or WorkFailed when the prompt can't be read, or the log can't be written, or an old result can't
    be moved.
    """
    prompt = _prompt_text(job)
    started = time.monotonic()
    attempts, before = 0, Failure.NONE
    while True:
        for path in (job.result, job.audit):
            files.make_folder(os.path.dirname(path))
            set_aside(path)
        attempts += 1
        spent = time.monotonic() - started
        launch = _numbered(provider.launch(job, prompt, inherited), attempts)
        outcome, stream, status = _attempt(job, provider, launch, spent, stop, patience, report_stall)
        spent = time.monotonic() - started
        if outcome is WorkerOutcome.ERROR and stream.failure in _RETRIED:
            delay = _delay(attempts, stream.retry_after, patience)
            if _is_quota(stream, late=spent + delay >= job.soft_limit):
                outcome, stream = WorkerOutcome.QUOTA, _with_unknown_zone(stream)
            elif spent + delay < job.soft_limit:
                before = stream.failure
                if not stop.wait(delay):
                    continue
                stream = stream._replace(failure=Failure.INTERRUPTED)
                spent = time.monotonic() - started
        if outcome is not WorkerOutcome.COMPLETED and before is not Failure.NONE and stream.failure is not before:
            stream = stream._replace(message=f"attempt {attempts}, after {before}: {stream.message}".rstrip(": "))
        return Report(outcome, stream, status, spent, attempts)


def _is_quota(stream: StreamResult, *, late: bool) -> bool:
    """`late`: it can't be tried again within the soft limit."""
    if stream.retry_after is not None:
        return late
    return stream.failure is Failure.RATE_LIMIT and (is_lasting(stream.message) or bool(unknown_zone(stream.message)))


def _with_unknown_zone(stream: StreamResult) -> StreamResult:
    """Says why the time that its message names is not used."""
    zone = unknown_zone(stream.message) if stream.retry_after is None else ""
    note = f"okstra does not know the time zone {zone}: that time is not used"
    return stream._replace(message=f"{stream.message} ({note})") if zone else stream


def _prompt_text(job: Job) -> str:
    data = files.read_bytes(job.prompt)
    if data is None:
        raise WorkFailed("write-failed", "the worker's prompt is missing", where=job.prompt)
    return job.opening + data.decode("utf-8", "replace")


def _numbered(launch: Launch, attempts: int) -> Launch:
    """Puts the attempt's number into the environment, counting on from the caller's when it dispatches again."""
    first = launch.environment.get(ATTEMPT_VARIABLE, "")
    number = (int(first) if first.isdecimal() else 1) + attempts - 1
    return launch._replace(environment={**launch.environment, ATTEMPT_VARIABLE: str(number)})


def _attempt(
    job: Job,
    provider: Provider,
    launch: Launch,
    spent: float,
    stop: threading.Event,
    patience: Patience,
    report_stall: ReportStall,
) -> tuple[WorkerOutcome, StreamResult, int | None]:
    """Starts the client once, with what is left of the limits."""
    if stop.is_set():
        return WorkerOutcome.ERROR, _NO_STREAM, None
    ended = _played(job, provider, launch, spent, stop, patience, report_stall)
    if _complaint(job, ended):  # what was to be laid over, a socket for instance, may have gone since it was looked for
        ended = _played(job, provider, launch, spent, stop, patience, report_stall)
    if complaint := _complaint(job, ended):
        return WorkerOutcome.NOT_RUN, _not_contained(job, launch, complaint), None
    reason, status = ended.verdict.reason, ended.verdict.status
    if job.containment is not None and status is not None:
        status = signalled(status)
    if reason == supervisor_orders.NOT_STARTED:
        message = _why_not_started(launch.argv[0], job.folder, launch.environment, ended.verdict.complaint)
        return WorkerOutcome.NOT_RUN, StreamResult(False, Failure.CLIENT, message), None
    stream = provider.read_stream(ended.stdout, ended.stderr, status if not reason else None)
    if provider.name == "codex" and stream.ended and stream.failure is Failure.NONE:
        stream = with_sandbox_fault(stream, launch.environment)
    message = stream.last_message if provider.delivers_by_message(job.access) else ""
    written = os.path.isfile(job.result)
    outcome, stream = judge(job.access, stream, ended.verdict, delivered=written or bool(message))
    # One that wrote its result itself closes with "Done".
    if outcome is WorkerOutcome.COMPLETED and message and (not written or begins_as_result(message)):
        files.replace(job.result, message.encode("utf-8", "replace"))
    return outcome, stream, status


def _played(
    job: Job,
    provider: Provider,
    launch: Launch,
    spent: float,
    stop: threading.Event,
    patience: Patience,
    report_stall: ReportStall,
) -> ClientEnd:
    soft, hard = job.soft_limit - spent, job.hard_limit - spent
    with (
        private_state_of(job, launch) as state,
        SupervisedClient(job, launch, soft_limit=soft, hard_limit=hard, keep_open=job.keep_open, state=state) as client,
    ):
        _wait(client, provider, stop, patience, Watch(job.token, client.supervisor, job.stall_after, report_stall))
        return client.ended()


def _complaint(job: Job, ended: ClientEnd) -> str:
    """Why the sandbox did not start the client; empty when it did, or there is none."""
    contained = job.containment is not None
    return complaint_of_sandbox(ended.stdout, ended.stderr, ended.verdict.status) if contained else ""


def private_state_of(job: Job, launch: Launch) -> AbstractContextManager[ClientState]:
    """What a contained client gets of its home, for one dispatch. Raises WorkFailed."""
    if job.containment is None:
        return nullcontext(ClientState())
    if job.provider.startswith(ACP):
        agent = agent_in(job.provider.removeprefix(ACP), job.options)
        scripts = tuple(word for word in agent.argv[1:] if os.path.isabs(word) and os.path.isfile(word))
        wanted = AgentFiles(agent.argv[0], agent.state, agent.logins, scripts)
        return agent_state(job.provider, wanted, own_folder(job.containment.sandbox, job.token), launch.environment)
    return private_state(job.provider, own_folder(job.containment.sandbox, job.token), launch.environment)


def signalled(status: int) -> int:
    """The status of a client in a sandbox as if there were none: bubblewrap reports signal N as 128+N."""
    return 128 - status if 128 < status <= _LAST_SIGNAL else status


def complaint_of_sandbox(stdout: bytes, stderr: bytes, status: int | None) -> str:
    """Why the sandbox did not start its client; empty when it did."""
    if status != 1 or stdout or not stderr.startswith(_SANDBOX_COMPLAINS):
        return ""
    return stderr.removeprefix(_SANDBOX_COMPLAINS).decode("utf-8", "replace").strip()[:300]


def _not_contained(job: Job, launch: Launch, complaint: str) -> StreamResult:
    """What a start comes to that failed inside the sandbox: it is never tried again without one."""
    if complaint.startswith("execvp"):
        message = _why_not_started(launch.argv[0], job.folder, launch.environment, f"in its sandbox, {complaint}")
        return StreamResult(False, Failure.CLIENT, message)
    return StreamResult(False, Failure.SANDBOX, f"its sandbox could not start: {complaint}")


def _why_not_started(program: str, folder: str, environment: Mapping[str, str], complaint: str) -> str:
    """The system reports a missing program and a missing folder with the same error."""
    if not os.path.isdir(folder):
        return f"{program} can't be started: its folder {folder} is not there"
    if os.sep not in program and shutil.which(program, path=environment.get("PATH")) is None:
        return f"{program} is not on the PATH"
    if os.sep in program and not os.path.exists(os.path.join(folder, program)):
        return f"there is no program {program}"
    return f"{program} can't be started: {complaint}"


def _wait(
    client: SupervisedClient, provider: Provider, stop: threading.Event, patience: Patience, watch: Watch
) -> None:
    """Waits for the client's end. One that has printed its terminal event and does not exit is dismissed."""
    written, since, dismiss_at, asked = -1, 0.0, None, False
    while not client.wait(_TICK):
        now = time.monotonic()
        watch.look(client.written)
        if stop.is_set() and not asked:
            client.stop()
            asked = True
        if client.written != written:
            written, since, dismiss_at, looked = client.written, now, None, False
        elif not looked and now - since >= min(_QUIET_SECONDS, patience.linger):
            looked = True
            if written and provider.read_stream(client.recent_output(), b"", None).ended:
                dismiss_at = since + patience.linger
        elif dismiss_at is not None and now >= dismiss_at and not asked:
            client.dismiss()
            asked = True


def judge(
    access: Access, stream: StreamResult, verdict: Verdict, *, delivered: bool
) -> tuple[WorkerOutcome, StreamResult]:
    """The outcome of one attempt.

    A completed turn needs its terminal event, no failure, and no refused tool: an executor that was refused one has
    not done what it was asked. A reader that was refused a tool may still have had all it needed, so its refusals are
    only reported if the result is there.
    """
    reason = verdict.reason
    finished = stream.ended and stream.failure is Failure.NONE
    if not finished and reason in _LIMITS:
        return WorkerOutcome.TIMEOUT, stream._replace(failure=Failure.INTERRUPTED)
    if not finished and reason in (supervisor_orders.STOPPED, supervisor_orders.ORPHANED, SUPERVISOR_LOST):
        return WorkerOutcome.ERROR, stream._replace(failure=Failure.INTERRUPTED)
    if reason == supervisor_orders.FLOOD:
        return WorkerOutcome.ERROR, stream._replace(failure=Failure.CLIENT, message="it wrote without end")
    if reason == supervisor_orders.LOG_FAILED:
        message = f"its log can't be written: {verdict.complaint}"
        return WorkerOutcome.ERROR, stream._replace(failure=Failure.CLIENT, message=message)
    if not finished:
        failure = Failure.INTERRUPTED if stream.failure is Failure.NONE else stream.failure
        return WorkerOutcome.ERROR, stream._replace(failure=failure)
    if stream.denials and (access is not Access.READ or not delivered):
        return WorkerOutcome.ERROR, stream._replace(failure=Failure.DENIED)
    return WorkerOutcome.COMPLETED, stream


def _delay(attempts: int, retry_after: float | None, patience: Patience) -> float:
    """Exponential backoff, with jitter so that workers that were refused together don't retry together."""
    backoff = min(patience.longest, patience.first * 2.0 ** min(attempts - 1, 30))
    jittered = backoff * random.uniform(0.5, 1.0)
    return jittered if retry_after is None else retry_after + jittered * 0.1
