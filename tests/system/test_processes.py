"""Short-lived processes: started, fed, waited for, ended, and what they inherit."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.errors import Missing, Unreadable
from okstra_ctl.system import processes as proc
from support.faults import eventually
from support.sealed import ROOT

_SWAP = "import sys; data = sys.stdin.buffer.read(); sys.stderr.buffer.write(data[::-1]); sys.stdout.buffer.write(data)"


def _python(code: str, *args: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *args]


def test_how_it_ended_and_what_it_wrote() -> None:
    ended = proc.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (ended.status, ended.stdout, ended.stderr, ended.ok) == (3, b"out\n", b"err\n", False)
    assert proc.run(["sh", "-c", "kill -TERM $$"]).status == -signal.SIGTERM
    assert proc.run(["true"]).ok


@pytest.mark.parametrize("size", [0, 1, 65536, 3_000_000])
def test_much_goes_in_and_comes_out_of_both_sides(size: int) -> None:
    data = os.urandom(1000) * (size // 1000) + b"x" * (size % 1000)
    ended = proc.start(_python(_SWAP), stdin=data).finish(timeout=60)
    assert (ended.status, ended.stdout == data, ended.stderr == data[::-1]) == (0, True, True)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8), max_size=4))
def test_words_arrive_as_they_are(words: list[str]) -> None:
    code = "import sys; print(ascii(sys.argv[1:]))"
    assert proc.run(_python(code, *words)).stdout.decode() == ascii(words) + "\n"


def test_who_reads_little_is_no_error() -> None:
    ended = proc.start(["head", "-c", "1"], stdin=b"x" * 5_000_000).finish(timeout=60)
    assert (ended.status, ended.stdout) == (0, b"x")


def test_without_input_it_reads_nothing() -> None:
    assert proc.run(["cat"]).stdout == b""


def test_it_is_killed_when_it_takes_too_long() -> None:
    begin = time.monotonic()
    assert proc.run(["sleep", "60"], timeout=0.2).status == -signal.SIGKILL
    assert proc.run(["sh", "-c", "exec >&- 2>&-; sleep 60"], timeout=0.2).status == -signal.SIGKILL
    assert time.monotonic() - begin < 20


def test_it_is_asked_to_end() -> None:
    stop = threading.Event()
    running = proc.start(["sh", "-c", "trap 'echo told; exit 7' TERM; echo on; while :; do sleep 0.05; done"])
    threading.Timer(0.3, stop.set).start()
    ended = running.finish_or(stop)
    assert (ended.status, ended.stdout) == (7, b"on\ntold\n")


def test_a_killed_one_stays_ended() -> None:
    running = proc.start(["sleep", "60"])
    running.kill()
    running.kill()
    assert running.finish().status == -signal.SIGKILL


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="okstra-no-such is not on the PATH"):
        proc.run(["okstra-no-such"])
    with pytest.raises(Missing, match="is gone"):
        proc.run(["true"], cwd=str(tmp_path / "gone"))
    with pytest.raises(Unreadable):
        proc.run(["echo", "a\0b"])
    with pytest.raises(Unreadable):
        proc.run(["echo", "\ud800"])


def test_a_program_of_the_folder_is_not_taken_for_one_of_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "okstra-here"
    program.write_text("#!/bin/sh\necho run\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Missing):
        proc.run(["okstra-here"])
    assert proc.run(["./okstra-here"]).stdout == b"run\n"
    assert proc.run(["okstra-here"], env={"PATH": f"/nowhere:{tmp_path}"}).stdout == b"run\n"


def test_a_folder_and_an_environment(tmp_path: Path) -> None:
    folder = tmp_path / "a folder, 한글"
    folder.mkdir()
    ended = proc.run(["sh", "-c", 'pwd; echo "$A"'], cwd=str(folder), env={"PATH": os.environ["PATH"], "A": "b c"})
    assert ended.stdout.decode() == f"{folder}\nb c\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_it_inherits_what_it_is_given_and_nothing_else(tmp_path: Path) -> None:
    given_one, other = tmp_path / "given", tmp_path / "other"
    with open(given_one, "w") as first, open(other, "w") as second:
        kept = (first.fileno(),)
        told = proc.run(["ls", "-l", "/proc/self/fd"], keep_open=kept).stdout.decode()
        assert str(given_one) in told
        assert str(other) not in told
        assert not os.get_inheritable(first.fileno())
        assert not os.get_inheritable(second.fileno())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_what_okstra_was_started_with_is_not_handed_on(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "from okstra_ctl.system import processes as proc\n"
        "kept = open(sys.argv[1])\n"
        "print(proc.run(['ls', '-l', '/proc/self/fd'], keep_open=(kept.fileno(),)).stdout.decode())\n"
        "proc.start_detached(['sleep', '8'])\n"
    )
    kept = tmp_path / "kept"
    kept.touch()
    read, write = os.pipe()
    high = os.dup2(write, 40)
    done = subprocess.run(_python(code, str(kept)), pass_fds=(write, high), capture_output=True, text=True, timeout=60)
    os.close(write)
    os.close(high)
    assert str(kept) in done.stdout, done
    assert os.readlink(f"/proc/self/fd/{read}") not in done.stdout
    assert select.select([read], [], [], 4)[0], "the one that goes on has the other end still"
    os.close(read)


def test_with_closed_standard_streams(tmp_path: Path) -> None:
    """The pipes' ends would take the numbers of the streams that are closed."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "from okstra_ctl.system import processes as proc\n"
        "ended = proc.start(['sh', '-c', 'cat; echo err >&2'], stdin=b'in').finish(timeout=20)\n"
        "open(sys.argv[1], 'w').write(repr(tuple(ended)[1:]))\n"
    )
    for closed in ("0<&- 1>&- 2>&-", "0<&-", "1>&-", "2>&- 0<&-"):
        told = tmp_path / "told"
        subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *_python(code, str(told))], check=True, timeout=60)
        assert told.read_text() == repr((0, b"in", b"err\n")), closed


def test_nothing_is_left_open() -> None:
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        proc.start(["cat"], stdin=b"x").finish()
        with pytest.raises(Missing):
            proc.run(["okstra-no-such"])
    assert len(os.listdir("/dev/fd")) == before


def test_where_all_ends_are_ignored(tmp_path: Path) -> None:
    """The end can't be known: it is no success, and is not waited for for ever."""
    code = (
        f"import signal, sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from okstra_ctl.system import processes as proc\n"
        "ended = proc.run(['echo', 'x'])\n"
        "print(ended.stdout, ended.ok)\n"
        "gone = proc.start(['true'])\n"
        "import time; time.sleep(0.5)\n"
        "gone.kill()\n"
    )
    done = subprocess.run(_python(code), capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("b'x\\n' False\n", 0), done


def test_a_detached_process_outlives_its_starter(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
        "from okstra_ctl.system import processes as proc\n"
        "proc.start_detached(['sh', '-c', 'sleep 0.3; ps -o pid= -o sid= -p $$ > \"$0\"', sys.argv[1]])\n"
    )
    subprocess.run(_python(code, str(mark)), check=True, timeout=60)
    assert not mark.exists()
    eventually(lambda: mark.exists() and mark.read_text().strip())
    pid, session = mark.read_text().split()
    assert pid == session
