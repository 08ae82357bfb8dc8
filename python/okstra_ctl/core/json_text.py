"""JSON as okstra reads and writes it: UTF-8, letters as they are, keys in the order given.

All of it is the standard library's `json`, but for what that brings in: its parser and its quoting are C code that
needs no regular expressions, and those cost a start 6 ms (docs/design/start-up.md). What is not plain is left to it.
"""

from __future__ import annotations

import json
from typing import Any

_BLANK = " \t\n\r"
_OTHER_ENCODINGS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")  # and whatever has a NUL near its beginning


class _Unusual(Exception):
    """A value that only `json` knows what to do with."""


class _Plainly:
    """How the parser is to read: as `json.loads` has it do without further wishes."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


def _no_parser(text: str, begin: int) -> Any:
    raise StopIteration


_scan: Any = _no_parser
_quoted: Any = None
_write: Any = None
try:
    import _json

    _scan = _json.make_scanner(_Plainly)  # type: ignore[arg-type]
    _write = _json.make_encoder(None, None, _json.encode_basestring, None, ": ", ", ", False, False, True)  # type: ignore[arg-type]
    _quoted = _json.encode_basestring
except (ImportError, AttributeError, TypeError):  # an interpreter without them, or with others
    pass


def loads(data: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError as `json.loads` does, and RecursionError."""
    text = data if isinstance(data, str) else _decoded(data)
    if text is not None:
        begin = len(text) - len(text.lstrip(_BLANK))
        try:
            value, end = _scan(text, begin)
        except (StopIteration, ValueError, SystemError):  # the last is Python 3.11's where nobody has imported `json`
            pass
        else:
            if end == len(text) or not text[end:].strip(_BLANK):
                return value

    return json.loads(data)


def encode(value: object, *, indent: int | None = None) -> bytes:
    """The value as JSON bytes. Lone surrogates (bytes of a path that are no UTF-8) are written as escapes."""
    return dumps(value, indent=indent).encode("utf-8", "backslashreplace")


def encode_line(value: object) -> bytes:
    """The value as one line of a JSONL file."""
    return encode(value) + b"\n"


def dumps(value: object, *, indent: int | None = None) -> str:
    """The value as JSON text. Raises TypeError for what JSON has no form of."""
    if _quoted is not None:
        try:
            return _on_one_line(value) if indent is None else _shown(value, "\n", " " * indent)
        except _Unusual:
            pass

    return json.dumps(value, ensure_ascii=False, indent=indent)


def _decoded(data: bytes) -> str | None:
    """UTF-8; None for what may be another encoding. Raises UnicodeDecodeError."""
    if data.startswith(_OTHER_ENCODINGS) or b"\0" in data[:4]:
        return None
    return data.decode("utf-8", "surrogatepass")


def _on_one_line(value: object) -> str:
    if isinstance(value, str):
        return str(_quoted(value))
    try:
        return "".join(_write(value, 0))
    except TypeError:
        raise _Unusual from None


def _shown(value: object, line: str, step: str) -> str:
    """The value over several lines; `line` begins one at the depth of the value."""
    if isinstance(value, str):
        return str(_quoted(value))
    if value is None or isinstance(value, (bool, int, float)):
        return _on_one_line(value)
    deeper = line + step
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise _Unusual
        items, ends = [f"{_quoted(key)}: {_shown(item, deeper, step)}" for key, item in value.items()], "{}"
    elif isinstance(value, (list, tuple)):
        items, ends = [_shown(item, deeper, step) for item in value], "[]"
    else:
        raise _Unusual
    return f"{ends[0]}{deeper}{f',{deeper}'.join(items)}{line}{ends[1]}" if items else ends
