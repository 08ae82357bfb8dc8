"""What the phase itself has to say: its own fields, an implementation's commits and steps."""

from __future__ import annotations

from ....words.hints import Any, Mapping
from ..parts import Field
from . import pieces
from .evidence import evidence_list
from .markup import Child, Markup, tag
from .view import View

_CODE = frozenset(("command", "branch"))


def phase_part(view: View) -> Markup:
    """The plan's stages have a place of their own."""
    fields = [field for field in view.fields if field.name != "stages"]
    parts: list[Child] = [_field(field, view) for field in fields]
    return pieces.section("phase", view.words.phase(view.report["task_type"]), parts, _commits(view), _steps(view))


def _field(field: Field, view: View) -> list[Markup]:
    words, value = view.words, view.report["phase"].get(field.name)
    heading = tag("h3", words.field(field))
    if not value:
        return [heading, pieces.nothing(words)]
    if not field.is_list:
        return [heading, tag("p", pieces.code(value)) if field.name in _CODE else pieces.prose(value, words)]
    if not field.items:
        return [heading, pieces.bullets(value, words)]
    if len(field.items) == 2 and not _has_lists(value):
        header = [words.labels.get(f"column_{name}", name) for name in field.items]
        rows = [[_cell(name, one.get(name), view) for name in field.items] for one in value]
        return [heading, pieces.table(header, rows, label=words.field(field))]
    return [heading, tag("ol", (_entry(field, one, view) for one in value), class_="entries")]


def _entry(field: Field, one: Mapping[str, Any], view: View) -> Markup:
    """An item of several fields: the first is its title, the others stand below by name."""
    title, *rest = field.items
    words = view.words
    told = [
        (words.labels.get(f"column_{name}", name), _cell(name, one.get(name), view))
        for name in rest
        if one.get(name) not in ("", [], None, False, True)
    ]
    chosen = pieces.badge("chosen", words, tone="good") if one.get("chosen") is True else None
    return tag("li", tag("p", tag("b", str(one.get(title, ""))), " ", chosen, dir="auto"), pieces.facts(told))


def _cell(name: str, value: object, view: View) -> Child:
    words = view.words
    if name == "covered":
        return pieces.badge(value, words, tone={"yes": "good", "partly": "warn"}.get(str(value), "bad"))
    if name == "findings" and isinstance(value, list):
        return [[tag("a", one, href=f"#{one}"), " "] for one in value]
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if name in _CODE:
        return pieces.code(value)
    return pieces.prose("" if value is None else value, words)


def _has_lists(rows: Any) -> bool:
    return any(isinstance(value, list) for row in rows for value in row.values())


def _commits(view: View) -> list[Markup] | None:
    commits, words = view.report["commits"], view.words
    if not commits:
        return None
    items = (tag("li", pieces.code(one["commit"][:12]), " ", one["subject"]) for one in commits)
    return [tag("h3", words("commits")), tag("ol", items, class_="plain-list")]


def _steps(view: View) -> list[Markup] | None:
    steps, words = view.report["steps"], view.words
    if not steps:
        return None
    items = (
        tag(
            "li",
            tag("p", f"{words('step')} {one['step']} ", pieces.badge("done" if one["done"] else "skipped", words)),
            pieces.prose(one["note"], words) if one["note"] else None,
            evidence_list(one["evidence"], view),
        )
        for one in steps
    )
    return [tag("h3", words("steps")), tag("ol", items, class_="plain-list")]
