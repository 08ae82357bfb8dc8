"""Claimers are killed at any moment, and some sleep past their lease: no stage has two owners, none is done twice, and
no commit is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from okstra_ctl.remote.exchange import Change
from okstra_ctl.remote.ref_names import task_ref
from okstra_ctl.remote.shared_task import Approval, approve
from support import figures
from support.claim_chaos import Audit, audit
from support.git_servers import git_daemon, git_over_http
from support.remotes import Remote, Seat
from support.sealed import ROOT, in_environment
from support.shared_tasks import AT, DIGEST, KEY

REF = task_ref("refs/okstra/tasks", KEY)


@contextmanager
def served(transport: str, remote: Remote) -> Iterator[str]:
    if transport == "file":
        yield remote.url
        return
    serve = {"git": git_daemon, "http": git_over_http}[transport]
    with serve(remote.path.parent, remote.environment) as port:
        yield f"{transport}://127.0.0.1:{port}/{remote.path.name}"


def play(
    folder: Path, environment: Mapping[str, str], transport: str, *, limit: float, **config: float
) -> tuple[Audit, dict[str, int]]:
    (folder / "served").mkdir()
    remote = Remote.make(folder / "served" / "remote.git", environment)
    log = folder / "log.jsonl"
    log.touch()
    with in_environment(environment), served(transport, remote) as url:
        seats = [Seat(folder / f"seat-{number}", remote, url=url) for number in range(int(config.pop("seats")))]
        seats[0].exchange().change(lambda seen: Change(approve(seen.task, Approval(DIGEST, "", AT)), "approve"))
        given = {"seats": [str(folder / f"seat-{number}") for number in range(len(seats))], "log": str(log), **config}
        (folder / "config.json").write_text(json.dumps(given))
        words = [sys.executable, "-m", "support.claim_chaos", str(folder / "config.json")]
        found = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "python")])
        inherited = {**environment, "PYTHONPATH": found}
        played = subprocess.run(
            words, capture_output=True, text=True, env=inherited, timeout=float(config["seconds"]) + limit
        )
        assert played.returncode == 0, played.stderr
        counts: dict[str, int] = json.loads(played.stdout)
        assert not counts.get("errors"), played.stderr
    return audit(remote, REF, log, int(config["stages"])), counts


def test_killed_claimers_leave_no_stage_with_two_owners(tmp_path: Path, environment: dict[str, str]) -> None:
    found, counts = play(
        tmp_path,
        environment,
        "file",
        limit=90,
        seats=2,
        claimers=4,
        stages=7,
        most=3,
        every=0.2,
        seconds=2,
        lease=12,  # longer than a claim takes on a busy machine, or live ones are taken from one another for ever
        seed=time.time_ns() % 10**6,
    )
    assert found.wrong == [] and found.done == 7, found
    assert found.claims >= 7 and sum(counts.values()) > 2


@pytest.mark.stress
@pytest.mark.parametrize("transport", ["file", "git", "http"])
def test_hundreds_of_claims_with_kills(transport: str, tmp_path: Path, environment: dict[str, str]) -> None:
    began = time.monotonic()
    found, counts = play(
        tmp_path,
        environment,
        transport,
        limit=1500,
        seats=8,
        claimers=32,
        stages=700,
        most=20,
        every=0.5,
        seconds=100,
        lease=60,
        seed=time.time_ns() % 10**6,
    )
    assert found.wrong == [] and found.done == 700, found
    kills = sum(count for name, count in counts.items() if name.startswith("killed"))
    when = f"{time.monotonic() - began:.0f} s, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores"
    line = f"| {transport} | {found.claims} | {kills} | {found.takeovers} | {found.fenced} | 0 | 0 | 0 | {when} |"
    figures.keep("claims between machines", lambda table: with_line(table, line))


def with_line(table: str, line: str) -> str:
    """The table with that transport's line, in place of an older one."""
    name = line.split("|")[1]
    kept = [one for one in table.strip().splitlines() if one.split("|")[1:2] != [name]]
    return "\n".join([*kept, line])
