"""The end of a file that grows: bounded, from the beginning of a line on, and nothing for what is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from okstra_ctl.system import files


@pytest.mark.parametrize(
    ("data", "most", "tail"),
    [
        (b"", 4, b""),
        (b"a\nb\n", 4, b"a\nb\n"),
        (b"a\nb\nc", 4, b"b\nc"),
        (b"no end", 6, b"no end"),
        (b"longer than that", 6, b""),
        (b"1%\r20%\r30%", 6, b"30%"),
        (b"long\nlonger\n", 7, b""),
        (b"long\nlonger\n", 8, b"longer\n"),
    ],
)
def test_whole_lines_of_so_many_bytes(tmp_path: Path, data: bytes, most: int, tail: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    assert files.read_tail(str(path), most) == tail


def test_what_is_no_plain_file_is_empty_and_nobody_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("fifo", "endless", "nowhere", ".", "nul\0"):
        assert files.read_tail(str(tmp_path / name), 100) == b""


def test_a_large_file_costs_its_end_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.truncate(1 << 36)  # a sparse file, larger than any memory here
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    assert files.read_tail(str(path), 64) == b"last\n"
