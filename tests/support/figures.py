"""Figures that long tests keep in docs/reliability.md, between markers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

VARIABLE = "OKSTRA_FIGURES"


def keep(name: str, change: Callable[[str], str]) -> None:
    """Puts `change` of what stands under the name in its place, in the page that OKSTRA_FIGURES names, if any.

    Processes that write at once wait for each other.
    """
    page = os.environ.get(VARIABLE)
    if not page:
        return
    with open(page, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = Path(page)
        path.write_text(replaced(path.read_text(encoding="utf-8"), name, change), encoding="utf-8")


def replaced(page: str, name: str, change: Callable[[str], str]) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.partition(begin)
    old, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page lacks {begin} … {end}")
    return f"{before}{begin}\n\n{change(old).strip()}\n\n{end}{after}"
