"""What a word of the board says to the eye: in work, good, to look at, bad. The word itself is always there too."""

from __future__ import annotations

BUSY, GOOD, WARN, BAD, PLAIN = "busy", "good", "warn", "bad", "plain"

_WORDS = {
    BUSY: "running reserved",
    GOOD: "completed done written",
    WARN: "interrupted stopped invalid-result released",
    BAD: "failed contract-violated error timeout",
}
_TONE_OF = {word: tone for tone, words in _WORDS.items() for word in words.split()}


def tone_of(word: str) -> str:
    return _TONE_OF.get(word, PLAIN)
