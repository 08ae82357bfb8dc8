"""Quoting for a POSIX shell: every command that okstra prints can be pasted."""

from __future__ import annotations

_PLAIN = frozenset("@%+=:,./_-")


def quote(word: str) -> str:
    """The word as one word of a shell; letters and digits of any script need no quotes.

    As `shlex.quote`, without regular expressions, which light commands don't load.
    """
    if word and all(char in _PLAIN or char.isalnum() for char in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def okstra_command(*words: object) -> str:
    """An okstra command, each word quoted: `okstra_command("show", run_id)`."""
    return " ".join(["okstra", *(quote(str(word)) for word in words)])
