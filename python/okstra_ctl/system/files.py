"""Files: read whole, replaced whole, appended by the line.

A replaced file has one writer at a time: its run, or whoever holds its lock. So its temporary name is fixed: a
crash leaves at most one temporary file beside it, and the next write overwrites that.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import time
from _thread import get_ident
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from ..errors import OkstraError, Unreadable, WorkFailed
from . import fsync
from .text import encode, loads, text_bytes

FILE_MODE = 0o600
FOLDER_MODE = 0o700
TEMPORARY_SUFFIX = ".okstra-tmp"
_WRITE_SECONDS = 60.0
_MAX_STATE_BYTES = 64 * 1024 * 1024


def make_folder(path: str) -> None:
    """Makes the folder and those above it. Raises WorkFailed (`write-failed`)."""
    try:
        make_private_folders(path)
    except OSError as error:
        raise_write_failed(path, error)


def make_private_folders(path: str) -> None:
    """As `os.makedirs`, which gives its mode to the last folder alone. Raises OSError."""
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileNotFoundError:
        parent = os.path.dirname(path)
        if parent == path:
            raise
        make_private_folders(parent)
        try:
            os.mkdir(path, FOLDER_MODE)  # once: there are places, /proc among them, where no folder can ever be made
        except FileExistsError:
            if not os.path.isdir(path):
                raise
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def make_parents(path: str) -> None:
    """Makes the folders above a file that a person named, with the usual permissions. Raises WorkFailed."""
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    except OSError as error:
        raise_write_failed(path, error)


def private(path: str, flags: int) -> int:
    """An opener for `open`: a new file is readable and writable by its user only.

    Follows no symbolic link, and does not block on a FIFO.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, FILE_MODE)


def names_in(folder: str) -> list[str]:
    """The names in the folder, sorted; empty for a folder that is missing or can't be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_bytes(path: str) -> bytes | None:
    """The file's bytes; None when there is no such file. Raises Unreadable (`state-unreadable`).

    Reads regular files only: a FIFO would block, and a device may never end.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            fault = _why_not_read(os.fstat(file.fileno()))
            data = b"" if fault else file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable("state-unreadable", f"it can't be read: {error.strerror}", where=path) from error
    except ValueError as error:  # a NUL in the path, or letters that no path can have
        raise Unreadable("state-unreadable", f"there can be no file of that name: {error}", where=path) from error
    if fault:
        raise Unreadable("state-unreadable", fault, where=path)
    return data


def read_tail(path: str, most: int, *, whole_lines: bool = True) -> bytes:
    """The last lines of a growing file, `most` bytes at most. Empty for what can't be read, and for a longer line."""
    try:
        with open(path, "rb", opener=_following_no_link) as file:
            found = os.fstat(file.fileno())
            begin = max(0, found.st_size - most)
            data = os.pread(file.fileno(), most, begin) if stat.S_ISREG(found.st_mode) else b""
    except (OSError, ValueError):
        return b""
    return data.partition(b"\n" if b"\n" in data else b"\r")[2] if begin and whole_lines else data


def _following_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _why_not_read(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "it is not a regular file"
    return "it is larger than any file that okstra writes" if found.st_size > _MAX_STATE_BYTES else ""


def read_json(path: str, schema: str | None = None) -> dict[str, object] | None:
    """A JSON object; None when there is no such file. Raises Unreadable when it is damaged or of another schema."""
    data = read_bytes(path)
    if data is None:
        return None
    try:
        value = loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            "state-unreadable", f"it is not JSON: {error}", where=path, hint="restore it, or move it away"
        ) from None
    if not isinstance(value, dict):
        raise Unreadable("state-unreadable", "it is not a JSON object", where=path)
    if schema is not None and value.get("schema") != schema:
        raise Unreadable(
            "state-unreadable",
            f"its schema is {value.get('schema')!r}; this okstra reads {schema!r}",
            where=path,
            hint="use the okstra version that wrote it, or a newer one",
        )
    return value


def read_json_or_empty(path: str) -> dict[str, Any]:
    """A JSON object; empty when there is none, or none that can be read."""
    try:
        return read_json(path) or {}
    except OkstraError:
        return {}


def json_bytes(value: object) -> bytes:
    """A JSON file's bytes: readable, keys in the order given, UTF-8, one newline at the end."""
    return encode(value, indent=2) + b"\n"


def replace(path: str, data: bytes, *, mode: int = FILE_MODE, durable: bool = True, shared: bool = False) -> None:
    """Replaces the file whole: after a crash it holds the old bytes or the new. Raises WorkFailed (`write-failed`).

    After the rename everybody sees the new file, so a folder that can't be synced is not an error: the caller would
    undo what others already depend on. `durable=False` skips fsync: for pages derived from other files.
    `shared`: others may replace it at the same time, without a lock.
    """
    replace_in_parts(path, [data], mode=mode, durable=durable, shared=shared)


def replace_in_parts(
    path: str, parts: Iterable[bytes], *, mode: int, durable: bool = True, shared: bool = False
) -> None:
    """As `replace`, for content too large for memory."""
    temporary = _temporary(path, f".{os.getpid()}-{get_ident()}" if shared else "")
    try:
        descriptor = _write(temporary, b"", mode)
        try:
            for part in parts:
                _write_all(descriptor, part)
            if durable:
                fsync.sync(descriptor, path)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError as error:
        discard(temporary)
        raise_write_failed(path, error)
    if durable:
        with suppress(OSError):
            sync_folder(os.path.dirname(path))


def replace_json(path: str, value: object) -> None:
    replace(path, json_bytes(value))


def write_new(files: Mapping[str, bytes]) -> None:
    """Writes a new run's files, which nobody reads before its manifest exists. Raises WorkFailed.

    All are written first, then synced in parallel: the disk merges requests that come together.
    """
    folders = sorted({os.path.dirname(path) for path in files})
    for folder in folders:
        make_folder(folder)
    opened: list[tuple[int, str]] = []
    try:
        for path, data in files.items():
            try:
                opened.append((_write(path, data, FILE_MODE), path))
            except OSError as error:
                raise_write_failed(path, error)
        opened += [(os.open(folder, os.O_RDONLY | os.O_CLOEXEC), folder) for folder in folders]
        _sync_together(opened, folders[0])
    finally:
        for descriptor, _ in opened:
            os.close(descriptor)


def _sync_together(opened: Sequence[tuple[int, str]], where: str) -> None:
    if fsync.is_deferring():
        for descriptor, path in opened:
            fsync.sync(descriptor, path)
        return

    failed: list[OSError] = []

    def sync(descriptor: int, path: str) -> None:
        try:
            fsync.sync(descriptor, path)
        except OSError as error:
            failed.append(error)

    from threading import Thread

    threads = [Thread(target=sync, args=one) for one in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise_write_failed(where, failed[0])


def append_line(path: str, line: bytes) -> None:
    """Appends one line with one write and an fsync. The caller holds the file's lock.

    Bytes after the last newline are from a killed writer (under the lock it can't be alive): they are moved to
    `<path>.torn`, neither lost nor joined to the new line. Raises WorkFailed.
    """
    try:
        descriptor = private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        try:
            _set_torn_tail_aside(path, descriptor)
            start = os.lseek(descriptor, 0, os.SEEK_END)
            written = os.write(descriptor, line)
            if written != len(line):
                os.ftruncate(descriptor, start)
                raise OSError(errno.ENOSPC, "the line did not fit on the disk")
            fsync.sync(descriptor, path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise_write_failed(path, error)


def open_log(path: str, *, anew: bool = False) -> io.FileIO:
    """A log for a command's output, appended to unless `anew`. Raises WorkFailed (`write-failed`)."""
    make_folder(os.path.dirname(path))
    try:
        return io.FileIO(path, "w" if anew else "a", opener=private)
    except OSError as error:
        raise_write_failed(path, error)


def write_log(log: io.FileIO, text: str) -> None:
    """Raises WorkFailed (`write-failed`)."""
    try:
        log.write(text_bytes(text))
    except OSError as error:
        raise_write_failed(str(log.name), error)


def claim(path: str) -> bool:
    """Creates the empty file; False when it existed. The kernel lets one caller win. Raises WorkFailed."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        return False
    except OSError as error:
        raise_write_failed(path, error)
    return True


def discard(path: str) -> None:
    """Removes the file if it is there."""
    try:
        os.unlink(path)
    except OSError:
        return


def link_anew(target: str, path: str) -> None:
    """Makes a symbolic link, replacing what was at the path. Raises WorkFailed (`write-failed`)."""
    try:
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)
    except OSError as error:
        raise_write_failed(path, error)


def discard_temporary(path: str) -> None:
    """Removes the temporary file that a killed writer left; the caller knows that no writer is alive."""
    discard(_temporary(path))


def discard_stale_temporaries(folder: str, *, below: bool) -> None:
    """Removes the temporary files of killed writers, in the folder or all below it: no live write takes a minute."""
    for place, folders, names in os.walk(folder):
        if not below:
            folders.clear()
        for name in names:
            path = os.path.join(place, name)
            if name.endswith(TEMPORARY_SUFFIX) and _age(path) > _WRITE_SECONDS:
                discard(path)


def _age(path: str) -> float:
    try:
        return time.time() - os.lstat(path).st_mtime
    except OSError:
        return 0.0


def sync_folder(path: str) -> None:
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fsync.sync(descriptor, path or ".")
    finally:
        os.close(descriptor)


def raise_write_failed(path: str, error: OSError) -> NoReturn:
    if isinstance(error, OkstraError):
        raise error
    raise WorkFailed(
        "write-failed",
        f"it can't be written: {error.strerror or error}",
        where=path,
        hint="check free space and permissions, then run the command again",
    ) from error


def _temporary(path: str, own: str = "") -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}{own}{TEMPORARY_SUFFIX}")


def _write(path: str, data: bytes, mode: int) -> int:
    """Writes the file from the start and returns its open descriptor, not synced yet."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode)
    try:
        _write_all(descriptor, data)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _set_torn_tail_aside(path: str, descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    keep = _last_newline(descriptor, size)
    torn = os.pread(descriptor, size - keep, keep)
    replace(f"{path}.torn", (read_bytes(f"{path}.torn") or b"") + torn + b"\n")
    os.ftruncate(descriptor, keep)


def _last_newline(descriptor: int, size: int) -> int:
    """The offset just after the last newline."""
    position = size
    while position > 0:
        begin = max(0, position - 65536)
        found = os.pread(descriptor, position - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        position = begin
    return 0
