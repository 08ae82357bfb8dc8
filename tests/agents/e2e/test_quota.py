"""A provider's limit that ends beyond the soft limit: its client is started once, whichever client it is."""

from __future__ import annotations

import json
import os
import shlex
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from okstra_ctl.agents.providers import own_commands, provider
from okstra_ctl.agents.runner import run_job
from okstra_ctl.agents.streams import is_lasting
from okstra_ctl.status import Access, Failure, WorkerOutcome
from support.client_streams import claude_error, codex_error, gemini_error, stream
from support.fake_clients import PATIENCE, job

TOMORROW = datetime.now().astimezone() + timedelta(hours=20)
DAY_TEXT = TOMORROW.strftime("%b %-d, %-I:%M %p")
EPOCH = int(TOMORROW.timestamp())
CODEX = f"You've hit your usage limit. Try again at {DAY_TEXT}."
GEMINI = "You have exhausted your capacity on this model. Your quota will reset after 20h0m3s."
SPOKEN = [
    {"result": {"protocolVersion": 1}},
    {"result": {"sessionId": "s"}},
    {"error": {"code": -32603, "message": "Internal error", "data": {"message": CODEX}}},
]
"""What an agent of the protocol answers, one after the other."""
REJECTED = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": EPOCH}}
PRINTS: dict[str, tuple[bytes, bytes]] = {
    "claude": (stream(*claude_error(429, f"Claude AI usage limit reached|{EPOCH}")), b""),
    "claude, by its event": (stream(REJECTED, *claude_error(429, "You've hit your limit")), b""),
    "claude, by the clock": (stream(*claude_error(429, f"You've hit your limit · resets {DAY_TEXT}")), b""),
    "codex": (stream(*codex_error(CODEX)), b""),
    "gemini": (stream(*gemini_error(GEMINI)), b""),
    "gemini, on stderr": (b"", json.dumps({"error": {"message": GEMINI}}).encode()),
    "acp:mine": (b"", b""),
    "mine": (b"", f"quota exceeded\nRetry-After: {20 * 3600}\n".encode()),
}


@pytest.mark.parametrize("shape", PRINTS)
def test_a_quota_that_ends_tomorrow_starts_the_client_once(tmp_path: Path, shape: str) -> None:
    name, (stdout, stderr) = shape.partition(",")[0], PRINTS[shape]
    place = tmp_path / "bin"
    place.mkdir()
    (tmp_path / "out").write_bytes(stdout)
    (tmp_path / "err").write_bytes(stderr)
    there = shlex.quote(str(tmp_path))
    program = place / name.partition(":")[0]
    says = f"cat {there}/out; cat {there}/err >&2"
    if name == "acp:mine":
        answers = [json.dumps({"jsonrpc": "2.0", "id": number, **one}) for number, one in enumerate(SPOKEN)]
        says = "\n".join(f"read -r line; echo {shlex.quote(answer)}" for answer in answers)
    program.write_text(f"#!/bin/sh\necho >>{there}/starts\n{says}; exit 1\n")
    program.chmod(0o755)
    work = job(tmp_path / "run", access=Access.TEST, soft=1200.0, hard=1300.0)._replace(provider=name, model="default")
    agent = own_commands({"agents": {"mine": {"argv": [str(program)]}}}, "")
    client = provider(name, {**agent, "mine": {"argv": [str(program)]}})
    inherited = {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    report = run_job(work, client, stop=threading.Event(), inherited=inherited, patience=PATIENCE)
    assert (report.outcome, report.stream.failure, report.attempts) == (WorkerOutcome.QUOTA, Failure.RATE_LIMIT, 1)
    assert report.stream.retry_after == pytest.approx(20 * 3600, abs=3600)
    assert (tmp_path / "starts").read_text() == "\n"
    assert report.seconds < 60


@pytest.mark.parametrize(
    ("message", "lasting"),
    [
        ("You have exhausted your daily quota on this model.", True),
        ("Quota exceeded for metric GenerateRequestsPerDayPerProjectPerModel", True),
        ("insufficient_quota: check your plan and billing", True),
        ("Your credit balance is too low", True),
        ("Weekly limit reached", True),
        ("rate limit: too many requests", False),
        ("429 Too Many Requests", False),
        ("Rate limit reached for requests per minute", False),
    ],
)
def test_a_limit_of_days_is_known_by_its_name(message: str, lasting: bool) -> None:
    assert is_lasting(message) is lasting


def test_a_limit_of_days_without_a_time_starts_the_client_once(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text(
        f"#!/bin/sh\necho >>{shlex.quote(str(tmp_path))}/starts\necho 'daily quota exceeded' >&2; exit 1\n"
    )
    program.chmod(0o755)
    client = provider("mine", {"mine": {"argv": [str(program)]}})
    work = job(tmp_path / "run", soft=600.0, hard=700.0)
    report = run_job(work, client, stop=threading.Event(), inherited=dict(os.environ), patience=PATIENCE)
    assert (report.outcome, report.attempts, report.stream.retry_after) == (WorkerOutcome.QUOTA, 1, None)


def test_a_time_in_an_unknown_zone_is_no_time_and_the_message_says_so(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    there = shlex.quote(str(tmp_path))
    program.write_text(f"#!/bin/sh\necho >>{there}/starts\necho 'rate limit: resets 11pm IST' >&2; exit 1\n")
    program.chmod(0o755)
    work = job(tmp_path / "run", access=Access.TEST, soft=1200.0, hard=1300.0)._replace(provider="mine")
    client = provider("mine", {"mine": {"argv": [str(program)]}})
    inherited = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    report = run_job(work, client, stop=threading.Event(), inherited=inherited, patience=PATIENCE)
    assert (report.outcome, report.stream.retry_after, report.attempts) == (WorkerOutcome.QUOTA, None, 1)
    assert "does not know the time zone IST" in report.stream.message
    assert (tmp_path / "starts").read_text() == "\n"
