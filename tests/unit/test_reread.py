"""A file that is read anew only when another has taken its place, and then always."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.core.text_lines import lines_with
from okstra_ctl.edges import fsio
from okstra_ctl.edges.reread import RereadFile
from okstra_ctl.words.errors import Unreadable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_the_same_file_is_not_read_twice(path: Path) -> None:
    path.write_bytes(b"one")
    file = RereadFile(str(path))
    assert file.read() == b"one"
    assert file.read() is file.read()


def test_a_file_replaced_by_one_as_long_is_read_anew_each_time(path: Path) -> None:
    """As quickly as can be: the clock that files are stamped by may not move between two of them."""
    file = RereadFile(str(path))
    for number in range(1_000):
        data = b"%04d" % number
        fsio.replace(str(path), data, durable=False)
        assert file.read() == data


def test_another_writer_of_the_same_length_and_time_is_seen(path: Path) -> None:
    path.write_bytes(b"one")
    file = RereadFile(str(path))
    assert file.read() == b"one"
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)
    assert file.read() == b"two"


def test_an_edit_in_place_and_an_appended_line_are_seen(path: Path) -> None:
    path.write_bytes(b"one\n")
    file = RereadFile(str(path))
    assert file.read() == b"one\n"
    with path.open("ab") as appended:
        appended.write(b"two\n")
    assert file.read() == b"one\ntwo\n"


def test_a_file_that_comes_and_goes(path: Path) -> None:
    file = RereadFile(str(path))
    assert file.read() is None
    path.write_bytes(b"one")
    assert file.read() == b"one"
    path.unlink()
    assert file.read() is None
    path.mkdir()
    for _ in range(3):
        with pytest.raises(Unreadable):
            file.read()
    path.rmdir()
    path.write_bytes(b"two")
    assert file.read() == b"two"


def test_what_it_wrote_itself_is_not_read_again(path: Path) -> None:
    file, data = RereadFile(str(path)), b"written here"
    file.replace(data)
    assert path.read_bytes() == data
    assert file.read() is data
    RereadFile(str(path)).replace(b"written there")
    assert file.read() == b"written there"


def test_no_descriptor_is_left_open(path: Path) -> None:
    def held() -> int:
        return len(os.listdir("/dev/fd"))

    before = held()
    for number in range(20):
        file = RereadFile(str(path))
        file.replace(b"%d" % number)
        file.read()
    del file
    assert held() == before


_LINES = st.lists(st.binary(max_size=6).map(lambda line: line.replace(b"\n", b"")), max_size=8)


@given(_LINES, st.binary(min_size=1, max_size=3).filter(lambda needle: b"\n" not in needle), st.booleans())
def test_lines_with_finds_what_looking_at_each_finds(lines: list[bytes], needle: bytes, ended: bool) -> None:
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    assert list(lines_with(text, needle)) == [line for line in text.split(b"\n") if needle in line]
    assert list(lines_with(text, b"\n" + needle)) == [line for line in text.split(b"\n")[1:] if line.startswith(needle)]
