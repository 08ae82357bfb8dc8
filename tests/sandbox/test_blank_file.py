"""The empty file that is laid over others, when several workers begin in a new home at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

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
