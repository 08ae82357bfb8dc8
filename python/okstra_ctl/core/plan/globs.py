"""File patterns of the `Files` column (spec 3, "The Stage Map"). Light to import.

A pattern starts at the root of the repository. `*` and `?` stay within a name, `[...]` is a class, `**` as a whole
name stands for any number of folders. Names are told apart by case. What names a folder covers all below it: a
pattern with `/` at its end, or one whose last name has neither a wildcard nor a file extension (`src`,
`packages/*/src`). So `src/a.py` and `**/*.md` have nothing in common, although a folder could be called `a.py`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from .glob_names import WILDCARDS, Name, name_matches, names_meet, read_name
from .path_kinds import looks_like_file
from .star_sequences import can_meet, fits

_WILDCARD_ENDS = "*?]"
LONGEST_NAME = 255
LONGEST_PATH = 4096
_FORBIDDEN = {".git": ".git", "git~1": ".git", ".okstra": ".okstra"}


class PatternError(ValueError):
    """The pattern is not one for files of the repository; the message ends a sentence that begins with the pattern."""


class Pattern(NamedTuple):
    """A pattern read: names with None for `**`, and how every path that it covers begins and ends.

    Both are for paths with a `/` put before and behind: so `/src/a/` begins `/src/a`, and not `/src/ab`. `tail` is
    empty when the pattern covers what is below a folder.
    """

    names: tuple[Name | None, ...]
    head: str
    tail: str
    is_literal: bool


def normalise(pattern: str) -> str:
    """The pattern (str) in its one form: `/` between names, no `.`, `..` or empty name, Unicode NFC.

    Raises PatternError for what leads outside the repository, into `.git` or `.okstra`, or can't be a path.
    """
    text = unicodedata.normalize("NFC", pattern.strip()).replace("\\", "/")
    _refuse_foreign(text)
    names: list[str] = []
    for name in text.split("/"):
        if name == "..":
            _step_up(names)
        elif name not in ("", ".") and not (name == "**" and names[-1:] == ["**"]):
            names.append(name)
    _refuse_names(names)
    if not names or names == ["**"]:
        return "**"
    return "/".join(names) + ("/" if text.endswith("/") and names[-1] != "**" else "")


def _refuse_foreign(text: str) -> None:
    """Refuses what is no relative path at all."""
    if not text:
        raise PatternError("is empty")
    if not text.isprintable():
        raise PatternError("holds a character that can't be printed")
    if len(text) > LONGEST_PATH:
        raise PatternError("is too long for a path")
    if "://" in text:
        raise PatternError("is a web address")
    if text.startswith("/"):
        raise PatternError("is an absolute path")
    if text.startswith("~"):
        raise PatternError("leads into a home folder")
    if text[1:2] == ":" and text[0].isalpha():
        raise PatternError("names a drive")


def _step_up(names: list[str]) -> None:
    """Takes a `..`: drops the name before it."""
    # `**` may stand for no folder at all, so `**/..` may lead outside.
    if not names or names[-1] == "**":
        raise PatternError("leads outside the repository")
    names.pop()


def _refuse_names(names: list[str]) -> None:
    """Refuses names that no file of the repository can have; `*` and `**` are fine, as git keeps `.git` out."""
    for text in names:
        if len(text) > LONGEST_NAME:
            raise PatternError("has a name that is too long")
        # An ordinary name can be asked as it stands; only a class can hide another.
        only = (read_name(text).only_text if "[" in text else text).casefold().rstrip(" .")
        if only in _FORBIDDEN:
            raise PatternError(f"lies in `{_FORBIDDEN[only]}`")


@lru_cache(maxsize=16384)
def read_pattern(pattern: str) -> Pattern:
    """The pattern (str) as a Pattern. Raises PatternError as `normalise` does."""
    text = normalise(pattern)
    names: list[Name | None] = [None if name == "**" else read_name(name) for name in text.rstrip("/").split("/")]
    literal = all(name is not None and name.is_literal for name in names)
    below = _below(text, names[-1], literal)
    framed = f"/{text.rstrip('/')}/"
    head, tail = framed, framed
    if not literal:
        head = framed[: min(framed.find(sign) for sign in WILDCARDS if sign in framed)]
        tail = framed[max(framed.rfind(sign) for sign in _WILDCARD_ENDS) + 1 :]
    return Pattern((*names, *below), head, "" if below else tail, literal)


def _below(text: str, last: Name | None, literal: bool) -> list[Name | None]:
    """What a pattern covers below its last name."""
    if last is None or (text.endswith("/") and not literal):
        # `src/**` and `*/` need something below; a file at that place is not meant.
        return [None, read_name("*")]
    # A submodule is a folder, yet a path of its own: so `libs/` covers `libs` as well.
    return [None] if text.endswith("/") or (last.is_literal and not looks_like_file(last.text)) else []


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern (str) covers the path (str, relative to the repository, with `/`)."""
    try:
        read = read_pattern(pattern)
    except PatternError:
        return False
    names = unicodedata.normalize("NFC", path).removeprefix("./").split("/")
    if any(name in ("", ".", "..") for name in names):
        return False
    return fits(read.names, names, name_matches)


def intersect(a: str, b: str) -> bool:
    """Whether some path is covered by both patterns (str)."""
    try:
        return patterns_meet(read_pattern(a), read_pattern(b))
    except PatternError:
        return False


def patterns_meet(a: Pattern, b: Pattern) -> bool:
    """Whether some path is covered by both patterns (Pattern)."""
    if not (a.head.startswith(b.head) or b.head.startswith(a.head)):
        return False
    if not (a.tail.endswith(b.tail) or b.tail.endswith(a.tail)):
        return False
    if a.is_literal and b.is_literal:
        above = min(a, b, key=lambda pattern: len(pattern.head))
        return a.head == b.head or above.names[-1] is None
    return can_meet((a.names, b.names), _one_name)


def _one_name(names: list[Name]) -> bool:
    return len(names) < 2 or names_meet(names[0], names[1])
