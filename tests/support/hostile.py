"""Files as nobody should find them, and okstra called in this very process to meet them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from okstra_ctl.cli import main
from okstra_ctl.errors import ERROR_CODES, EXIT_BUG

from .okstra import Ended
from .sealed import in_environment

SECONDS = 20.0
_MEMORY = 3 << 30  # what reads /dev/zero to its end meets this, not the machine's limit

ODD_VALUES = (None, True, -1, 10**30, 1e999, "", "x", "-rf", "../..", "a\0b", "a\nb", "\ud800", "é" * 300, [], [[]], {})
GARBAGE: Mapping[str, bytes] = {
    "empty": b"",
    "a newline": b"\n",
    "a NUL": b"\0",
    "text": b"garbage\n",
    "bytes": bytes(range(256)),
    "null": b"null",
    "a number": b"5\n",
    "a list": b"[]\n",
    "an empty object": b"{}\n",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a long number": b'{"schema": ' + b"9" * 10_000 + b"}",
    "a BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"schema": "x"}'.encode("utf-16"),
}


class TooLong(BaseException):
    """A command that waits for ever. Not an Exception: the command's own boundary must not take it for a bug."""


def call(argv: Sequence[str], environment: Mapping[str, str], *, seconds: float = SECONDS) -> Ended:
    """The command in this process, with that environment alone, in bounded time and memory."""
    out, err = io.StringIO(), io.StringIO()
    with in_environment(environment), bounds(seconds), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(argv)
    return Ended(status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def bounds(seconds: float) -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    handler = signal.signal(signal.SIGALRM, ring)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY if hard < 0 else min(_MEMORY, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def faults_of(ended: Ended) -> list[str]:
    """What is wrong with a command's end, whatever it met: a bug, a traceback, a status without its code."""
    wrong = []
    if ended.status == EXIT_BUG or "Traceback" in ended.stderr + ended.stdout:
        wrong.append("a bug")
    try:
        codes = ended.codes
    except (ValueError, KeyError, TypeError):
        return [*wrong, "no JSON answer"]
    if ended.status and not codes:
        wrong.append(f"status {ended.status} without a code")
    if any(ERROR_CODES[code].exit_status != ended.status for code in codes):
        wrong.append(f"status {ended.status} with {codes}")
    return wrong


def cuts(data: bytes, dice: random.Random, count: int | None) -> Iterator[tuple[str, bytes]]:
    """The file cut short: at every byte, or at so many places, the ends of its lines among them."""
    places = range(len(data))
    if count is not None and len(data) > count:
        ends = [index + 1 for index, byte in enumerate(data) if byte == 10 and index + 1 < len(data)]
        near = dice.sample(ends, min(len(ends), count // 3))
        places = sorted({len(data) - 1, *near, *dice.sample(range(len(data)), count - len(near) - 1)})  # type: ignore[assignment]
    for place in places:
        yield f"cut at {place}", data[:place]


def retyped(document: Any, dice: random.Random, each: int | None) -> Iterator[tuple[str, Any]]:
    """The document with one field of another type or missing; `each`: so many odd values for a field, or all."""
    for path in _paths(document):
        values = ODD_VALUES if each is None else dice.sample(ODD_VALUES, each)
        for value in values:
            yield f"{_shown(path)} is {value!r:.20}", _with(document, path, value)
        yield f"no {_shown(path)}", _with(document, path, _GONE)


def changed(document: Any, field: str, value: object) -> Any:
    """The document with that field (`a/0/b`) set."""
    return next(_with(document, path, value) for path in _paths(document) if _shown(path) == field)


_GONE = object()


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield (*at, name)
        yield from _paths(child, (*at, name))


def _with(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    holder = copy
    for name in path[:-1]:
        holder = holder[name]
    if value is _GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copy


def _shown(path: tuple[Any, ...]) -> str:
    return "/".join(map(str, path))


def put_in_place(path: Path, outside: Path, kind: str) -> None:
    """Something that is no plain file, where okstra looks for one."""
    good = path.read_bytes() if path.is_file() else b"{}\n"
    path.unlink(missing_ok=True)
    if kind == "a folder":
        path.mkdir()
    elif kind == "a full folder":
        path.mkdir()
        (path / "inside").write_text("x")
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a link to /dev/zero":
        path.symlink_to("/dev/zero")
    elif kind == "a link to /dev/null":
        path.symlink_to("/dev/null")
    elif kind == "a link to nothing":
        path.symlink_to(outside / "nothing")
    elif kind == "a link to itself":
        path.symlink_to(path)
    elif kind == "a link to a folder":
        path.symlink_to(outside)
    elif kind == "a link to its like outside":
        (outside / path.name).write_bytes(good)
        path.symlink_to(outside / path.name)
    elif kind == "a link to a secret":
        path.symlink_to(outside / "secret")
    elif kind == "unreadable":
        path.write_bytes(good)
        path.chmod(0)
    else:
        raise ValueError(kind)


KINDS = (
    "a folder",
    "a full folder",
    "a FIFO",
    "a link to /dev/zero",
    "a link to /dev/null",
    "a link to nothing",
    "a link to itself",
    "a link to a folder",
    "a link to its like outside",
    "a link to a secret",
    "unreadable",
)


class Kept:
    """A folder as it was, put back by touching only what changed: a copy of all would cost more than the commands."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self._folder, self._aside = folder, aside
        subprocess.run(["cp", "-a", "--", str(folder), str(aside)], check=True)
        self._marks = dict(_marks(folder))

    def restore(self) -> None:
        now = dict(_marks(self._folder))
        for name in sorted(now.keys() - self._marks.keys(), reverse=True):
            _take_away(self._folder / name)
        for name, mark in sorted(self._marks.items()):
            if now.get(name) != mark:
                self._put_back(name)
        self._marks.update(
            (name, _mark(self._folder / name)) for name, mark in self._marks.items() if now.get(name) != mark
        )

    def _put_back(self, name: str) -> None:
        kept, place = self._aside / name, self._folder / name
        if kept.is_dir() and not kept.is_symlink():
            if place.is_symlink() or not place.is_dir():
                _take_away(place)
                place.mkdir(parents=True, exist_ok=True)
            shutil.copystat(kept, place)
            return
        _take_away(place)
        if kept.is_symlink():
            place.symlink_to(os.readlink(kept))
        else:
            shutil.copy2(kept, place)


def _marks(folder: Path) -> Iterator[tuple[str, object]]:
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            with contextlib.suppress(FileNotFoundError):  # the trash is emptied behind the commands
                yield str(path.relative_to(folder)), _mark(path)


def _mark(path: Path) -> object:
    """What changes when an entry does. A folder's times change with its entries, which have marks of their own."""
    found = path.lstat()
    own = () if stat.S_ISDIR(found.st_mode) else (found.st_size, found.st_mtime_ns, found.st_ino)
    return found.st_mode, *own


def _take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def contents(folder: Path) -> dict[str, str]:
    """Every entry below, with what it is or holds: to tell whether anything was written there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[str(path)] = path.read_bytes().hex()
        else:
            found[str(path)] = "other"
    return found
