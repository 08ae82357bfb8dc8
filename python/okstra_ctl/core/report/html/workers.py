"""Who worked: the table, and a time line of every turn."""

from __future__ import annotations

from ....words.hints import Any, Mapping
from ..amounts import model_header, model_rows, usage_header, usage_notes, usage_rows
from . import pieces
from .markup import Markup, tag
from .verdict import duration
from .view import Dispatch, View

_ROW, _TOP = 40, 22
_BAR_TOP, _BAR_HEIGHT = 18, 12
_LEAST_WIDTH = 0.4
_TICKS = 4
_SHOWN_ROWS = 60


def workers(view: View) -> Markup:
    words = view.words
    names = ("worker", "role", "model", "outcome", "answer", "findings_count")
    rows = [_row(row, view) for row in view.report["execution"]]
    body = pieces.table([words(name) for name in names], rows, label=words("execution"))
    return pieces.section("workers", words("execution"), body, _timeline(view))


def _row(row: Mapping[str, Any], view: View) -> list[object]:
    words = view.words
    model = row["model_observed"] or f"{row['model']} ({words('unknown')})"
    answer = [
        pieces.badge(row["state"], words) if row["state"] else None,
        " ",
        words.token(row["verdict"]) if row["verdict"] else None,
        pieces.prose(row["note"], words, class_="prose small") if row["note"] else None,
    ]
    return [
        tag("b", row["worker"]),
        words.token(row["role"]),
        model,
        pieces.badge(row["outcome"], words),
        answer,
        row["findings"],
    ]


def _timeline(view: View) -> list[Markup] | None:
    """Each turn as a bar on one scale; the same as a table, for whoever can't see it."""
    turns, words = view.dispatches, view.words
    if not turns:
        return None
    length = max((turn.start + (turn.seconds or 0.0) for turn in turns), default=0.0) or 1.0
    drawn = [_bar(turn, place, length, view) for place, turn in enumerate(turns[:_SHOWN_ROWS])]
    height = _TOP + _ROW * len(drawn)
    picture = tag(
        "svg",
        tag("title", words("timeline")),
        _axis(length, height),
        drawn,
        class_="timeline",
        width="100%",
        height=height,
        role="img",
        aria_label=words("timeline"),
    )
    header = (
        words("worker"),
        words("asked_for"),
        words("attempt"),
        words("start"),
        words("time_taken"),
        words("outcome"),
    )
    rows = [
        [
            turn.worker,
            _asked(turn, view),
            turn.attempt,
            f"+{duration(turn.start)}",
            words("unknown") if turn.seconds is None else duration(turn.seconds),
            pieces.badge(turn.outcome or "not-run", words),
        ]
        for turn in turns
    ]
    whole = pieces.table(header, rows, label=words("timeline"))
    heading = tag("h3", words("timeline"))
    return [heading, picture, pieces.disclosure(words("as_table"), whole)]


def _axis(length: float, height: int) -> list[Markup]:
    marks = []
    for tick in range(_TICKS + 1):
        place = f"{100 * tick / _TICKS:g}%"
        anchor = "start" if tick == 0 else "end" if tick == _TICKS else "middle"
        marks.append(tag("line", x1=place, x2=place, y1=_TOP - 6, y2=height, class_="grid"))
        told = duration(length * tick / _TICKS)
        marks.append(tag("text", told, x=place, y=11, text_anchor=anchor, class_="tick"))
    return marks


def _bar(turn: Dispatch, place: int, length: float, view: View) -> Markup:
    top = _TOP + place * _ROW
    start = 100 * turn.start / length
    width = max(_LEAST_WIDTH, 100 * (turn.seconds or 0.0) / length)
    start = min(start, 100 - width)
    right = start > 55
    told = " \u00b7 ".join(filter(None, [turn.worker, _asked(turn, view)]))
    tone = {"completed": "good", "invalid-result": "warn", "": "plain"}.get(turn.outcome, "bad")
    ended = "" if tone == "good" else f" ({view.words.token(turn.outcome or 'not-run')})"
    return tag(
        "g",
        tag(
            "text",
            f"{told}{ended}",
            x=f"{start + width if right else start:.2f}%",
            y=top + 12,
            text_anchor="end" if right else "start",
        ),
        tag(
            "rect",
            x=f"{start:.2f}%",
            y=top + _BAR_TOP,
            width=f"{width:.2f}%",
            height=_BAR_HEIGHT,
            rx=2,
            class_=f"bar {tone}",
        ),
    )


def _asked(turn: Dispatch, view: View) -> str:
    again = f" #{turn.attempt}" if turn.attempt > 1 else ""
    return f"{turn.label or view.words('own_result')}{again}"


def usage(view: View) -> Markup:
    """Tokens and cost by worker. What no client told is said as unknown."""
    words, known = view.words, view.report["usage"]
    if known is None:
        return pieces.section("usage", words("usage"), tag("p", words("unknown"), class_="muted"))
    labels = words.labels
    rows = [*usage_rows(known, labels)]
    rows[-1:] = [[tag("b", rows[-1][0]), *rows[-1][1:]]]
    parts = [pieces.table(usage_header(labels), rows, label=words("usage"), class_="numbers")]
    models = list(model_rows(known, labels))
    if len(models) > 1:
        by_model = pieces.table(model_header(labels), models, label=words("by_model"), class_="numbers")
        parts += [tag("h3", words("by_model")), by_model]
    parts += [tag("p", note, class_="muted") for note in usage_notes(known, labels)]
    return pieces.section("usage", words("usage"), *parts)
