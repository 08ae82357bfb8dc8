"""Lines of a long text, found by searching for what they hold: the others are not cut out."""

from __future__ import annotations

from ..words.hints import Iterator


def lines_with(text: bytes, needle: bytes, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Each line that holds the needle, once, without its newline. A needle may begin with the newline before a line.

    Of the text only the part from `begin` to `end`.
    """
    last = len(text) if end is None else end
    if not needle:
        yield from text[begin:last].split(b"\n")
        return
    begins_line = needle.startswith(b"\n")
    found = text.find(needle, begin, last)
    while found >= 0:
        start = found + 1 if begins_line else max(text.rfind(b"\n", begin, found) + 1, begin)
        stop = text.find(b"\n", start, last)
        if stop < 0:
            stop = last
        yield text[start:stop]
        found = text.find(needle, stop, last)
