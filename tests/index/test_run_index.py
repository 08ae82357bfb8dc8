"""The run index: readers miss no run, a kill at any point loses none, older files are taken over."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

from okstra_ctl.errors import OkstraError, Unreadable
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index
from okstra_ctl.index.run_index import EVERYTHING, IndexRow
from support import index_file, schemas
from support.faults import TAKES_SPACE, Preload, Scene
from support.sealed import ROOT

_LONG_AGO = "2020-02-03T04:05:06Z"
_NOW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
_PACKAGE = {"PYTHONPATH": str(ROOT / "python")}


@pytest.fixture
def home(tmp_path: Path) -> HomePaths:
    (tmp_path / "okstra").mkdir()
    return HomePaths(str(tmp_path / "okstra"))


def row(number: int, event: str = "done", at: str = _NOW, **more: object) -> IndexRow:
    plain = IndexRow(f"p:g:1/error-analysis/{number:05d}", event, at, "error-analysis", None, "/p", "/m")
    return plain._replace(**more)


def states(home: HomePaths, back_to: str | None = EVERYTHING) -> dict[int, str]:
    return {int(one["run_id"][-5:]): one["event"] for one in run_index.newest_rows(home, back_to)}


def write_older(path: str, *rows: IndexRow) -> None:
    """A file as an earlier okstra left it, with a line that no okstra understands and a torn one."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(one.to_json()) + "\n" for one in rows)
    Path(path).write_text(lines + '{"v": 9}\n{"v": 1, "run')


def test_the_file_is_for_its_user_alone_and_its_rows_match_the_schema(home: HomePaths) -> None:
    owner = {"host": "h", "boot_id": "b", "pid": 1, "start_time": "2"}
    run_index.append(home, row(1, "prepared", _LONG_AGO))
    run_index.append(home, row(1, "started", owner=owner))
    (found,) = run_index.newest_rows(home)
    assert (found["event"], found["owner"], found["prepared_at"], found["started_at"]) == (
        *("started", owner),
        *(_LONG_AGO, _NOW),
    )
    assert schemas.faults(found, "index-row") == []
    assert Path(home.run_index).stat().st_mode & 0o777 == 0o600
    run_index.append(home, row(1, "done"))
    (ended,) = run_index.newest_rows(home)
    assert "owner" not in ended and ended["prepared_at"] == _LONG_AGO


@pytest.mark.parametrize("root", ["/데이터/\udc80", "/with\nnewline", '/it\'s "x"'])
def test_any_path_comes_back_as_it_was(home: HomePaths, root: str) -> None:
    run_index.append(home, row(1, project_root=root, manifest=root))
    (found,) = run_index.newest_rows(home)
    assert (found["project_root"], found["manifest"]) == (root, root)


def test_old_ended_runs_are_listed_on_demand_and_open_ones_always(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_index, "ALWAYS_RECENT", 1)
    rows = [row(1, "prepared", _LONG_AGO), row(2, "done", _LONG_AGO), row(3, "failed", "2021-03-01T00:00:00Z"), row(4)]
    run_index.append_all(home, rows)
    assert states(home, None) == {1: "prepared", 4: "done"}
    assert states(home, "2021-01-01T00:00:00Z") == {1: "prepared", 3: "failed", 4: "done"}
    assert states(home) == {1: "prepared", 2: "done", 3: "failed", 4: "done"}
    assert run_index.has_older(home)
    run_index.append_all(home, [row(2, "started"), row(3, "started")])
    assert states(home, None) == {1: "prepared", 2: "started", 3: "started", 4: "done"}
    assert not run_index.has_older(home)
    monkeypatch.setattr(run_index, "RECENT_RUNS", 2)
    run_index.append_all(home, [row(5), row(6)])
    assert states(home, None).keys() == {1, 2, 3, 5, 6}
    assert run_index.has_older(home)


def test_a_few_runs_are_listed_whole_however_old(home: HomePaths) -> None:
    run_index.append_all(home, [row(number, "done", _LONG_AGO) for number in range(run_index.ALWAYS_RECENT)])
    assert len(states(home, None)) == run_index.ALWAYS_RECENT
    assert not run_index.has_older(home)
    run_index.append(home, row(900))
    assert len(states(home, None)) == run_index.ALWAYS_RECENT
    assert run_index.has_older(home)


def test_no_index_is_an_empty_one_and_reading_makes_no_file(home: HomePaths) -> None:
    assert states(home) == {}
    assert not run_index.has_older(home)
    write_older(home.active_index, row(1))
    assert states(home) == {1: "done"}
    assert os.listdir(home.root) == ["active.jsonl"]


def test_what_an_earlier_okstra_wrote_is_read_at_once_and_taken_over_by_the_next_writer(home: HomePaths) -> None:
    write_older(os.path.join(home.index_archive, "2020-02.jsonl"), row(1, "done", _LONG_AGO), row(2, at=_LONG_AGO))
    write_older(home.recent_index, row(2, "failed"), row(3))
    write_older(home.active_index, row(4, "prepared"), row(4, "started"), row(1, "started"))
    before = states(home)
    assert before == {1: "started", 2: "failed", 3: "done", 4: "started"}
    run_index.append(home, row(5))
    assert states(home) == {**before, 5: "done"}
    assert sorted(os.listdir(home.root)) == [".locks", "index-aside", "index.sqlite3"]
    aside = sorted(name.partition(".jsonl")[0] for name in os.listdir(home.index_aside))
    assert aside == ["2020-02", "active", "recent"], "what was not understood is kept"
    assert {row["run_id"][-1]: row.get("prepared_at") for row in index_file.rows(Path(home.root))}["4"] == _NOW


def test_rows_that_an_earlier_okstra_wrote_beside_this_one_count_if_they_are_newer(home: HomePaths) -> None:
    run_index.append_all(home, [row(1, "done"), row(2, "prepared", _LONG_AGO)])
    write_older(home.active_index, row(1, "prepared", _LONG_AGO), row(2, "started"), row(3))
    assert states(home) == {1: "done", 2: "started", 3: "done"}
    run_index.append(home, row(4))
    assert states(home) == {1: "done", 2: "started", 3: "done", 4: "done"}
    assert {row["run_id"][-1]: row.get("prepared_at") for row in index_file.rows(Path(home.root))}["1"] == _LONG_AGO


@pytest.mark.parametrize("damage", ["garbage", "a folder", "a link", "a cut", "other tables", "an odd row"])
def test_a_damaged_index_is_an_error_with_its_repair_and_is_set_aside(home: HomePaths, damage: str) -> None:
    run_index.append_all(home, [row(number) for number in range(200)])
    path = Path(home.run_index)
    if damage == "garbage":
        path.write_bytes(b"x" * 5000)
    elif damage == "a folder":
        path.unlink()
        path.mkdir()
    elif damage == "a link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
        with pytest.raises(Unreadable):
            run_index.append(home, row(500))
        assert len(states(home)) == 200
        assert os.path.islink(run_index.set_damaged_aside(home))
        return
    elif damage == "a cut":
        path.write_bytes(path.read_bytes()[:6000])
    elif damage == "other tables":
        index_file.execute(Path(home.root), "DROP TABLE runs")
    else:
        index_file.execute(Path(home.root), "UPDATE runs SET at = x'ff00', stage = 'x' WHERE run_id LIKE '%00007'")
        assert states(home).keys() == {*range(200)} - {7}
        assert run_index.damage(home) == ""
        return
    for call in (lambda: states(home), lambda: run_index.append(home, row(500))):
        with pytest.raises(Unreadable) as refused:
            call()
        assert (refused.value.code, refused.value.where) == ("state-unreadable", home.run_index)
        assert "okstra reconcile --apply" in refused.value.hint
    assert run_index.rows_to_reconcile(home) == []
    aside = run_index.set_damaged_aside(home)
    assert os.path.dirname(aside) == home.index_aside and os.path.exists(aside)
    assert run_index.set_damaged_aside(home) == ""
    run_index.append(home, row(1))
    assert states(home) == {1: "done"}


def test_a_newer_okstras_index_is_refused_and_never_set_aside(home: HomePaths) -> None:
    run_index.append(home, row(1))
    index_file.execute(Path(home.root), "PRAGMA user_version = 2")
    before = Path(home.run_index).read_bytes()
    for call in (
        lambda: states(home),
        lambda: run_index.append(home, row(2)),
        lambda: run_index.set_damaged_aside(home),
    ):
        with pytest.raises(Unreadable, match="newer okstra"):
            call()
    assert Path(home.run_index).read_bytes() == before


def test_a_reader_waits_for_no_lock_of_okstras_and_a_writer_for_no_reader_for_ever(home: HomePaths) -> None:
    run_index.append(home, row(1))
    with run_index.locked(run_index.LockKind.INDEX, home.index_lock):
        assert states(home) == {1: "done"}
    reader = sqlite3.connect(home.run_index)
    assert list(reader.execute("SELECT event FROM runs")) == [("done",)]
    run_index.append(home, row(2))
    assert states(home) == {1: "done", 2: "done"}
    reader.close()


def test_a_home_that_cannot_be_written_is_read_all_the_same() -> None:
    """As root nothing is read-only: the reader gives its rights up first."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        home = HomePaths(os.path.join(folder, "okstra"))
        os.mkdir(home.root)
        run_index.append(home, row(1))
        os.chmod(home.run_index, 0o444)
        for place in (home.root, folder):
            os.chmod(place, 0o555)
        reader = os.fork()
        if reader == 0:
            if os.getuid() == 0:
                os.setuid(65534)
            os._exit(0 if not os.access(home.root, os.W_OK) and states(home) == {1: "done"} else 1)
        _, ended = os.waitpid(reader, 0)
        for place in (folder, home.root):
            os.chmod(place, 0o755)
    assert ended == 0


def test_an_index_that_only_cannot_be_opened_is_not_set_aside(home: HomePaths) -> None:
    run_index.append(home, row(1))
    journal = Path(f"{home.run_index}-journal")
    journal.mkdir()
    with pytest.raises(OkstraError) as refused:
        run_index.append(home, row(2))
    assert refused.value.code in ("write-failed", "state-unreadable")
    journal.rmdir()
    assert run_index.set_damaged_aside(home) == ""
    assert states(home) == {1: "done"}


_TAKE_OVER = """
import sys
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index
row = run_index.IndexRow("p:g:1/error-analysis/00050", "prepared", sys.argv[2], "error-analysis", None, "/p", "/m")
run_index.append(HomePaths(sys.argv[1]), row)
"""


def take_over(home: HomePaths, environment: dict[str, str], **more: str) -> int:
    argv = [sys.executable, "-B", "-c", _TAKE_OVER, home.root, _NOW]
    called = {**environment, **_PACKAGE, **more}
    return subprocess.run(argv, env=called, capture_output=True, start_new_session=True, timeout=60).returncode


@pytest.mark.parametrize("fault", ["self", "torn", "enospc"])
def test_a_fault_at_any_point_of_the_taking_over_loses_no_run(
    home: HomePaths, environment: dict[str, str], tmp_path: Path, fault: str
) -> None:
    preload, scene = Preload.build(tmp_path), Scene(Path(home.root))
    write_older(os.path.join(home.index_archive, "2020-02.jsonl"), *(row(n, "done", _LONG_AGO) for n in range(5)))
    write_older(home.recent_index, *(row(n) for n in range(5, 10)))
    write_older(home.active_index, *(row(n, "prepared") for n in range(10, 15)), row(3, "started"))
    expected = states(home)
    scene.keep()
    trace = tmp_path / "trace"
    trace.write_bytes(b"")
    assert take_over(home, environment, **preload.environment(trace=trace)) == 0
    points = [line.split("\t") for line in trace.read_text().splitlines()]
    assert len(points) > 10
    for number, _, operation, path in points:
        if fault == "enospc" and operation not in TAKES_SPACE:
            continue
        scene.restore()
        take_over(home, environment, **preload.environment(at=number, do=fault))
        where = (fault, number, operation, path)
        found = states(home)
        found.pop(50, None)
        assert found == expected, where
        run_index.append(home, row(99))
        assert {**expected, 99: "done"}.items() <= states(home).items(), where
        assert run_index.damage(home) == ""


_WRITE = """
import sys, time
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index
home, until, number = HomePaths(sys.argv[1]), time.monotonic() + 3, 0
while time.monotonic() < until:
    number += 1
    for event in ("prepared", "started", "done"):
        at = "2020-01-01T00:00:00Z"
        row = run_index.IndexRow(f"p:g:1/error-analysis/{number:05d}", event, at, "error-analysis", None, "/p", "/m")
        run_index.append(home, row)
    print(number, flush=True)
"""


def test_readers_miss_no_run_while_rows_are_written(home: HomePaths, environment: dict[str, str]) -> None:
    argv = [sys.executable, "-B", "-c", _WRITE, home.root]
    readings = 0
    with subprocess.Popen(argv, env={**environment, **_PACKAGE}, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            found = states(home)
            assert all(found[number] == "done" for number in range(1, int(line) + 1))
            readings += 1
    assert writer.returncode == 0
    assert readings > 5


def test_the_files_that_are_there_never_hide_one_another(home: HomePaths) -> None:
    """Each of an earlier okstra's three places alone, and all of them."""
    places = [os.path.join(home.index_archive, "2020-02.jsonl"), home.recent_index, home.active_index]
    for number, chosen in enumerate(itertools.combinations(places, 2)):
        for place in chosen:
            write_older(place, row(number * 10 + places.index(place)))
        expected = {number * 10 + places.index(place) for place in chosen}
        assert states(home).keys() >= expected
        try:
            run_index.append(home, row(90 + number))
        except OkstraError as error:
            pytest.fail(str(error))
        assert states(home).keys() >= expected
