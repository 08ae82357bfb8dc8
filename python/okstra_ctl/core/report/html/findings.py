"""The findings: who said what, every verdict, the evidence with its lines; and the bar that filters them."""

from __future__ import annotations

from collections import Counter

from ....words.findings import FindingSeverity
from ....words.hints import Any, Iterable, Mapping, Sequence
from . import pieces
from .evidence import evidence_list
from .markup import Markup, tag
from .view import View

_ORDER = {str(severity): place for place, severity in enumerate(FindingSeverity)}
_GRAVE = frozenset(("critical", "high"))
_MOST_UNFOLDED = 20
_MANY = 60  # from here on the browser lays out only those in sight


def findings(view: View) -> Markup:
    """Open before closed, the gravest first; otherwise as the run numbered them."""
    words = view.words
    found: Sequence[Mapping[str, Any]] = view.report["findings"]
    if not found:
        return pieces.section("findings", words("findings"), tag("p", words("no_findings"), class_="muted"))
    ordered = sorted(found, key=lambda one: (one["status"] == "closed", _ORDER.get(one["severity"], len(_ORDER))))
    unfold = {one["id"] for one in [one for one in ordered if one["severity"] in _GRAVE][:_MOST_UNFOLDED]}
    cards = (_finding(one, view, unfolded=one["id"] in unfold) for one in ordered)
    listed = tag("div", cards, id="finding-list", class_="many" if len(found) > _MANY else None)
    return pieces.section("findings", words("findings"), _filters(ordered, view), listed)


def _filters(found: Sequence[Mapping[str, Any]], view: View) -> Markup:
    """Only for a page with JavaScript; without it every finding simply stands there."""
    words = view.words
    counts = Counter(one["severity"] for one in found)
    boxes = (
        tag(
            "label",
            tag("input", type="checkbox", name="severity", value=str(name), checked=True),
            pieces.severity(name, words),
            tag("span", str(counts[name]), class_="muted"),
            class_="chip",
        )
        for name in FindingSeverity
        if counts[name]
    )
    return tag(
        "form",
        tag("fieldset", tag("legend", words("severity"), class_="hidden-label"), boxes, class_="chips"),
        _choice("class", words("class"), [one["class"] for one in found], view),
        _choice("status", words("status"), [one["status"] for one in found], view),
        tag(
            "label",
            tag("span", words("search"), class_="hidden-label"),
            tag("input", type="search", name="text", placeholder=words("search"), autocomplete="off"),
            class_="search",
        ),
        tag("p", f"{len(found)} / {len(found)}", id="finding-count", role="status", aria_live="polite"),
        id="finding-filter",
        class_="filters needs-js",
        role="search",
        aria_label=words("filter"),
    )


def _choice(name: str, label: str, values: Iterable[str], view: View) -> Markup:
    words = view.words
    options = [tag("option", f"{label}: {words('all')}", value="")]
    options += [tag("option", words.token(value), value=value) for value in dict.fromkeys(sorted(values))]
    return tag("label", tag("span", label, class_="hidden-label"), tag("select", options, name=name))


def _finding(one: Mapping[str, Any], view: View, *, unfolded: bool) -> Markup:
    words = view.words
    heading = tag(
        "h3", tag("a", one["id"], href=f"#{one['id']}", class_="id"), " ", pieces.worded(one["title"]), dir="auto"
    )
    margin = tag("div", pieces.severity(one["severity"], words), class_="margin")
    body = tag(
        "div",
        heading,
        pieces.prose(one["claim"], words),
        tag("p", _standing(one, view), class_="standing"),
        _evidence(one, view, unfolded=unfolded),
        _verdicts(one, view, unfolded=unfolded),
        class_="body",
    )
    return tag(
        "article",
        margin,
        body,
        id=one["id"],
        class_=f"finding {one['severity']} {one['status']}",
        data_severity=one["severity"],
        data_class=one["class"],
        data_status=one["status"],
    )


def _standing(one: Mapping[str, Any], view: View) -> Iterable[object]:
    words = view.words
    yield pieces.badge(one["class"], words)
    yield " "
    yield pieces.badge(one["status"], words, tone="good" if one["status"] == "closed" else "plain")
    if one["closed_by"]:
        yield f" {words('closed_by')} "
        yield pieces.code(one["closed_by"])
    raised = ", ".join(f"{claim['worker']} ({claim['finding']}, {claim['severity']})" for claim in one["raised_by"])
    yield tag("span", f"{words('raised_by')}: {raised}", class_="muted")


def _evidence(one: Mapping[str, Any], view: View, *, unfolded: bool) -> Markup | None:
    if not one["evidence"]:
        return None
    summary = [f"{view.words('evidence')} ({len(one['evidence'])}) ", pieces.badge(one["evidence_status"], view.words)]
    return pieces.disclosure(summary, evidence_list(one["evidence"], view), open_=unfolded)


def _verdicts(one: Mapping[str, Any], view: View, *, unfolded: bool) -> Markup | None:
    words = view.words
    if not one["verdicts"]:
        return None
    counts = Counter(ballot["verdict"] for ballot in one["verdicts"])
    told = [[pieces.badge(verdict, words), f" {count} "] for verdict, count in counts.items()]
    items = tag("ol", (_ballot(ballot, view) for ballot in one["verdicts"]), class_="ballots")
    disputed = unfolded and "DISAGREE" in counts
    return pieces.disclosure([f"{words('verdicts')} ", told], items, open_=disputed)


def _ballot(ballot: Mapping[str, Any], view: View) -> Markup:
    words = view.words
    basis = f"({words.token(ballot['basis'])}) " if ballot["basis"] else ""
    head = [
        tag("b", ballot["worker"]),
        f" \u00b7 {words('round')} {ballot['round']} ",
        pieces.badge(ballot["verdict"], words),
        f" {basis}",
    ]
    return tag("li", tag("p", head), pieces.prose(ballot["reason"], words), evidence_list(ballot["evidence"], view))
