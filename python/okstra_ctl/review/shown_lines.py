"""Which lines of the new version a diff shows: only on those does a code host take comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NEW = "+++ b/"
Shown = Mapping[str, frozenset[int]]


class Spot(NamedTuple):
    """Lines of a file, the last of which the comment stands below."""

    path: str
    first: int
    last: int


def shown_lines(diff: str) -> Shown:
    """By path. `diff` is a patch with the prefixes `a/` and `b/`; a file with a quoted name has no lines here."""
    found: dict[str, set[int]] = {}
    path, old, new, number = "", 0, 0, 0
    for line in diff.split("\n"):
        if old > 0 or new > 0:  # inside a hunk a line may look like anything
            if line.startswith(("+", " ")) or not line:
                found.setdefault(path, set()).add(number)
                number, new = number + 1, new - 1
            old -= not line.startswith(("+", "\\"))
            continue
        hunk = _HUNK.match(line)
        if hunk:
            old, number, new = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
        elif line.startswith(("--- ", "diff ")):
            path = ""
        elif line.startswith(_NEW):
            path = line.removeprefix(_NEW).rstrip("\t")
    return {name: frozenset(numbers) for name, numbers in found.items() if name}


def spot_of(evidence: Iterable[Mapping[str, Any]], shown: Shown) -> Spot | None:
    """The first place that a finding cites and the diff shows; None: there is none."""
    for one in evidence:
        path, lines = str(one.get("path") or ""), one.get("found_lines") or one.get("lines")
        if path in shown and lines and lines[1] in shown[path]:
            first, last = int(lines[0]), int(lines[1])
            whole = shown[path].issuperset(range(first, last + 1))
            return Spot(path, first if whole else last, last)
    return None
