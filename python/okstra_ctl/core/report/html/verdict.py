"""The card that stands first: what was concluded, what comes next, and what is in the way."""

from __future__ import annotations

from collections import Counter

from ....words.findings import FindingSeverity, Gate
from ....words.hints import Any, Iterable, Mapping
from ..amounts import cost_text
from ..changed import isolation_commands
from ..outcome import overrules_in
from . import pieces
from .markup import Markup, joined, tag
from .view import View

_WORST = frozenset(("blocked", "not-done", "not-handed-off"))


def verdict_card(view: View) -> Markup:
    report, words = view.report, view.words
    verdict = report["verdict"]
    tone = verdict_tone(view)
    return tag(
        "section",
        tag("p", words("verdict"), class_="eyebrow"),
        tag("h2", words.token(verdict["token"]), id="verdict-title", class_=f"token {tone}"),
        pieces.prose(verdict["conclusion"], words, class_="prose conclusion"),
        _direction(view),
        _notices(view),
        tag("p", words("next_step"), class_="eyebrow"),
        pieces.command(verdict["next_step"], words, name="next-step"),
        pieces.facts(list(_facts(view)), class_="facts figures"),
        id="verdict",
        class_=f"card {tone}",
        aria_labelledby="verdict-title",
    )


def verdict_tone(view: View) -> str:
    """How the verdict looks: the best one good, what stops the work bad, the rest in between."""
    token = view.report["verdict"]["token"]
    if view.report["isolation"]["breaches"] or token in _WORST:
        return "bad"
    if view.tokens and token == view.tokens[0]:
        return "good"
    return "warn"


def gates(view: View) -> Markup:
    """Every gate with what it says; a gate that nobody answered is shut like one that failed."""
    words = view.words
    rows = [
        tag(
            "li",
            tag("span", words.labels.get(f"gate_{name}", name), class_="gate-name"),
            pieces.badge(gate["gate"], words),
            pieces.prose(gate["note"], words, class_="prose small") if gate["note"] else None,
            class_="gate",
        )
        for name, gate in view.report["gates"].items()
    ]
    body = tag("ul", rows, class_="gates") if rows else pieces.nothing(words)
    return pieces.section("gates", words("gates"), body)


def isolation(view: View) -> Markup | None:
    """What was changed and must not be, by whom, and how to look at it."""
    breaches, words = view.report["isolation"]["breaches"], view.words
    if not breaches:
        return None
    items = (_change(f"breach-{number}", one, view, "bad") for number, one in enumerate(breaches, 1))
    return pieces.section("isolation", words("isolation"), tag("ol", items, class_="breaches"))


def notes(view: View) -> Markup | None:
    """What changed beside the run, and fails nothing."""
    noted, words = view.report["isolation"].get("notes"), view.words
    if not noted:
        return None
    items = (_change(f"note-{number}", one, view, "") for number, one in enumerate(noted, 1))
    explained = pieces.prose(words("notes_explained"), words)
    return pieces.section("notes", words("notes"), joined([explained, tag("ol", items, class_="breaches")]))


def _change(name: str, one: Mapping[str, Any], view: View, tone: str) -> Markup:
    words = view.words
    author = [" ", words("author_of_change"), " ", pieces.code(one["author"])] if one.get("author") else []
    return tag(
        "li",
        tag("p", pieces.badge(one["kind"], words, tone=tone), " ", pieces.code(one["what"]), *author),
        pieces.prose(one["detail"], words),
        *(
            joined([tag("p", words(label), class_="eyebrow"), pieces.command(command, words, name=f"{name}-{label}")])
            for label, command in isolation_commands(one)
        ),
    )


def _direction(view: View) -> Markup | None:
    direction = view.report["verdict"]["direction"]
    return pieces.prose(direction, view.words, class_="prose direction") if direction else None


def _notices(view: View) -> Iterable[Markup]:
    """What a reader must not overlook, each with the way to it."""
    report, words = view.report, view.words
    breaches = len(report["isolation"]["breaches"])
    if breaches:
        yield tag("p", tag("a", f"{words('isolation')}: {breaches}", href="#isolation"), class_="notice bad")
    for word in overrules_in(report):
        yield tag("p", words("overruled"), f" ({word['at']}): {word['why']}", class_="notice warn")
    if report["verdict"]["approval_needed"]:
        yield tag("p", words("approval_needed"), class_="notice warn")
    waiting = [row for row in report["clarifications"] if row["status"] == "open"]
    if waiting:
        told = f"{words('open_questions')}: {len(waiting)}"
        yield tag("p", tag("a", told, href="#questions"), class_="notice warn")
    if report["author"]["reason"]:
        yield tag("p", words("author_lead"), " ", report["author"]["reason"], class_="notice warn")


def _facts(view: View) -> Iterable[tuple[object, object]]:
    report, words = view.report, view.words
    counts = Counter(one["severity"] for one in report["findings"])
    found = [
        tag("span", str(counts[name]), " ", pieces.severity(name, words), class_="count")
        for name in FindingSeverity
        if counts[name]
    ]
    yield words("findings"), found or "0"
    passed = sum(Gate(gate["gate"]).open for gate in report["gates"].values())
    yield words("gates_open"), f"{passed} / {len(report['gates'])}"
    yield words("who_answered"), _answered(view)
    yield words("cost"), cost_text((report["usage"] or {}).get("total", {}), words.labels)
    ends = [one.start + one.seconds for one in view.dispatches if one.seconds is not None]
    if ends:
        yield words("time_taken"), duration(max(ends))


def _answered(view: View) -> str:
    rows = view.report["execution"]
    return f"{sum(row['outcome'] == 'completed' for row in rows)} / {len(rows)}"


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
