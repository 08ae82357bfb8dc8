"""Text as the bytes of a file."""

from __future__ import annotations


def text_bytes(text: str) -> bytes:
    """UTF-8. Bytes that were none when they were read (surrogate escapes) are written back as they were; lone
    surrogates, which a damaged JSON file can bring in, as escapes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")
