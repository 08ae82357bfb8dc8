"""Quoting for a POSIX shell: every command that okstra prints can be pasted."""

from __future__ import annotations

import shlex

_PLAIN = frozenset("@%+=:,./_-")


def quote(word: str) -> str:
    """Returns the text as one word of a shell. Unlike `shlex.quote`, it leaves letters of any script without quotes."""
    is_plain = word and all(char in _PLAIN or char.isalnum() for char in word)
    return word if is_plain else shlex.quote(word)


def okstra_command(*words: object) -> str:
    """An okstra command, each word quoted: `okstra_command("show", run_id)`."""
    return " ".join(["okstra", *(quote(str(word)) for word in words)])
