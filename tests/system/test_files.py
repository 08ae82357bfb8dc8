"""Files: read whole, replaced whole, appended by the line."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from okstra_ctl.errors import Unreadable, WorkFailed
from okstra_ctl.system import files as fsio


class Stopped(BaseException):
    """Stands for a kill: nothing in the package catches it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture(autouse=True)
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


# Folders


def test_make_folder_makes_all_that_is_missing_private(tmp_path: Path) -> None:
    fsio.make_folder(str(tmp_path / "a" / "b" / "c"))
    fsio.make_folder(str(tmp_path / "a" / "b" / "c"))
    assert [_mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_make_folder_leaves_those_that_exist_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(0o755)
    fsio.make_folder(str(tmp_path / "a" / "b"))
    assert _mode(tmp_path / "a") == 0o755


@pytest.mark.parametrize("below", ["file", "file/folder"])
def test_make_folder_over_a_file_fails(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkFailed) as failed:
        fsio.make_folder(str(tmp_path / below))
    assert (failed.value.code, failed.value.where) == ("write-failed", str(tmp_path / below))


def test_make_folder_where_none_can_ever_be_made_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As below /proc: the folder above is there, and yet the kernel says that it is not."""

    def nowhere(path: str, mode: int) -> None:
        if os.path.isdir(path):
            raise FileExistsError(errno.EEXIST, "File exists", path)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    monkeypatch.setattr(fsio.os, "mkdir", nowhere)
    with pytest.raises(WorkFailed, match="No such file"):
        fsio.make_folder(str(tmp_path / "a" / "b"))


def test_make_folder_below_a_dangling_link_fails(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(WorkFailed):
        fsio.make_folder(str(tmp_path / "link" / "a"))


# Reading


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert fsio.read_bytes(str(tmp_path / "none")) is None
    assert fsio.read_bytes(str(tmp_path / "file" / "below")) is None
    assert fsio.read_json(str(tmp_path / "none")) is None


def test_a_folder_in_its_place_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        fsio.read_bytes(str(tmp_path))
    assert (refused.value.code, refused.value.where) == ("state-unreadable", str(tmp_path))


def test_a_huge_file_is_unreadable_and_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(Unreadable, match="larger than any"):
        fsio.read_bytes(str(path))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not JSON"),
        (b'{"a": ', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "its schema is None"),
        (b'{"schema": "thing/2"}', "its schema is 'thing/2'; this okstra reads 'thing/1'"),
    ],
)
def test_damaged_json_says_what_is_wrong_and_stays(path: Path, data: bytes, told: str) -> None:
    path.write_bytes(data)
    with pytest.raises(Unreadable) as refused:
        fsio.read_json(str(path), "thing/1")
    assert told in refused.value.message
    assert refused.value.where == str(path)
    assert path.read_bytes() == data


def test_json_round_trip_with_a_path_that_is_no_utf8(path: Path) -> None:
    value = {"schema": "thing/1", "이름": os.fsdecode(b"/caf\xe9"), "n": [1, None]}
    fsio.replace_json(str(path), value)
    assert fsio.read_json(str(path), "thing/1") == value
    text = path.read_bytes().decode("utf-8")
    assert "이름" in text and text.endswith("}\n")


# Replacing


def test_replace_writes_a_private_file_and_leaves_nothing_beside_it(path: Path) -> None:
    fsio.replace(str(path), b"one")
    fsio.replace(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert _mode(path) == 0o600
    assert _names(path.parent) == {path.name}


def test_replace_takes_another_mode(path: Path) -> None:
    fsio.replace(str(path), b"", mode=0o644)
    assert _mode(path) == 0o644


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
@pytest.mark.parametrize("there", [b"old", None])
def test_a_kill_in_replace_leaves_the_old_or_the_new(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, there: bytes | None
) -> None:
    if there is not None:
        path.write_bytes(there)
    for after in (False, True):
        _replace_until(path, call, monkeypatch, after=after)
        assert fsio.read_bytes(str(path)) in (there, b"new" * 1000)
    monkeypatch.undo()
    fsio.replace(str(path), b"next")
    assert path.read_bytes() == b"next"
    assert _names(path.parent) == {path.name}, "what the kill left is taken over"


def _replace_until(path: Path, call: str, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    real: Callable[..., object] = getattr(os, call)

    def stopped(*args: object, **options: object) -> object:
        if after:
            real(*args, **options)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(fsio.os, call, stopped)
        with pytest.raises(Stopped):
            fsio.replace(str(path), b"new" * 1000)


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename"])
def test_a_full_disk_in_replace_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(fsio.os, call, full)
        with pytest.raises(WorkFailed) as failed:
            fsio.replace(str(path), b"new")
    assert (failed.value.code, failed.value.where) == ("write-failed", str(path))
    assert "No space left" in failed.value.message
    assert path.read_bytes() == b"old"
    assert _names(path.parent) == {path.name}


def test_a_short_write_is_carried_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(fsio.os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:2]))
    fsio.replace(str(path), b"seven b")
    monkeypatch.undo()
    assert path.read_bytes() == b"seven b"


def test_a_symlinked_temporary_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f".{path.name}{fsio.TEMPORARY_SUFFIX}").symlink_to(victim)
    with pytest.raises(WorkFailed):
        fsio.replace(str(path), b"new")
    assert victim.read_bytes() == b"precious"
    fsio.replace(str(path), b"new")
    assert (victim.read_bytes(), path.read_bytes()) == (b"precious", b"new")


def test_a_symlink_in_the_files_place_is_replaced_not_followed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    fsio.replace(str(path), b"new")
    assert victim.read_bytes() == b"precious"
    assert not path.is_symlink() and path.read_bytes() == b"new"


def test_replace_in_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    with pytest.raises(WorkFailed):
        fsio.replace(str(tmp_path / "none" / "file"), b"")


# A run's own files


def test_write_new_makes_private_files_and_folders(tmp_path: Path) -> None:
    files = {tmp_path / "a" / "b" / "one": b"1", tmp_path / "a" / "two": b"2"}
    fsio.write_new({str(path): data for path, data in files.items()})
    for path, data in files.items():
        assert (path.read_bytes(), _mode(path), _mode(path.parent)) == (data, 0o600, 0o700)


def test_write_new_follows_no_symlink(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    with pytest.raises(WorkFailed):
        fsio.write_new({str(path): b"new"})
    assert victim.read_bytes() == b"precious"


# Appending


def test_append_makes_a_private_file_and_adds_lines(path: Path) -> None:
    fsio.append_line(str(path), b"one\n")
    fsio.append_line(str(path), b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert _mode(path) == 0o600
    assert _names(path.parent) == {path.name}


def test_a_torn_tail_is_set_aside_and_never_glued_to_the_new_line(path: Path) -> None:
    path.write_bytes(b"one\ntor")
    fsio.append_line(str(path), b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert Path(f"{path}.torn").read_bytes() == b"tor\n"
    assert _mode(Path(f"{path}.torn")) == 0o600


def test_a_second_torn_tail_does_not_replace_the_first(path: Path) -> None:
    for number in (1, 2, 3):
        with path.open("ab") as file:
            file.write(b"torn %d" % number)
        fsio.append_line(str(path), b"whole %d\n" % number)
    assert path.read_bytes() == b"whole 1\nwhole 2\nwhole 3\n"
    assert Path(f"{path}.torn").read_bytes() == b"torn 1\ntorn 2\ntorn 3\n"


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 200_000])
def test_a_torn_tail_of_any_size(path: Path, size: int) -> None:
    for before in (b"", b"one\n", b"x" * 70_000 + b"\n"):
        path.write_bytes(before + b"t" * size)
        fsio.append_line(str(path), b"two\n")
        assert path.read_bytes() == before + b"two\n"
        torn = Path(f"{path}.torn")
        assert torn.read_bytes() == b"t" * size + b"\n"
        torn.unlink()


@pytest.mark.parametrize("call", ["ftruncate", "write"])
def test_a_kill_while_a_tail_is_set_aside_does_not_lose_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path.write_bytes(b"one\ntor")

    def stopped(*_: object) -> object:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(fsio.os, call, stopped)
        with pytest.raises(Stopped):
            fsio.append_line(str(path), b"two\n")
    fsio.append_line(str(path), b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert b"tor\n" in Path(f"{path}.torn").read_bytes()


def test_a_line_that_does_not_fit_is_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"one\n")
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(fsio.os, "write", lambda descriptor, data: real(descriptor, data[:2]))
        with pytest.raises(WorkFailed, match="did not fit"):
            fsio.append_line(str(path), b"two\n")
    assert path.read_bytes() == b"one\n"


# Claiming


def test_claim_is_won_once(path: Path) -> None:
    assert fsio.claim(str(path)) is True
    assert fsio.claim(str(path)) is False
    assert _mode(path) == 0o600


def test_claim_follows_no_symlink(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    assert fsio.claim(str(path)) is False
    assert not (tmp_path / "elsewhere").exists()


def test_claim_where_no_folder_is_fails(tmp_path: Path) -> None:
    with pytest.raises(WorkFailed):
        fsio.claim(str(tmp_path / "none" / "file"))


def _claim_all(folder: str, start: object, won: multiprocessing.Queue[list[int]]) -> None:
    start.wait()  # type: ignore[attr-defined]
    won.put([number for number in range(200) if fsio.claim(os.path.join(folder, str(number)))])


def test_of_several_processes_one_wins_each_claim(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, won = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_claim_all, args=(str(tmp_path), start, won)) for _ in range(4)]
    for process in processes:
        process.start()
    wins = [won.get(timeout=20) for _ in processes]
    for process in processes:
        process.join(20)
    assert sorted(number for mine in wins for number in mine) == list(range(200))


# The rest


def test_discard_is_no_error_when_nothing_is_there(path: Path) -> None:
    path.touch()
    fsio.discard(str(path))
    fsio.discard(str(path))
    assert not path.exists()


def test_a_failed_write_says_the_systems_reason() -> None:
    with pytest.raises(WorkFailed) as failed:
        fsio.raise_write_failed("/p", OSError(errno.EIO, "Input/output error"))
    assert (failed.value.message, failed.value.where) == ("it can't be written: Input/output error", "/p")


def test_json_bytes_keep_the_order_of_keys() -> None:
    assert list(json.loads(fsio.json_bytes({"b": 1, "a": 2}))) == ["b", "a"]
