"""File patterns of the `Files` column: their one form, what they cover, and whether two of them overlap.

A pattern starts at the root of the repository. `*` and `?` stay within a name, `[...]` is a class, `**` as a whole
name stands for any number of folders. Names are case-sensitive. A pattern that names a folder covers all below it: a
pattern with `/` at its end, or one whose last name has neither a wildcard nor a file extension (`src`,
`packages/*/src`). So `src/a.py` and `**/*.md` have nothing in common, although a folder could be called `a.py`.
A name also covers itself letter by letter, whatever it holds, because folders such as `[id]` are real.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_LONGEST_NAME = 255
_LONGEST_PATH = 4096
_FORBIDDEN = {".git": ".git", "git~1": ".git", ".okstra": ".okstra"}

# A file has an extension, or one of the names that files have without one; `conf.d` and `My.app` are folders.
_FILE = re.compile(
    r"[^./]\.(?!(?:d|app|bundle|framework|xc\w+|lproj|egg-info)$)[A-Za-z][A-Za-z0-9_-]{0,11}$"
    r"|^(?:README|LICEN[CS]E|COPYING|NOTICE|AUTHORS|CODEOWNERS|CHANGELOG|CHANGES|CONTRIBUTING|VERSION|MAKEFILE|DOCKERFILE"
    r"|(?:GNUm|M)akefile|(?:Docker|Container|Rake|Gem|Proc|Vagrant|Jenkins|Just|Brew|Pip|Pod|Fast|Caddy)file)$"
)
_DOT_FILE = re.compile(r"\.[A-Za-z][\w.-]+$")
_NO_PATH = re.compile(
    r"(?:e\.g|i\.e|a\.m|p\.m|u\.s|ph\.d|n/a|w/o?|i/o|ci/cd|tcp/ip|(?:and|either|및)/(?:or|또는)|yes/no|true/false|on/off"
    r"|in/out|read/write|input/output|client/server|before/after|request/response|success/failure|pass/fail)$",
    re.IGNORECASE,
)
# A class's first member may be a bracket, as in `[]a]`; an unclosed bracket is an ordinary character.
_TOKEN = re.compile(r"\[(?:([!^])(.[^\]]*)|([^!^][^\]]*))\]|(\*+)|(.)", re.DOTALL)
WILDCARD = re.compile(r"[*?\[]")
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)


# What is not a relative path at all.
_FOREIGN: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda text: not text, "is empty"),
    (lambda text: not text.isprintable(), "holds a character that can't be printed"),
    (lambda text: len(text) > _LONGEST_PATH, "is too long for a path"),
    (re.compile("://").search, "is a web address"),
    (re.compile("/").match, "is an absolute path"),
    (re.compile("~").match, "leads into a home folder"),
    (re.compile(r"[^\W\d_]:").match, "names a drive"),
)
_OUTSIDE = 1  # a code point that no pattern can name, so that every negated class holds it
_STAR = "**"  # as a name: any names; as a token of a name: any characters


class PatternError(ValueError):
    """The pattern is not one for files of the repository; the message ends a sentence that begins with the pattern."""


class _Class(NamedTuple):
    """`[a-z]`, `[!a-z]` or `?` (everything but nothing): ranges of code points, or all characters outside them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool

    def holds(self, code: int) -> bool:
        return self.negated != any(low <= code <= high for low, high in self.ranges)

    def starts(self) -> list[int]:
        """Where its stretches of code points begin: two classes share a character if they share one of these."""
        if self.negated:
            return [_OUTSIDE, *(high + 1 for _, high in self.ranges)]
        return [low for low, _ in self.ranges]


_Token = str | _Class


def is_file_name(name: str) -> bool:
    """Whether the last name of a path is a file's and not a folder's."""
    return _FILE.search(name) is not None


def is_path_word(word: str) -> bool:
    """Whether a word of prose is a path: that of a file, or one with a folder."""
    if "://" in word or _NO_PATH.match(word):
        return False
    return ("/" in word and any(map(str.isalnum, word))) or is_file_name(word) or _DOT_FILE.match(word) is not None


def normalise(pattern: str) -> str:
    """The pattern in its one form: `/` between names, no `.`, `..` or empty name, Unicode NFC.

    Raises PatternError for what leads outside the repository, into `.git` or `.okstra`, or can't be a path.
    """
    text = unicodedata.normalize("NFC", pattern.strip()).replace("\\", "/")
    for is_foreign, problem in _FOREIGN:
        if is_foreign(text):
            raise PatternError(problem)
    names: list[str] = []
    for name in text.split("/"):
        if name == "..":
            # `**` may stand for no folder at all, so `**/..` may lead outside.
            if not names or names.pop() == _STAR:
                raise PatternError("leads outside the repository")
        elif name not in ("", ".") and not (name == _STAR and names[-1:] == [_STAR]):
            names.append(name)
    for name in names:
        if len(name) > _LONGEST_NAME:
            raise PatternError("has a name that is too long")
        tokens = _tokens(name)  # `.[g]it` is a way to write `.git`
        only = "".join(one for one in tokens if isinstance(one, str)).casefold().rstrip(" .")
        if only in _FORBIDDEN and not any(isinstance(one, _Class) for one in tokens):
            raise PatternError(f"lies in `{_FORBIDDEN[only]}`")
    if not names or names == [_STAR]:
        return _STAR
    return "/".join(names) + ("/" if text.endswith("/") and names[-1] != _STAR else "")


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern covers the path (relative to the repository, with `/`)."""
    names = unicodedata.normalize("NFC", path).removeprefix("./").split("/")
    if any(name in ("", ".", "..") for name in names):
        return False
    try:
        return _meet(_read(pattern), names, lambda name, text: name == text or _matches(name, text))
    except PatternError:
        return False


def intersect(one: str, other: str) -> bool:
    """Whether some path is covered by both patterns."""
    try:
        return _meet(_read(one), _read(other), _names_meet)
    except PatternError:
        return False


def size(pattern: str) -> int:
    """What it costs to compare the pattern with another."""
    return sum(len(name) if _is_wild(name) else 1 for name in _read(pattern))


@lru_cache(maxsize=16384)
def _read(pattern: str) -> tuple[str, ...]:
    """The names of the paths that a pattern covers, `**` for any number of them. Raises PatternError."""
    pattern = normalise(pattern)
    names = tuple(pattern.rstrip("/").split("/"))
    if names[-1] == _STAR:
        return (*names, "*")  # `src/**` needs something below; a file at that place is not meant
    if pattern.endswith("/"):
        # A submodule is a folder, yet a path of its own: so `libs/` covers `libs` as well.
        return (*names, _STAR, "*") if any(map(_is_wild, names)) else (*names, _STAR)
    return names if _is_wild(names[-1]) or is_file_name(names[-1]) else (*names, _STAR)


def _is_wild(name: str) -> bool:
    """Whether a name covers more than its own text."""
    return WILDCARD.search(name) is not None and _tokens(name) != tuple(name)


def _meet(one: Sequence[T], other: Sequence[T], together: Callable[[T, T], bool]) -> bool:
    """Whether some sequence of items is covered by both, where a star stands for any number of items.

    Walks `one` from left to right; `reach` are the places in `other` where the walk may stand by then.
    """
    reach = {0}
    for ours in (*one, None):
        after = set()
        for there, theirs in enumerate((*other, None)):
            if there not in reach:
                continue
            if _STAR in (ours, theirs):
                # The one star takes what the other pattern has there, or the other star ends.
                if theirs is not None:
                    reach.add(there + 1)
                if ours is not None:
                    after.add(there)
            elif ours is not None and theirs is not None and together(ours, theirs):
                after.add(there + 1)
        if ours is None or not after:
            break
        reach = after
    return ours is None and len(other) in reach


@lru_cache(maxsize=16384)
def _names_meet(one: str, other: str) -> bool:
    """Whether some name is covered by both."""
    return one == other or _matches(one, other) or _matches(other, one) or _meet(_tokens(one), _tokens(other), _share)


def _matches(name: str, text: str) -> bool:
    """Whether a name of a pattern covers a text, letter by letter."""
    return _is_wild(name) and _meet(_tokens(name), tuple(text), _share)


@lru_cache(maxsize=16384)
def _tokens(name: str) -> tuple[_Token, ...]:
    """The characters, classes and stars of a name."""
    return tuple(map(_token, _TOKEN.finditer(name)))


def _token(found: re.Match[str]) -> _Token:
    negation, excluded, included, stars, character = found.groups()
    if stars:
        return _STAR
    if character:
        return _Class((), True) if character == "?" else str(character)
    members = _MEMBER.findall(excluded or included)
    ranges = [(ord(low or single), ord(high or single)) for low, high, single in members]
    alone = len(ranges) == 1 and ranges[0][0] == ranges[0][1] and not negation
    return chr(ranges[0][0]) if alone else _Class(tuple(ranges), bool(negation))


def _share(one: _Token, other: _Token) -> bool:
    """Whether one character fits both."""
    if isinstance(one, str):
        return one == other if isinstance(other, str) else other.holds(ord(one))
    if isinstance(other, str):
        return one.holds(ord(other))
    return any(one.holds(code) and other.holds(code) for code in (*one.starts(), *other.starts()))
