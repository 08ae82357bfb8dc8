"""What folders take up on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from okstra_ctl.system.disk_use import DiskUse

_BLOCKS = 256 * 1024


def _folder(path: Path, size: int) -> str:
    path.mkdir(parents=True)
    (path / "file").write_bytes(b"x" * size)
    return str(path)


@pytest.mark.parametrize("name", ["plain", "with space", "한글", "two\nlines", "9\t/tmp"])
def test_a_folder_is_measured_whatever_its_name(tmp_path: Path, name: str) -> None:
    small, large = _folder(tmp_path / name, 10), _folder(tmp_path / f"{name}-more", _BLOCKS)
    sizes = DiskUse([small, large]).finish()
    assert set(sizes) == {small, large}
    assert sizes[large] >= _BLOCKS > sizes[small]


def test_a_folder_that_is_gone_is_left_out(tmp_path: Path) -> None:
    there, gone = _folder(tmp_path / "there", 10), _folder(tmp_path / "gone", 10)
    shutil.rmtree(gone)
    assert set(DiskUse([gone, there]).finish()) == {there}


def test_nothing_to_measure() -> None:
    assert DiskUse([]).finish() == {}
