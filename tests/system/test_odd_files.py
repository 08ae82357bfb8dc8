"""What stands where a file is expected and is none: refused at once, never waited for, never written through."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from okstra_ctl.errors import Unreadable, WorkFailed
from okstra_ctl.system import files
from okstra_ctl.system.locks import LockKind, locked
from support import hostile

_ODD = ("a folder", "a FIFO", "a link to /dev/zero", "a link to /dev/null", "a link to itself", "a link to a folder")
_LINKS = ("a link to nothing", "a link to its like outside", "a link to a secret")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("mine\n")
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside" / "state.json"


@pytest.mark.parametrize("kind", _ODD)
def test_it_is_not_read(path: Path, outside: Path, kind: str) -> None:
    hostile.put_in_place(path, outside, kind)
    with hostile.bounds(5), pytest.raises(Unreadable) as refused:
        files.read_bytes(str(path))
    assert (refused.value.code, refused.value.where) == ("state-unreadable", str(path))


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_not_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable, match="no file of that name"):
        files.read_bytes(str(tmp_path / name))


def test_a_file_over_the_limit_is_not_read(path: Path) -> None:
    path.touch()
    os.truncate(path, 100 << 20)
    with pytest.raises(Unreadable, match="larger than"):
        files.read_bytes(str(path))


def _lock(path: str) -> None:
    with locked(LockKind.INDEX, path, timeout=1):
        pass


def _open_privately(path: str) -> None:
    try:
        open(path, "ab", opener=files.private).close()
    except OSError as error:
        raise WorkFailed("write-failed", os.strerror(error.errno or errno.EIO)) from error


@pytest.mark.parametrize("kind", (*_ODD, *_LINKS))
@pytest.mark.parametrize("write", [lambda p: files.append_line(p, b"row\n"), _lock, _open_privately])
def test_it_is_not_written_through(path: Path, outside: Path, kind: str, write: Callable[[str], None]) -> None:
    hostile.put_in_place(path, outside, kind)
    before = hostile.contents(outside)
    with hostile.bounds(5), pytest.raises(WorkFailed) as failed:
        write(str(path))
    assert failed.value.code == "write-failed"
    assert hostile.contents(outside) == before


@pytest.mark.parametrize("kind", ("a FIFO", "a link to /dev/zero", *_LINKS))
def test_replacing_puts_a_file_in_its_place(path: Path, outside: Path, kind: str) -> None:
    hostile.put_in_place(path, outside, kind)
    before = hostile.contents(outside)
    with hostile.bounds(5):
        files.replace(str(path), b"new\n")
    assert path.read_bytes() == b"new\n" and not path.is_symlink()
    assert hostile.contents(outside) == before


@pytest.mark.parametrize("kind", ("a FIFO", *_LINKS))
def test_the_temporary_name_is_not_written_through(path: Path, outside: Path, kind: str) -> None:
    hostile.put_in_place(path.with_name(f".{path.name}{files.TEMPORARY_SUFFIX}"), outside, kind)
    before = hostile.contents(outside)
    with hostile.bounds(5), pytest.raises(WorkFailed):
        files.replace(str(path), b"new\n")
    assert hostile.contents(outside) == before
