"""The colour of each word of the records. It never stands alone: the word is always there too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

BUSY, GOOD, WARN, BAD, PLAIN = "busy", "good", "warn", "bad", "plain"
HEAD, DIM = "head", "dim"

_WORDS = {
    BUSY: "running reserved",
    GOOD: "completed done written passed clean verified consensus AGREE yes closed answered resolved",
    WARN: "interrupted stopped released invalid-result skipped "
    "moved majority contested passed-with-dissent SUPPLEMENT partly findings open",
    BAD: "failed contract-violated error timeout aborted-non-result "
    "not-found refuted blocked-by-disagreement DISAGREE no unreadable unavailable empty",
}
_TONE_OF = {word: tone for tone, words in _WORDS.items() for word in words.split()}


def tone_of(word: object) -> str:
    return _TONE_OF.get(str(word), PLAIN)


class Piece(NamedTuple):
    """A piece of a line at a terminal. `tone` is a colour, HEAD or DIM; empty for none."""

    text: str
    tone: str = ""


Line = Sequence[Piece]
