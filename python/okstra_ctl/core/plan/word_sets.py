"""Lists of words, written as plain text in the source."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text (str) as a set (frozenset of str)."""
    return frozenset(text.split())
