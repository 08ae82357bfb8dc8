"""How the real clients fail, and what their failures are called: nothing that failed counts as done."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from okstra_ctl.agents.job import Job, Report
from okstra_ctl.agents.sweep import find
from okstra_ctl.status import Access, Failure, WorkerOutcome
from support.fake_clients import left_of

from .lab import Lab
from .model_server import Fault, ModelServer
from .test_access import RESULT, delivery
from .wires import Turn


def run(lab: Lab, fault: Fault, *, soft: float = 20.0) -> tuple[Report, ModelServer]:
    with ModelServer(delivery(lab, Access.READ), always=fault) as server:
        report = lab.run(lab.job(Access.READ, soft=soft, hard=soft + 3), server)
    return report, server


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault(401), Failure.LOGIN),
        (Fault(403), Failure.LOGIN),
        (Fault(400), Failure.CLIENT),
        (Fault(garbage=True), Failure.CLIENT),
    ],
    ids=["401", "403", "400", "garbage"],
)
def test_an_error_is_called_by_its_name(lab: Lab, fault: Fault, failure: Failure) -> None:
    report, _ = run(lab, fault)
    assert (report.outcome, report.stream.failure, report.attempts) == (WorkerOutcome.ERROR, failure, 1), report
    assert report.stream.message
    assert not (lab.results / "r.md").exists()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_tried_again_until_the_soft_limit(lab: Lab, status: int) -> None:
    report, server = run(lab, Fault(status), soft=25.0)
    word = "rate-limit" if status == 429 else "overloaded"
    expected = Failure.RATE_LIMIT if status == 429 else Failure.OVERLOADED
    assert (report.outcome, report.stream.failure) in (
        (WorkerOutcome.ERROR, expected),
        (WorkerOutcome.TIMEOUT, Failure.INTERRUPTED),  # the last attempt met the limit
    )
    assert report.attempts > 1
    assert report.outcome is WorkerOutcome.ERROR or word in report.stream.message
    assert len(server.requests) >= report.attempts - 1
    assert report.seconds < 60.0


def test_a_server_that_is_busy_for_a_while_is_waited_for(lab: Lab) -> None:
    faults = [Fault(429, {"retry-after": "1"})] * 3
    with ModelServer(delivery(lab, Access.READ), faults) as server:
        report = lab.run(lab.job(Access.READ), server)
    assert report.outcome is WorkerOutcome.COMPLETED, (report, lab.log())
    assert (lab.results / "r.md").read_text().strip() == RESULT.strip()


def test_a_stream_that_is_cut_is_no_answer(lab: Lab) -> None:
    report, _ = run(lab, Fault(cut=True))
    if lab.name == "claude":  # it asks again without a stream, and gets the whole answer
        assert report.outcome is WorkerOutcome.COMPLETED
    else:
        assert report.outcome is WorkerOutcome.ERROR
        assert not (lab.results / "r.md").exists()


def test_a_silent_server_ends_in_a_time_out(lab: Lab) -> None:
    work = lab.job(Access.READ, soft=4.0, hard=6.0)
    with ModelServer([], always=Fault(hang=True)) as server:
        report = lab.run(work, server)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.TIMEOUT, Failure.INTERRUPTED)
    assert report.seconds < 9.0
    assert left_of(work, within=0) == []


def interrupted(lab: Lab, end: Callable[[Job, threading.Event], object]) -> tuple[Report, Job]:
    """The client is at a command that takes long; `end` ends it."""
    work = lab.job(Access.EDIT)
    stop = threading.Event()
    begun = lab.tree / "begun"

    def strike() -> None:
        deadline = time.monotonic() + 40
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        end(work, stop)

    thread = threading.Thread(target=strike)
    thread.start()
    with ModelServer([Turn(shell="touch begun; python3 -c 'import time; time.sleep(300)'")]) as server:
        report = lab.run(work, server, stop=stop)
    thread.join()
    assert begun.exists(), lab.log()
    return report, work


def test_a_stop_ends_a_client_at_work(lab: Lab) -> None:
    report, work = interrupted(lab, lambda _, stop: stop.set())
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.INTERRUPTED)
    assert left_of(work, within=0) == []


def test_a_client_that_is_killed_leaves_nothing(lab: Lab) -> None:
    def kill(work: Job, _: threading.Event) -> None:
        os.kill(min(find(work.token)), signal.SIGKILL)

    report, work = interrupted(lab, kill)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.INTERRUPTED)
    assert left_of(work, within=0) == []


def test_a_program_that_is_not_there_was_not_run(lab: Lab) -> None:
    with ModelServer([]) as server:
        work = lab.job(Access.READ)._replace(environment={"PATH": "/nowhere"})
        report = lab.run(work, server)
    assert report.outcome is WorkerOutcome.NOT_RUN
    assert lab.name in report.stream.message
