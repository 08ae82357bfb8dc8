"""The digest of the Stage Map part of a plan (spec 3, "The ledger")."""

from __future__ import annotations

from hashlib import sha256


def part_digest(lines: list[str]) -> str:
    """SHA-256 (hex str) of the lines (list of str) from the heading to the next one of level 1 or 2.

    White space at the ends of lines and blank lines at the end of the part don't count, nor does the kind of line end.
    """
    text = "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"
    # A text cut in the middle of a surrogate pair still has a digest.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
