"""The locks between processes and their order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from okstra_ctl.errors import Busy, InternalError, WorkFailed
from okstra_ctl.system.locks import LockKind, locked, locked_kinds, share_fence, try_fence

_HOLDER = """
import sys, time
from okstra_ctl.system.locks import LockKind, locked
with locked(LockKind(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
_ORPHAN = """
import subprocess, sys
from okstra_ctl.system.locks import LockKind, locked
with locked(LockKind.REPOSITORY, sys.argv[1]) as lock:
    child = subprocess.Popen(["sleep", "60"], pass_fds=lock.keep_open, stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.read()
"""
_COUNTER = """
import sys
from okstra_ctl.system.locks import LockKind, locked
path, counter = sys.argv[1:]
for _ in range(40):
    with locked(LockKind.REGISTRY, path):
        with open(counter) as file:
            number = int(file.read())
        with open(counter, "w") as file:
            file.write(str(number + 1))
"""

_ORDER = tuple(LockKind)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "folder" / "some.lock")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait(10)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _start(processes: list[subprocess.Popen[str]], code: str, *args: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    processes.append(process)
    return process


def _release(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _free(path: str, kind: LockKind = LockKind.REGISTRY, timeout: float = 0.05) -> bool:
    try:
        with locked(kind, path, timeout=timeout):
            return True
    except Busy:
        return False


# The order


@pytest.mark.parametrize(
    ("first", "second"), [(a, b) for a, b in product(_ORDER, _ORDER) if _ORDER.index(a) >= _ORDER.index(b)]
)
def test_a_broken_order_is_a_bug(tmp_path: Path, first: LockKind, second: LockKind) -> None:
    with locked(first, str(tmp_path / "first")):
        with pytest.raises(InternalError, match=f"{second} requested while {first} is locked"):
            with locked(second, str(tmp_path / "second")):
                pass
    assert locked_kinds() == ()


def test_all_four_in_their_order(tmp_path: Path) -> None:
    assert [kind.name for kind in _ORDER] == ["REPOSITORY", "REGISTRY", "LEDGER", "INDEX"]
    with locked(LockKind.REPOSITORY, str(tmp_path / "1")), locked(LockKind.REGISTRY, str(tmp_path / "2")):
        with locked(LockKind.LEDGER, str(tmp_path / "3")), locked(LockKind.INDEX, str(tmp_path / "4")):
            assert locked_kinds() == _ORDER
    assert locked_kinds() == ()


def test_after_an_error_nothing_is_held(path: str) -> None:
    with pytest.raises(ZeroDivisionError), locked(LockKind.REPOSITORY, path):
        raise ZeroDivisionError
    assert locked_kinds() == ()
    assert _free(path, LockKind.REPOSITORY)


def test_each_thread_has_an_order_of_its_own(tmp_path: Path) -> None:
    with locked(LockKind.INDEX, str(tmp_path / "1")):
        assert _in_thread(lambda: _free(str(tmp_path / "2")))


def _in_thread(work: object) -> object:
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(work()))  # type: ignore[operator]
    thread.start()
    thread.join(20)
    (answer,) = answers
    return answer


# Exclusion


@pytest.mark.parametrize("kind", _ORDER)
def test_two_threads_exclude_each_other(path: str, kind: LockKind) -> None:
    with locked(kind, path):
        assert _in_thread(lambda: _free(path, kind)) is False
    assert _in_thread(lambda: _free(path, kind)) is True


def test_two_names_of_one_file_are_one_lock(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with locked(LockKind.REGISTRY, str(tmp_path / "lock")):
        assert _in_thread(lambda: _free(str(tmp_path / "link" / "lock"))) is False


@pytest.mark.parametrize("kind", _ORDER)
def test_two_processes_exclude_each_other(path: str, kind: LockKind, started: list[subprocess.Popen[str]]) -> None:
    holder = _start(started, _HOLDER, kind.value, path)
    assert _line(holder) == "held"
    assert not _free(path, kind)
    _release(holder)
    assert _free(path, kind, timeout=10)


def test_no_count_is_lost_between_processes(path: str, tmp_path: Path, started: list[subprocess.Popen[str]]) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    for _ in range(4):
        _start(started, _COUNTER, path, str(counter))
    assert [process.wait(30) for process in started] == [0] * 4
    assert counter.read_text() == "160"


def test_a_waiting_process_gets_it_soon_after_the_release(path: str, started: list[subprocess.Popen[str]]) -> None:
    holder = _start(started, _HOLDER, "registry", path)
    assert _line(holder) == "held"
    threading.Timer(0.1, _release, (holder,)).start()
    assert _free(path, timeout=10)


def test_another_file_is_another_lock(tmp_path: Path) -> None:
    with locked(LockKind.REGISTRY, str(tmp_path / "one")):
        assert _in_thread(lambda: _free(str(tmp_path / "two"))) is True


# Busy


def test_busy_names_the_process_and_since_when(path: str, started: list[subprocess.Popen[str]]) -> None:
    holder = _start(started, _HOLDER, "registry", path)
    assert _line(holder) == "held"
    with pytest.raises(Busy) as busy:
        with locked(LockKind.REGISTRY, path, timeout=0.05):
            pass
    assert f"process {holder.pid}, since {time.gmtime().tm_year}-" in busy.value.message
    assert (busy.value.code, busy.value.where) == ("busy", path)


def test_busy_in_the_same_process_names_it(path: str) -> None:
    with locked(LockKind.REGISTRY, path):
        told: list[str] = []

        def ask() -> None:
            with pytest.raises(Busy) as busy, locked(LockKind.REGISTRY, path, timeout=0.05):
                pass
            told.append(busy.value.message)

        _in_thread(ask)
    assert f"process {os.getpid()}, since" in told[0]


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", "3"])
def test_a_damaged_note_is_no_reason_to_fail(path: str, note: str, started: list[subprocess.Popen[str]]) -> None:
    holder = _start(started, _HOLDER, "registry", path)
    assert _line(holder) == "held"
    Path(f"{path}.holder").write_text(note)
    with pytest.raises(Busy, match="held by another process"), locked(LockKind.REGISTRY, path, timeout=0.05):
        pass


def test_the_note_goes_and_the_lock_file_stays(path: str) -> None:
    with locked(LockKind.REGISTRY, path):
        assert json.loads(Path(f"{path}.holder").read_text())["pid"] == os.getpid()
    assert not Path(f"{path}.holder").exists()
    assert Path(path).exists(), "a lock file that is deleted lets two in"


def test_what_a_lock_makes_is_private(path: str) -> None:
    before = os.umask(0)
    try:
        with locked(LockKind.REPOSITORY, path):
            made = sorted(Path(path).parent.iterdir())
            assert [entry.name for entry in made] == ["some.lock", "some.lock.fence", "some.lock.holder"]
            assert {entry.stat().st_mode & 0o777 for entry in made} == {0o600}
    finally:
        os.umask(before)


def test_where_no_lock_file_can_be_made_it_is_a_failed_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkFailed), locked(LockKind.REGISTRY, str(tmp_path / "file" / "lock")):
        pass


# Death


def test_a_killed_holder_frees_it_at_once(path: str, started: list[subprocess.Popen[str]]) -> None:
    holder = _start(started, _HOLDER, "repository", path)
    assert _line(holder) == "held"
    holder.kill()
    holder.wait(10)
    assert Path(f"{path}.holder").exists(), "its note is still there"
    assert _free(path, LockKind.REPOSITORY, timeout=2)


def test_a_stopped_holder_still_holds_it(path: str, started: list[subprocess.Popen[str]]) -> None:
    holder = _start(started, _HOLDER, "registry", path)
    assert _line(holder) == "held"
    holder.send_signal(signal.SIGSTOP)
    try:
        assert not _free(path)
    finally:
        holder.send_signal(signal.SIGCONT)


def test_an_orphan_with_the_fence_keeps_the_next_one_waiting_until_it_ends(
    path: str, started: list[subprocess.Popen[str]]
) -> None:
    """The okstra that started a git is killed; its git still works on the repository."""
    parent = _start(started, _ORPHAN, path)
    orphan = int(_line(parent))
    try:
        parent.kill()
        parent.wait(10)
        with pytest.raises(Busy) as busy, locked(LockKind.REPOSITORY, path, timeout=0.1):
            pass
        assert busy.value.message == "the lock is held by a git process whose okstra has died"
    finally:
        os.kill(orphan, signal.SIGKILL)
    assert _free(path, LockKind.REPOSITORY, timeout=10)


def test_only_the_repository_lock_has_a_fence(tmp_path: Path) -> None:
    with locked(LockKind.REPOSITORY, str(tmp_path / "1")) as lock:
        assert len(lock.keep_open) == 1
    for kind in (LockKind.REGISTRY, LockKind.LEDGER, LockKind.INDEX):
        with locked(kind, str(tmp_path / kind.value)) as lock:
            assert lock.keep_open == ()
    assert not list(tmp_path.glob("[A-Z]*.fence"))


def test_a_fence_is_shared_or_taken(tmp_path: Path) -> None:
    first, second, third = (os.open(tmp_path / "fence", os.O_RDWR | os.O_CREAT) for _ in range(3))
    try:
        share_fence(first)
        share_fence(second)
        assert not try_fence(third)
        os.close(first)
        assert not try_fence(third)
        os.close(second)
        assert try_fence(third)
    finally:
        os.close(third)
