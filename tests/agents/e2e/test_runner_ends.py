"""However a dispatch ends, nothing of it lives on: limits, Ctrl-C, okstra killed or stopped, a supervisor killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from okstra_ctl.agents.job import Job
from okstra_ctl.agents.sweep import find, pids_in_listing
from okstra_ctl.status import Failure, WorkerOutcome
from support.fake_clients import SOON, command, job, left_of, play
from support.faults import eventually
from support.sealed import ROOT

DEAF = "trap '' TERM INT HUP; echo begun; while :; do sleep 0.1; done"
FAMILY = "setsid sh -c 'trap \"\" TERM; sleep 300' & (sleep 301 &) & setsid setsid sleep 302 & sleep 0.2; echo begun; "


@pytest.mark.parametrize("script", ["echo begun; sleep 300", FAMILY + "sleep 303", FAMILY + "kill -STOP $$"])
def test_the_soft_limit_ends_a_client_that_takes_a_hint(tmp_path: Path, script: str) -> None:
    work = job(tmp_path, soft=1.0, hard=120.0)
    report = play(script, work)
    assert (report.outcome, report.exit_status) == (WorkerOutcome.TIMEOUT, -signal.SIGTERM)
    assert 1.0 <= report.seconds < SOON
    assert left_of(work, within=0) == []


def test_a_client_may_tidy_up_at_the_soft_limit(tmp_path: Path) -> None:
    script = "trap 'echo tidied; echo DONE; exit 0' TERM; echo begun; while :; do sleep 0.05; done"
    report = play(script, job(tmp_path, soft=4.0, hard=120.0))
    assert report.outcome is WorkerOutcome.COMPLETED
    assert "tidied" in report.stream.last_message


def test_the_hard_limit_ends_a_client_that_takes_none(tmp_path: Path) -> None:
    work = job(tmp_path, soft=4.0, hard=5.0)
    report = play(FAMILY + DEAF, work)
    assert (report.outcome, report.exit_status) == (WorkerOutcome.TIMEOUT, -signal.SIGKILL)
    assert 5.0 <= report.seconds < SOON
    assert left_of(work, within=0) == []


@pytest.mark.parametrize("ending", ["echo DONE", "exit 1", "kill -9 $$"])
def test_nothing_outlives_a_client_that_ended_by_itself(tmp_path: Path, ending: str) -> None:
    work = job(tmp_path)
    report = play(FAMILY + ending, work)
    assert (report.outcome is WorkerOutcome.COMPLETED) == (ending == "echo DONE")
    assert left_of(work, within=0) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets the supervisor adopt what a client leaves behind")
def test_a_process_that_dropped_its_token_is_found_too(tmp_path: Path) -> None:
    play("setsid env -i sleep 3141 & sleep 0.3; echo DONE", job(tmp_path))
    assert subprocess.run(["pgrep", "-f", "sleep 3141"], capture_output=True).stdout == b""


def test_a_stop_ends_all_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    work = job(tmp_path)
    threading.Timer(0.5, stop.set).start()
    report = play(FAMILY + DEAF, work, stop=stop)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.INTERRUPTED)
    assert report.seconds < SOON
    assert left_of(work, within=0) == []


def test_many_at_once_do_not_end_one_another(tmp_path: Path) -> None:
    works = [job(tmp_path / str(number)) for number in range(6)]
    outcomes: dict[int, WorkerOutcome] = {}

    def run(number: int) -> None:
        script = "kill -9 $$" if number % 2 else "sleep 0.5; echo DONE"
        outcomes[number] = play(script, works[number]).outcome

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {n: WorkerOutcome.ERROR if n % 2 else WorkerOutcome.COMPLETED for n in range(6)}
    assert outcomes == expected


def start_okstra(folder: Path, script: str, work: Job) -> subprocess.Popen[bytes]:
    """An okstra of its own that runs the job; returns when its client has begun."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}{os.pathsep}{ROOT / 'tests'}"}
    process = subprocess.Popen(command(folder, script, work), env=environment, start_new_session=True)
    eventually(lambda: Path(work.log).exists() and "begun" in Path(work.log).read_text())
    assert find(work.token) != []
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_an_okstra_that_was_killed(tmp_path: Path, number: signal.Signals) -> None:
    work = job(tmp_path)
    process = start_okstra(tmp_path, FAMILY + DEAF, work)
    process.send_signal(number)
    process.wait()
    assert left_of(work) == []


def test_the_hard_limit_holds_while_okstra_stands_still(tmp_path: Path) -> None:
    work = job(tmp_path, soft=6.0, hard=8.0)
    process = start_okstra(tmp_path, FAMILY + DEAF, work)
    process.send_signal(signal.SIGSTOP)
    try:
        assert left_of(work, within=SOON) == []
    finally:
        process.send_signal(signal.SIGCONT)
    assert process.wait(timeout=SOON) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a client with its parent")
def test_a_client_ends_with_its_warden_even_when_okstra_is_gone(tmp_path: Path) -> None:
    work = job(tmp_path)
    process = start_okstra(tmp_path, "echo begun; exec sleep 300", work)
    client = find(work.token)[0]
    supervisor = int(Path(f"/proc/{client}/stat").read_text().rpartition(") ")[2].split()[1])
    process.send_signal(signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    assert left_of(work) == []
    process.kill()
    process.wait()


def test_okstra_ends_what_a_killed_warden_left(tmp_path: Path) -> None:
    work = job(tmp_path)
    started = time.monotonic()
    report = play(FAMILY + "kill -9 $PPID; sleep 300", work)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.INTERRUPTED)
    assert time.monotonic() - started < SOON
    assert left_of(work, within=0) == []


def test_a_flood_is_dammed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okstra_ctl.agents.supervised_process._MOST_OUTPUT", 1_000_000)
    work = job(tmp_path)
    report = play("while :; do head -c 65536 /dev/zero; done", work)
    assert (report.outcome, report.stream.message) == (WorkerOutcome.ERROR, "it wrote without end")
    assert Path(work.log).stat().st_size <= 1_000_000


def test_a_listing_of_processes_is_read() -> None:
    listing = "\n".join(
        [
            "  101 S    sleep 300 PATH=/bin OKSTRA_WORKER=abc HOME=/x",
            "  102 Z    (sleep) OKSTRA_WORKER=abc",
            "  103 S+   sleep 300 OKSTRA_WORKER=abcd",
            "  104 S    sh -c echo PATH=/bin",
            "  105 S",
            "garbage",
        ]
    )
    assert pids_in_listing(listing, "abc") == [101]
