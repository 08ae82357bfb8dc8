"""Lines of a long text, found by searching for what they hold: the others are not cut out."""

from __future__ import annotations

from ..words.hints import Iterator


def lines_with(text: bytes, needle: bytes) -> Iterator[bytes]:
    """Each line that holds the needle, once, without its newline. A needle may begin with the newline before a line."""
    if not needle:
        yield from text.split(b"\n")
        return
    begins_line = needle.startswith(b"\n")
    found = text.find(needle)
    while found >= 0:
        begin = found + 1 if begins_line else text.rfind(b"\n", 0, found) + 1
        end = text.find(b"\n", begin)
        if end < 0:
            end = len(text)
        yield text[begin:end]
        found = text.find(needle, end)
