"""How the findings settled: what was in question in each round, and what became of all of them."""

from __future__ import annotations

from collections import Counter

from ....words.findings import FindingClass
from ....words.hints import Any, Mapping, Sequence
from ....words.records import Record
from . import pieces
from .markup import Markup, tag
from .view import View

_ROW, _BAR_TOP, _BAR_HEIGHT = 46, 18, 14


class _Part(Record):
    name: str
    findings: int
    style: str


def convergence(view: View) -> Markup | None:
    """None when no finding went round: there is nothing to draw then."""
    found, words = view.report["findings"], view.words
    if not found or not any(one["verdicts"] for one in found):
        return None
    bars = [_raised(found, view), *(_round(one, view) for one in view.rounds), _classes(found, view)]
    most = max(sum(part.findings for part in parts) for _, parts in bars) or 1
    height = _ROW * len(bars)
    picture = tag(
        "svg",
        tag("title", words("convergence")),
        (_bar(title, parts, place, most) for place, (title, parts) in enumerate(bars)),
        class_="convergence",
        width="100%",
        height=height,
        role="img",
        aria_label=words("convergence"),
    )
    rows = [[title, ", ".join(f"{part.findings} {part.name}" for part in parts)] for title, parts in bars]
    told = pieces.table([words("step"), words("findings")], rows, label=words("convergence"))
    as_table = pieces.disclosure(words("as_table"), told)
    return pieces.section("convergence", words("convergence"), picture, as_table, note=words("convergence_note"))


def _raised(found: Sequence[Mapping[str, Any]], view: View) -> tuple[str, list[_Part]]:
    several = sum(len({claim["worker"] for claim in one["raised_by"]}) > 1 for one in found)
    parts = [
        _Part(view.words("raised_by_several"), several, "consensus"),
        _Part(view.words("raised_by_one"), len(found) - several, "asked"),
    ]
    return view.words("raised"), [part for part in parts if part.findings]


def _round(one: Mapping[str, Any], view: View) -> tuple[str, list[_Part]]:
    asked = {item for ids in one["asked"].values() for item in ids}
    silent = sum(state not in ("clean", "findings") for state in one["answers"].values())
    title = f"{view.words('round')} {one['round']}"
    if silent:
        title = f"{title} ({view.words('not_heard')}: {silent})"
    return title, [_Part(view.words("in_question"), len(asked), "asked")]


def _classes(found: Sequence[Mapping[str, Any]], view: View) -> tuple[str, list[_Part]]:
    counts = Counter(one["class"] for one in found)
    parts = [_Part(view.words.token(name), counts[name], str(name)) for name in FindingClass if counts[name]]
    return view.words("in_the_end"), parts


def _bar(title: str, parts: Sequence[_Part], place: int, most: int) -> Markup:
    top, left = place * _ROW, 0.0
    drawn = []
    for part in parts:
        width = 100 * part.findings / most
        drawn.append(
            tag(
                "rect",
                tag("title", f"{part.findings} {part.name}"),
                x=f"{left:.2f}%",
                y=top + _BAR_TOP,
                width=f"{width:.2f}%",
                height=_BAR_HEIGHT,
                class_=f"part {part.style}",
            )
        )
        left += width
    told = ", ".join(f"{part.findings} {part.name}" for part in parts)
    return tag("g", tag("text", f"{title}: {told}", x="0", y=top + 12), drawn)
