"""What several workers make that begin at once, in a new home and a new worktree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from okstra_ctl.git import inspection
from okstra_ctl.sandbox.contained import blank_file


def test_whoever_begins_at_the_same_time_finds_it_there(tmp_path: Path) -> None:
    together = Barrier(8)

    def begin(folder: Path) -> str:
        together.wait()
        return blank_file(str(folder))

    with ThreadPoolExecutor(8) as workers:
        for number in range(40):
            folder = tmp_path / str(number)
            assert set(workers.map(begin, [folder] * 8)) == {str(folder / "blank")}
            assert [(one.name, one.stat().st_size) for one in folder.iterdir()] == [("blank", 0)]


def test_workers_that_begin_side_by_side_all_mark_their_worktree(tmp_path: Path) -> None:
    together = Barrier(8)

    def begin(place: tuple[Path, str]) -> None:
        together.wait()
        inspection.mark(str(place[0]), place[1])

    with ThreadPoolExecutor(8) as workers:
        for number in range(40):
            folder = tmp_path / str(number)
            folder.mkdir()
            list(workers.map(begin, [(folder, f"from {worker % 2}") for worker in range(8)]))
            assert [one.read_text() for one in folder.iterdir()] in (["from 0"], ["from 1"])
