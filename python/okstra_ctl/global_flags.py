"""The flags that every command takes, wherever they stand: moved behind the command, and carried out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .output import Mode, set_mode

_SWITCHES = ("--json", "-q", "--quiet", "--no-input", "--no-color", "--no-pager")
_WITH_VALUE = ("--project-root", "--color")
_ENDS = "--"


def behind_the_command(words: Sequence[str]) -> list[str]:
    """The words with common flags that stand before the command moved behind it."""
    leading, rest = list[str](), list(words)
    while rest and is_common(rest[0]):
        leading.append(rest.pop(0))
        if leading[-1] in _WITH_VALUE and rest:
            leading.append(rest.pop(0))
    return [*rest[:1], *leading, *rest[1:]] if rest else leading


def is_common(word: str) -> bool:
    return word in _SWITCHES or word.partition("=")[0] in _WITH_VALUE


def carry_out(words: Sequence[str]) -> None:
    """Sets what the flags say of output and input. Wrong values are the parser's to refuse."""
    given = list(words[: words.index(_ENDS)]) if _ENDS in words else list(words)
    colour = ""  # the last one counts
    for place, word in enumerate(given):
        if word == "--no-color":
            colour = "never"
        elif word == "--color" and place + 1 < len(given):
            colour = given[place + 1]
        elif word.startswith("--color="):
            colour = word.partition("=")[2]
    if colour == "never":
        os.environ["NO_COLOR"] = "1"
    if colour == "always":
        os.environ.pop("NO_COLOR", None)
        os.environ["FORCE_COLOR"] = "1"
    set_mode(Mode(quiet="-q" in given or "--quiet" in given, draws_always=colour == "always"))
    if "--no-input" in given and sys.stdin.isatty():  # what is piped in is no question
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
