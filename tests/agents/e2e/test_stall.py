"""A client of which nothing is at work is reported, and ended at its limit alone."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from okstra_ctl.agents.activity import Seen, _traffic, is_active, seconds_in
from okstra_ctl.status import WorkerOutcome
from support.fake_clients import job, play

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="macOS tells the processor time alone")
BUSY = """
import time
for _ in range(30):  # a tenth of a processor
    end = time.monotonic() + 0.01
    while time.monotonic() < end:
        pass
    time.sleep(0.09)
"""
TALKS = """
import socket, time
here = socket.create_server(("127.0.0.1", 0))
there = socket.create_connection(here.getsockname())
one = here.accept()[0]
for _ in range(40):
    there.sendall(b"x" * 4096); one.recv(4096); time.sleep(0.1)
"""


def stalls_of(folder: Path, script: str) -> list[bool]:
    """What is reported of a client whose stall counts after a second and a half; it does all that it was asked."""
    reported: list[bool] = []
    report = play(f"{script}\necho DONE", job(folder)._replace(stall_after=1.5), report_stall=reported.append)
    assert report.outcome is WorkerOutcome.COMPLETED
    return reported


def test_a_client_that_sleeps_is_reported_once_and_again_when_it_works(tmp_path: Path) -> None:
    assert stalls_of(tmp_path / "run", "sleep 4; echo a line; sleep 0.6; echo another; sleep 0.6") == [True, False]


def test_processor_time_anywhere_below_it_is_work(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    assert stalls_of(tmp_path / "run", f"(setsid {sys.executable} {tmp_path}/busy.py & wait)") == []


@LINUX
def test_network_traffic_is_work(tmp_path: Path) -> None:
    (tmp_path / "talks.py").write_text(TALKS)
    assert stalls_of(tmp_path / "run", f"{sys.executable} {tmp_path}/talks.py") == []


def test_nothing_is_reported_where_it_is_switched_off(tmp_path: Path) -> None:
    reported: list[bool] = []
    play("sleep 1; echo DONE", job(tmp_path / "run"), report_stall=reported.append)
    assert reported == []


@LINUX
def test_the_bytes_of_a_connection_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        inode = os.fstat(near.fileno()).st_ino
        far = server.accept()[0]
        before = _traffic({inode})
        near.sendall(b"x" * 50_000)
        read = 0
        while read < 50_000:
            read += len(far.recv(65536))
        after = _traffic({inode})
        far.close()
    assert after[inode] - before[inode] >= 50_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:01.50", 1.5), ("12:03.00", 723.0), ("01:02:03", 3723.0), ("2-01:00:00", 176400.0), ("", None), ("x", None)],
)
def test_times_of_ps(text: str, seconds: float | None) -> None:
    assert seconds_in(text) == seconds


def test_timers_are_no_work_and_new_processes_are() -> None:
    before = Seen({1: 10.0}, {7: 1000})
    assert not is_active(before, Seen({1: 10.1}, {7: 1200}), 30.0)
    assert is_active(before, Seen({1: 10.4}, {7: 1000}), 30.0)
    assert is_active(before, Seen({1: 10.0}, {7: 3000}), 30.0)
    assert is_active(before, Seen({1: 10.0, 2: 0.0}, {}), 30.0)
    assert not is_active(before, Seen({}, {}), 30.0)
