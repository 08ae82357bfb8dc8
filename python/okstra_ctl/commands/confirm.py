"""A yes-or-no question at the terminal."""

from __future__ import annotations

import sys

from ..system.visible_text import printable

_YES, _NO = ("y", "yes"), ("n", "no")


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
