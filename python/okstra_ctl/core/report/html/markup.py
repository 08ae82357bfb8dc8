"""Building HTML that is escaped by default: what is not `Markup` is text, whatever it looks like.

Text of agents and repositories may hold anything. Letters that steer the display instead of showing (terminal
escapes, direction overrides, invisible tags) are spelled out, so that nothing reads otherwise than it is.
"""

from __future__ import annotations

import re
from html import escape as _escape

from ....words.hints import Iterable

_VOID = frozenset(("meta", "input", "br", "hr", "link"))
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


class Markup(str):
    """HTML that this module made: it is put into a page as it is."""

    __slots__ = ()


Child = object
"""Markup, text, a number, None (nothing), or any iterable of these."""


def shown(text: object) -> str:
    """The text with every letter visible: what steers the display is spelled out."""
    plain = str(text)
    return plain if _STEERING.search(plain) is None else _STEERING.sub(_spelled, plain)


def text(value: object) -> Markup:
    return Markup(_escape(shown(value), quote=True))


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """An element. Attributes: `class_` is `class`, `aria_label` is `aria-label`; None and False are left out."""
    start = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Markup(start) if name in _VOID else Markup(f"{start}{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    return Markup("".join(_markup(child) for child in children))


def verbatim(content: str, name: str) -> Markup:
    """A `style` or `script` element with okstra's own content, in which nothing is escaped.

    Raises ValueError when the content would end the element.
    """
    if f"</{name}" in content.lower() or "<!--" in content:
        raise ValueError(f"this would end the {name} element early")
    return Markup(f"<{name}>{content}</{name}>")


def _markup(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str) or not isinstance(child, Iterable):
        return text(child)
    return joined(child)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(value)}"'


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\u2039U+{code:04X}\u203a"
