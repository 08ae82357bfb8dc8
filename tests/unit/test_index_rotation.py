"""The index's three places on the disk: who reads misses no run, and a kill at any point loses none."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from okstra_ctl.core import index_rows
from okstra_ctl.core.home_paths import HomePaths
from okstra_ctl.edges import fsio
from okstra_ctl.flows import index_rotation, run_index
from okstra_ctl.flows.run_index import EVERYTHING, IndexRow
from support import schemas
from support.faults import TAKES_SPACE, Preload, Scene
from support.sealed import ROOT

_LONG_AGO = "2020-02-03T04:05:06Z"
_LATER = "2021-03-01T00:00:00Z"
_NOW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
_JUST_BEFORE = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
_PACKAGE = {"PYTHONPATH": str(ROOT / "python")}


@pytest.fixture
def home(tmp_path: Path) -> HomePaths:
    (tmp_path / "okstra").mkdir()
    return HomePaths(str(tmp_path / "okstra"))


def row(number: int, event: str = "done", at: str = _NOW) -> IndexRow:
    return IndexRow(f"p:g:1/error-analysis/{number:05d}", event, at, "error-analysis", None, "/p", "/m")


def fill(home: HomePaths, *rows: IndexRow) -> None:
    """Rows as `append` writes them, without the wait for the disk at each."""
    with Path(home.active_index).open("a") as file:
        for one in rows:
            file.write(json.dumps({"v": 1, **{k: v for k, v in one._asdict().items() if v or k == "stage"}}) + "\n")


def states(home: HomePaths, back_to: str | None = EVERYTHING) -> dict[int, str]:
    return {int(one["run_id"][-5:]): one["event"] for one in run_index.newest_rows(home, back_to)}


def test_the_index_is_rotated_when_it_has_grown(home: HomePaths) -> None:
    count = 0
    while not Path(home.recent_index).exists():
        count += 1
        assert run_index.append(home, row(count, "prepared" if count % 10 == 0 else "done")) == ""
        assert count < 2000
    open_runs = set(range(10, count + 1, 10))
    assert states(home) == {n: "prepared" if n in open_runs else "done" for n in range(1, count + 1)}
    assert Path(home.active_index).read_bytes().count(b"\n") == len(open_runs)
    assert Path(home.active_index).stat().st_size < run_index.ROTATE_BYTES / 8
    for path in (home.active_index, home.recent_index):
        assert schemas.faults_of_file(Path(path)) == []
        assert Path(path).stat().st_mode & 0o777 == 0o600


def test_many_open_runs_are_not_gone_through_at_each_append(home: HomePaths) -> None:
    fill(home, *(row(number, "prepared") for number in range(1000)), row(5000))
    run_index.append(home, row(5001))
    assert states(home, None).keys() == {*range(1000), 5000, 5001}
    before = Path(home.recent_index).stat().st_mtime_ns
    for number in range(5002, 5010):
        run_index.append(home, row(number))
    assert Path(home.recent_index).stat().st_mtime_ns == before
    assert b"5009" in Path(home.active_index).read_bytes()


def test_an_open_run_is_never_archived_and_old_ones_are(home: HomePaths) -> None:
    fill(home, row(1, "prepared", _LONG_AGO), row(2, "done", _LONG_AGO), row(3, "failed", _LATER), row(4))
    assert index_rotation.rotate_now(home)
    assert states(home, None) == {1: "prepared", 4: "done"}
    assert states(home) == {1: "prepared", 2: "done", 3: "failed", 4: "done"}
    months = sorted(Path(home.index_archive).iterdir())
    assert [path.name for path in months] == ["2020-02.jsonl", "2021-03.jsonl"]
    assert [schemas.faults_of_file(path) for path in months] == [[], []]
    assert not index_rotation.rotate_now(home)


def test_only_the_months_that_are_asked_for_are_read(home: HomePaths) -> None:
    fill(home, row(1, "done", _LONG_AGO), row(2, "failed", _LATER), row(3))
    index_rotation.rotate_now(home)
    Path(home.index_archive, "2020-02.jsonl").unlink()
    Path(home.index_archive, "2020-02.jsonl").mkdir()
    assert states(home, "2021-03-01") == {2: "failed", 3: "done"}
    with pytest.raises(run_index.OkstraError):
        states(home, "2020-02-01")


def test_a_run_that_was_archived_and_goes_on_is_open_again(home: HomePaths) -> None:
    fill(home, row(1, "failed", _LONG_AGO), row(2))
    index_rotation.rotate_now(home)
    run_index.append(home, row(1, "started"))
    assert states(home, None) == states(home) == {1: "started", 2: "done"}
    run_index.append(home, row(1, "completed"))
    index_rotation.rotate_now(home)
    assert states(home, None) == states(home) == {1: "completed", 2: "done"}


def test_a_rotation_that_fails_is_a_warning_and_the_row_stands(home: HomePaths) -> None:
    fill(home, *(row(number) for number in range(1000)))
    Path(home.recent_index).mkdir()
    assert home.active_index in run_index.append(home, row(1000))
    Path(home.recent_index).rmdir()
    assert states(home) == dict.fromkeys(range(1001), "done")


_ROTATE = """
import sys
from okstra_ctl.core.home_paths import HomePaths
from okstra_ctl.flows.index_rotation import rotate_now
rotate_now(HomePaths(sys.argv[1]))
"""


def rotate_under(home: HomePaths, environment: dict[str, str], **more: str) -> int:
    argv = [sys.executable, "-B", "-c", _ROTATE, home.root]
    called = {**environment, **_PACKAGE, **more}
    return subprocess.run(argv, env=called, capture_output=True, start_new_session=True, timeout=60).returncode


@pytest.mark.parametrize("fault", ["self", "torn", "enospc"])
def test_a_fault_at_any_point_loses_no_run(
    home: HomePaths, environment: dict[str, str], tmp_path: Path, fault: str
) -> None:
    preload, scene = Preload.build(tmp_path), Scene(Path(home.root))
    fill(home, *(row(n, "done", _LONG_AGO) for n in range(5)))
    index_rotation.rotate_now(home)
    fill(home, *(row(n, "prepared") for n in range(5, 10)), *(row(n) for n in range(7, 10)))
    fill(home, row(3, "started"), *(row(n, "failed", _LATER) for n in range(10, 15)))
    expected = states(home)
    scene.keep()
    trace = tmp_path / "trace"
    trace.touch()
    assert rotate_under(home, environment, **preload.environment(trace=trace)) == 0
    points = [line.split("\t") for line in trace.read_text().splitlines()]
    assert len(points) > 10
    for number, _, operation, path in points:
        if fault == "enospc" and operation not in TAKES_SPACE:
            continue
        scene.restore()
        rotate_under(home, environment, **preload.environment(at=number, do=fault))
        where = (fault, number, operation, path)
        assert states(home) == expected, where
        run_index.append(home, row(99))
        index_rotation.rotate_now(home)
        assert states(home) == {**expected, 99: "done"}, where
        assert states(home, None).keys() == {3, 5, 6, 7, 8, 9, 99}, where


@pytest.mark.parametrize("days", list(itertools.product((30, 0), repeat=4)))
def test_rows_that_move_between_any_two_reads_are_seen(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch, days: tuple[int, ...]
) -> None:
    """A writer rotates after each file that a reader reads; 0 days: to the archive at once."""
    moves, number, read = itertools.cycle(days), itertools.count(100), run_index._rows

    def move() -> None:
        monkeypatch.setattr(index_rotation, "RECENT_SECONDS", next(moves) * 86400)
        fill(home, row(next(number), at=_JUST_BEFORE), row(3, "started"))
        index_rotation.rotate_now(home)

    def read_amid_moves(path: str) -> list[index_rows.Row]:
        rows = read(path)
        move()
        return rows

    fill(home, *(row(n, at=_JUST_BEFORE) for n in range(5)))
    index_rotation.rotate_now(home)
    fill(home, *(row(n, at=_JUST_BEFORE) for n in range(5, 10)), row(10, "prepared"))
    monkeypatch.setattr(run_index, "_rows", read_amid_moves)
    assert states(home).keys() >= set(range(11))


_WRITE = """
import sys, time
from okstra_ctl.core.home_paths import HomePaths
from okstra_ctl.flows import index_rotation, run_index
home, until, number = HomePaths(sys.argv[1]), time.monotonic() + 6, 0
while time.monotonic() < until:
    number += 1
    old = "2020-01-01T00:00:00Z" if number % 3 else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for event in ("prepared", "started", "done"):
        row = run_index.IndexRow(f"p:g:1/error-analysis/{number:05d}", event, old, "error-analysis", None, "/p", "/m")
        run_index.append(home, row)
    print(number, flush=True)
    index_rotation.rotate_now(home)
"""


def test_readers_miss_no_run_while_rows_move(home: HomePaths, environment: dict[str, str]) -> None:
    """Every run that was appended before a reading began is in it, while a writer rotates after each."""
    fill(home, *(row(number, "prepared") for number in range(90_000, 90_005)))
    argv = [sys.executable, "-B", "-c", _WRITE, home.root]
    readings = 0
    with subprocess.Popen(argv, env={**environment, **_PACKAGE}, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:  # what was written so far, at the least
            found = states(home)
            assert found.keys() >= {*range(1, int(line) + 1), *range(90_000, 90_005)}, line
            assert all(found[number] == "done" for number in range(1, int(line) + 1))
            readings += 1
    assert writer.returncode == 0
    assert readings > 50
    assert (fsio.read_bytes(home.recent_index) or b"").count(b"\n") < readings
