"""What every part of the page is put together from: sections, badges, texts, tables, disclosures."""

from __future__ import annotations

import re

from ....words.hints import Sequence
from .markup import Child, Markup, joined, tag, text
from .view import Words

_LONG = 1500
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]+[^\s<>\"'`\\^{|}.,;:!?)\]]")

# What a word of the records says to the eye. Colour never stands alone: the word is always there too.
_TONES = {
    "good": "verified consensus passed completed clean done AGREE yes closed answered resolved",
    "warn": "moved majority contested passed-with-dissent SUPPLEMENT partly invalid-result findings open skipped",
    "bad": "not-found refuted failed blocked-by-disagreement aborted-non-result error timeout DISAGREE no "
    "unreadable unavailable empty",
}
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words.split()}


def section(name: str, title: object, *children: Child, note: Child = None) -> Markup:
    heading = tag("h2", title, id=f"{name}-title")
    head = tag("div", heading, tag("p", note, class_="muted"), class_="section-head") if note else heading
    return tag("section", head, *children, id=name, aria_labelledby=f"{name}-title")


def badge(word: object, words: Words, *, tone: str = "") -> Markup:
    """A word of the records, with its tone."""
    tone = tone or _TONE_OF.get(str(word), "plain")
    return tag("span", words.token(word), class_=f"badge {tone}")


def severity(word: object, words: Words) -> Markup:
    return tag("span", words.token(word), class_=f"severity {text(word)}")


def prose(value: object, words: Words, *, class_: str = "prose") -> Markup:
    """A text of an agent, its lines kept. What is very long is folded, so that it does not bury the rest."""
    content = str(value).strip()
    if len(content) <= _LONG:
        return tag("div", worded(content), class_=class_, dir="auto")
    short = content[: _LONG // 3]
    return tag(
        "details",
        tag("summary", tag("span", short, "…", class_=class_, dir="auto"), " ", _whole(content, words)),
        tag("div", content, class_=class_, dir="auto"),
        class_="long",
    )


def worded(content: str) -> Markup:
    """A text as agents write them: what stands in backticks is code, addresses of the web are links."""
    parts: list[Child] = []
    for place, part in enumerate(_CODE.split(content)):
        parts.append(tag("code", part) if place % 2 else _linked(part))
    return joined(parts)


def _linked(content: str) -> Markup:
    parts: list[Child] = []
    position = 0
    for found in _LINK.finditer(content):
        parts += [content[position : found.start()], link(found[0])]
        position = found.end()
    return joined([*parts, content[position:]])


def link(address: str) -> Markup:
    """An address of the web as a link; any other text as text."""
    if _LINK.fullmatch(address) is None:
        return text(address)
    return tag("a", address, href=address, rel="noopener noreferrer")


def code(value: object) -> Markup:
    return tag("code", value)


def command(value: str, words: Words, *, name: str) -> Markup:
    """A command to paste, with a button that copies it where there is JavaScript."""
    return tag(
        "div",
        tag("code", value, id=name, tabindex="0"),
        tag("button", words("copy"), type="button", class_="copy needs-js", data_copies=name),
        class_="command",
    )


def disclosure(summary: Child, *children: Child, open_: bool = False, class_: str = "fold") -> Markup:
    return tag("details", tag("summary", summary), *children, open=open_, class_=class_)


def table(header: Sequence[object], rows: Sequence[Sequence[Child]], *, label: str, class_: str = "") -> Markup:
    """A table that scrolls by itself on a narrow screen, by keyboard too."""
    head = tag("thead", tag("tr", (tag("th", name, scope="col") for name in header)))
    body = tag("tbody", (tag("tr", (tag("td", cell) for cell in row)) for row in rows))
    whole = tag("table", head, body, class_=class_ or None)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=label)


def facts(pairs: Sequence[tuple[object, Child]], *, class_: str = "facts") -> Markup:
    """Names with their values."""
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_=class_)


def bullets(items: Sequence[object], words: Words) -> Markup:
    if not items:
        return nothing(words)
    return tag("ul", (tag("li", prose(item, words)) for item in items), class_="plain-list")


def nothing(words: Words) -> Markup:
    return tag("p", words("none"), class_="muted")


def _whole(content: str, words: Words) -> Markup:
    return tag("span", f"{words('show_all')} ({len(content):,})", class_="more")
