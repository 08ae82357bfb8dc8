"""Naming a process, and telling whether it still lives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.names import Owner
from okstra_ctl.status import Liveness
from okstra_ctl.system.process_identity import liveness, owner_of, this_process
from support.sealed import ROOT

_ASK = "from okstra_ctl.system.process_identity import nearest_client; print(nearest_client())"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait(10)


def _eventually(owner: Owner, wanted: Liveness) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if liveness(owner) is wanted:
            return True
        time.sleep(0.005)
    return False


def test_this_process_is_alive() -> None:
    owner = this_process()
    assert (owner.pid, owner.host) == (os.getpid(), os.uname().nodename)
    assert owner.start_time and owner.boot_id
    assert liveness(owner) is Liveness.ALIVE
    assert this_process() == owner


def test_another_process_is_alive_and_gone_after_its_exit(sleeper: subprocess.Popen[bytes]) -> None:
    owner = owner_of(sleeper.pid)
    assert liveness(owner) is Liveness.ALIVE
    sleeper.kill()
    sleeper.wait(10)
    assert liveness(owner) is Liveness.GONE


def test_a_zombie_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    """It has ended; only nobody has asked yet how."""
    owner = owner_of(sleeper.pid)
    sleeper.kill()
    assert _eventually(owner, Liveness.GONE)
    assert sleeper.returncode is None, "nobody waited for it"
    os.kill(sleeper.pid, 0)


def test_a_stopped_process_is_alive(sleeper: subprocess.Popen[bytes]) -> None:
    owner = owner_of(sleeper.pid)
    sleeper.send_signal(19)
    assert liveness(owner) is Liveness.ALIVE


def test_a_reused_pid_is_another_process() -> None:
    mine = this_process()
    assert liveness(mine._replace(start_time=f"{mine.start_time}0")) is Liveness.GONE
    assert liveness(mine._replace(start_time="")) is Liveness.GONE


def test_a_process_from_before_the_reboot_is_gone() -> None:
    assert liveness(this_process()._replace(boot_id="another")) is Liveness.GONE


def test_a_process_on_another_host_is_out_of_reach() -> None:
    assert liveness(this_process()._replace(host="elsewhere")) is Liveness.UNKNOWN
    assert liveness(this_process()._replace(host="elsewhere", boot_id="another")) is Liveness.UNKNOWN


def test_nobody() -> None:
    assert liveness(None) is Liveness.NOBODY


def test_a_pid_that_never_was() -> None:
    owner = owner_of(2**22 + 1)
    assert owner.start_time == ""
    assert liveness(owner) is Liveness.GONE


@pytest.mark.parametrize("name", ["odd) R 1", "tab\tand (", "Z"])
def test_a_name_with_brackets_does_not_confuse_it(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(program), "60"])
    try:
        assert liveness(owner_of(process.pid)) is Liveness.ALIVE
    finally:
        process.kill()
        process.wait(10)


def test_an_owner_round_trip() -> None:
    owner = this_process()
    assert Owner.from_json(owner.to_json()) == owner
    assert Owner.from_json(None) is None


@pytest.mark.parametrize("value", ["me", 1, [], {}, {"pid": "1"}, {"pid": None}])
def test_what_is_no_owner(value: object) -> None:
    with pytest.raises(ValueError, match="an owner"):
        Owner.from_json(value)


def _client_seen_from_below(client: list[str]) -> str:
    """What a Python below that client answers; the client waits for it, so it has it as a child."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(client, capture_output=True, text=True, env=environment, timeout=20, check=True)
    return done.stdout.strip()


def test_the_nearest_client_is_found_through_a_shell(tmp_path: Path) -> None:
    client = tmp_path / "claude"
    client.symlink_to("/bin/sh")
    found = _client_seen_from_below([str(client), "-c", f'echo $$; sh -c "{sys.executable} -c \\"{_ASK}\\"; :"; :'])
    pid, owner = found.splitlines()
    assert f"pid={pid}," in owner


def test_a_program_whose_name_only_begins_so_is_no_client(tmp_path: Path) -> None:
    other = tmp_path / "claudette"
    other.symlink_to("/bin/sh")
    inside = _client_seen_from_below([str(other), "-c", f'echo $$; {sys.executable} -c "{_ASK}"; :'])
    pid, owner = inside.splitlines()
    assert f"pid={pid}," not in owner
