"""A line of evidence: what is cited, what a program found of it, and the lines as they stand at the run's commit."""

from __future__ import annotations

from ....words.hints import Any, Mapping, Sequence
from ..excerpts import Excerpt, place_of
from . import pieces
from .markup import Child, Markup, joined, tag
from .view import View


def evidence_list(lines: Sequence[Mapping[str, Any]], view: View) -> Markup | None:
    return tag("ul", (tag("li", _evidence(line, view)) for line in lines), class_="evidence") if lines else None


def _evidence(line: Mapping[str, Any], view: View) -> Markup:
    status = pieces.badge(line["status"], view.words) if "status" in line else None
    if "command" in line:
        ran = [pieces.code(line["command"]), f" exit {line['exit']} "]
        return joined([tag("p", ran, status), _note(line)])
    place = place_of(line)
    excerpt = view.excerpts.get(place) if place else None
    quote = tag("blockquote", pieces.code(line["quote"]), dir="auto") if line["quote"] and not excerpt else None
    head: list[Child] = [tag("span", _where(line), class_="where"), " ", status]
    return joined([tag("p", head), _note(line), quote, _excerpt(excerpt, line, view)])


def _where(line: Mapping[str, Any]) -> str:
    said = _lines(line["path"], line["lines"])
    moved = line.get("status") == "moved" and line.get("found_lines")
    return f"{said} \u2192 {_numbers(line['found_lines'])}" if moved else said


def _lines(path: str, lines: Sequence[int] | None) -> str:
    return f"{path}:{_numbers(lines)}" if lines else path


def _numbers(lines: Sequence[int]) -> str:
    first, last = lines
    return str(first) if first == last else f"{first}-{last}"


def _note(line: Mapping[str, Any]) -> Child:
    note = line.get("note")
    return tag("p", note, class_="muted small") if note else None


def _excerpt(excerpt: Excerpt | None, line: Mapping[str, Any], view: View) -> Markup | None:
    if excerpt is None:
        return None
    rows = (
        tag(
            "span",
            tag("span", str(one.number), class_="number"),
            f"{one.text}\n",
            class_="cited" if one.cited else None,
        )
        for one in excerpt.lines
    )
    more = tag("p", view.words("more_lines"), class_="muted small") if excerpt.cut else None
    source = tag("pre", tag("code", rows), tabindex="0", aria_label=_where(line))
    return tag("div", source, more, class_="excerpt")
