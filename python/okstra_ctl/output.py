"""A command's reply, and how it is printed: as text, or as one JSON object (docs/how-to/scripts.md). And a yes-or-no
question at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TextIO

from .errors import EXIT_OK, EXIT_REFUSED, OkstraError, WorkFailed
from .system.text import display_width, dumps, on_one_line, padded, printable

_FEW = 5
_YES, _NO = ("y", "yes"), ("n", "no")


class Mode(NamedTuple):
    """What the person asked of all output, by flags that every command takes."""

    quiet: bool = False
    draws_always: bool = False
    """Tables and colours also where stdout is no terminal."""


class _Now:
    """Of this process: one command, one output."""

    mode = Mode()


def set_mode(mode: Mode) -> None:
    _Now.mode = mode


def is_quiet() -> bool:
    return _Now.mode.quiet


def draws() -> bool:
    """Whether results are drawn for people's eyes; elsewhere they are plain."""
    return _Now.mode.draws_always or sys.stdout.isatty()


def time_for_people(at: str) -> str:
    """A time of the records: at a terminal in this machine's zone, elsewhere as it is."""
    if not draws():
        return at
    from .system.local_time import local_time

    return local_time(at, zone=True)


def print_note(text: str) -> None:
    """A message to people, unless they want none."""
    if not _Now.mode.quiet:
        _print_line(sys.stderr, text)
        sys.stderr.flush()


class Reply(NamedTuple):
    """`data` for programs, `text` for people (stdout), `talk` for messages to people (stderr).

    `drawn` replaces `text` at a terminal: it has colours, and is printable otherwise.
    """

    data: Mapping[str, object]
    text: str
    talk: Sequence[str] = ()
    exit_status: int = EXIT_OK
    errors: Sequence[Mapping[str, str]] = ()
    drawn: str = ""


def print_reply(command: str, reply: Reply, *, as_json: bool) -> int:
    """Prints the reply and returns the exit status."""
    if as_json:
        status = "ok" if reply.exit_status == EXIT_OK else "error"
        _print_envelope(command, status, reply.data, reply.errors)
    elif reply.drawn:
        _write(sys.stdout, reply.drawn + "\n")
    elif reply.text:
        _print_line(sys.stdout, reply.text)
    for line in reply.talk:
        print_note(line)
    return reply.exit_status


def print_error(command: str, error: OkstraError, *, as_json: bool) -> int:
    """Prints an error, for people or as JSON (docs/how-to/scripts.md), and returns the exit status."""
    if as_json:
        status = "refused" if error.exit_status == EXIT_REFUSED else "error"
        _print_envelope(command, status, error.data, [error.as_record()])
    for label, text in (("okstra: error", error.message), ("  where", error.where), ("  try", error.hint)):
        if text:
            _print_line(sys.stderr, f"{label}: {_indented(text)}")
    return error.exit_status


def _indented(text: str) -> str:
    """Indents further lines, so that git's output or a file name can't pass for a line of okstra's own."""
    return text.rstrip("\n").replace("\n", "\n      | ")


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Rows and header as padded columns."""
    columns = [_column(cells) for cells in zip(header, *rows, strict=True)]
    return "\n".join([line.rstrip() for line in map("  ".join, zip(*columns, strict=True))])


def _column(cells: Sequence[str]) -> list[str]:
    """The cells, padded to the widest. Plain ASCII, which most columns are, is measured by its length."""
    if all(map(_plain, cells)):
        width = max(map(len, cells))
        return [cell.ljust(width) for cell in cells]
    shown = list(map(on_one_line, cells))
    width = max(map(display_width, shown))
    return [padded(cell, width) for cell in shown]


def _plain(cell: str) -> bool:
    return cell.isascii() and cell.isprintable()


def fields(pairs: Sequence[tuple[str, object]]) -> str:
    """Name and value, one pair a line; empty values are left out."""
    kept = [(name, str(value)) for name, value in pairs if value not in ("", None)]
    width = max((len(name) for name, _ in kept), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in kept)


def some_of(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def porcelain(rows: Sequence[Sequence[str]]) -> str:
    r"""Tab-separated records; in a field, `\`, tab, newline and carriage return are `\\`, `\t`, `\n`, `\r`."""
    return "\n".join("\t".join(_escaped(cell) for cell in row) for row in rows)


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _print_line(stream: TextIO, text: str) -> None:
    _write(stream, printable(text).rstrip("\n") + "\n")


class OutputFailed(WorkFailed):
    """Standard output can't be written, mostly because a disk is full. The command's changes were made."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            "output-failed",
            f"standard output can't be written ({error.strerror}); the command's changes were made",
            hint="free space on that disk; okstra list, or okstra status, shows what is there now",
        )


def flush_output() -> None:
    """Raises OutputFailed, or BrokenPipeError where the reader is gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(error) from error


def _write(stream: TextIO, text: str) -> None:
    """Messages that can't be written to stderr are dropped: nobody could be told."""
    try:
        stream.write(text)
    except BrokenPipeError:
        if stream is not sys.stderr:
            raise
    except OSError as error:
        if stream is not sys.stderr:
            raise OutputFailed(error) from error


def _print_envelope(command: str, status: str, data: Mapping[str, object], errors: Sequence[Mapping[str, str]]) -> None:
    envelope = {"okstra": f"{command}/1", "status": status, "data": data, "errors": list(errors)}
    text = dumps(envelope)
    _write(sys.stdout, text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def confirm(question: str, *, default: bool) -> bool:
    """Asks on stderr until the answer is y, yes, n, no or Enter; Enter, not the end of input, takes the default."""
    while True:
        sys.stderr.write(printable(f"{question} {'[Y/n]' if default else '[y/N]'} "))
        sys.stderr.flush()
        line = sys.stdin.readline()
        answer = line.strip().lower()
        if not line or answer in _NO:
            return False
        if answer in _YES:
            return True
        if not answer:
            return default
        sys.stderr.write("please answer y or n\n")
