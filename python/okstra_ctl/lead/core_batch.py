"""A list of runs to start: one line each, with what would follow `okstra run` (spec 6, `batch`)."""

from __future__ import annotations

import shlex
from typing import NamedTuple


class Entry(NamedTuple):
    """One run to start; `line` is 1-based, 0 for one that stood in no file."""

    line: int
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a person knows it by: its task's key, or group and id, its phase, its stage."""
        parts = [_value(self.words, "--task-key") or ":".join(filter(None, self._group_and_id()))]
        parts += [_value(self.words, "--task-type"), _value(self.words, "--stage")]
        return " ".join(filter(None, parts)) or " ".join(self.words)

    def _group_and_id(self) -> tuple[str, str]:
        return _value(self.words, "--task-group"), _value(self.words, "--task-id")


def entries_of(text: str) -> tuple[list[Entry], list[tuple[int, str]]]:
    """The runs of a file, and by line what can't be read. Empty lines and what follows a `#` say nothing."""
    entries: list[Entry] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            words = tuple(shlex.split(line, comments=True))
        except ValueError as error:
            faults.append((number, str(error).lower()))
            continue
        words = words[2:] if words[:2] == ("okstra", "run") else words
        if words:
            entries.append(Entry(number, words))
    return entries, faults


def _value(words: tuple[str, ...], flag: str) -> str:
    """The value of a flag, written `--flag value` or `--flag=value`."""
    for place, word in enumerate(words):
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
        if word == flag and place + 1 < len(words):
            return words[place + 1]
    return ""
