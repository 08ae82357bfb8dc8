"""Text that a command is given: on the command line, in a file, or from stdin when that is asked for."""

from __future__ import annotations

import sys

from .errors import UsageError
from .system import files as fsio

STDIN = "-"


def text_from(path: str) -> str:
    """The file's text, or stdin's for `-`. Raises UsageError (`not-found`, `usage`), Unreadable.

    Stdin is read only when it is named: a pipe that nobody closes would be waited for for ever.
    """
    data = sys.stdin.buffer.read() if path == STDIN else fsio.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where="--from", hint="- stands for stdin")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            "usage", f"it is not UTF-8 text (byte {error.start})", where=path, hint="save it as UTF-8"
        ) from None
