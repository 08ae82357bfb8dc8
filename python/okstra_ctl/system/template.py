"""Fills `{{NAME}}` placeholders. A name without a value is an error: no prompt is sent half filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_OPEN, _CLOSE = "{{", "}}"
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_FURTHER = _LETTERS | frozenset("0123456789_")


class UnknownPlaceholder(ValueError):
    """The template asks for a name that has no value."""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replaces in one pass: a value is never searched for placeholders. Raises UnknownPlaceholder."""
    filled, done = [], 0
    for begin, end, name in _places(template):
        if name not in values:
            raise UnknownPlaceholder(name)
        filled += [template[done:begin], values[name]]
        done = end
    return "".join([*filled, template[done:]])


def placeholders(template: str) -> set[str]:
    """The names that a template asks for."""
    return {name for _, _, name in _places(template)}


def _places(template: str) -> Iterator[tuple[int, int, str]]:
    """Where each placeholder begins and ends, and its name."""
    begin = template.find(_OPEN)
    while begin >= 0:
        close = template.find(_CLOSE, begin)
        name = template[begin + len(_OPEN) : close] if close >= 0 else ""
        if name[:1] in _LETTERS and _FURTHER.issuperset(name):
            end = close + len(_CLOSE)
            yield begin, end, name
        else:
            end = begin + 1
        begin = template.find(_OPEN, end)
