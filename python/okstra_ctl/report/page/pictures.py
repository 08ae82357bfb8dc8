"""The page's pictures of a run: the time line of its workers' turns, and how its findings settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...results.records import FindingClass
from ...usage.tokens import duration_text
from .view import Dispatch, View

_TURN_ROW, _TURN_TOP, _TURN_BAR_TOP = 40, 22, 18
_LEAST_WIDTH = 0.4
_TICKS = 4
_MOST_DRAWN = 60
_STEP_ROW, _STEP_BAR_TOP = 46, 18


class Tick(NamedTuple):
    place: str
    anchor: str
    text: str


class Bar(NamedTuple):
    """A turn on the time line, or a part of a step: where it stands, its text and its style. `end` is the side that
    the text of a turn is aligned to."""

    text: str
    style: str
    x: str
    width: str
    text_x: str = ""
    end: str = "start"


class Step(NamedTuple):
    """A step of the convergence: what it is called, and the findings in it by kind."""

    title: str
    text: str
    bars: Sequence[Bar]
    top: int


class Timeline(NamedTuple):
    height: int
    ticks: Sequence[Tick]
    bars: Sequence[Bar]
    row: int = _TURN_ROW
    top: int = _TURN_TOP
    bar_top: int = _TURN_BAR_TOP


class Convergence(NamedTuple):
    height: int
    steps: Sequence[Step]
    bar_top: int = _STEP_BAR_TOP


class _Share(NamedTuple):
    findings: int
    name: str
    style: str


def asked(turn: Dispatch, view: View) -> str:
    again = f" #{turn.attempt}" if turn.attempt > 1 else ""
    return f"{turn.label or view.words('own_result')}{again}"


def timeline(view: View) -> Timeline | None:
    """Each turn as a bar on one scale."""
    turns = view.dispatches
    if not turns:
        return None
    length = max(turn.start + (turn.seconds or 0.0) for turn in turns) or 1.0
    bars = [_turn(turn, length, view) for turn in turns[:_MOST_DRAWN]]
    ticks = [
        Tick(
            f"{100 * tick / _TICKS:g}%",
            "start" if tick == 0 else "end" if tick == _TICKS else "middle",
            duration_text(length * tick / _TICKS),
        )
        for tick in range(_TICKS + 1)
    ]
    return Timeline(_TURN_TOP + _TURN_ROW * len(bars), ticks, bars)


def _turn(turn: Dispatch, length: float, view: View) -> Bar:
    width = max(_LEAST_WIDTH, 100 * (turn.seconds or 0.0) / length)
    start = min(100 * turn.start / length, 100 - width)
    right = start > 55
    tone = {"completed": "good", "invalid-result": "warn", "": "plain"}.get(turn.outcome, "bad")
    ended = "" if tone == "good" else f" ({view.words.token(turn.outcome or 'not-run')})"
    return Bar(
        " \u00b7 ".join(filter(None, [turn.worker, asked(turn, view)])) + ended,
        tone,
        f"{start:.2f}%",
        f"{width:.2f}%",
        f"{start + width if right else start:.2f}%",
        "end" if right else "start",
    )


def convergence(view: View) -> Convergence | None:
    """What was in question in each round, and what became of it. None when no finding went round."""
    found = view.report["findings"]
    if not any(one["verdicts"] for one in found):
        return None
    steps = [_raised(found, view), *(_round(one, view) for one in view.rounds), _classes(found, view)]
    most = max(sum(share.findings for share in shares) for _, shares in steps) or 1
    drawn = [_step(title, shares, most, place) for place, (title, shares) in enumerate(steps)]
    return Convergence(_STEP_ROW * len(steps), drawn)


def _step(title: str, shares: Sequence[_Share], most: int, place: int) -> Step:
    bars, left = [], 0.0
    for share in shares:
        width = 100 * share.findings / most
        bars.append(Bar(f"{share.findings} {share.name}", share.style, f"{left:.2f}%", f"{width:.2f}%"))
        left += width
    return Step(title, ", ".join(bar.text for bar in bars), bars, place * _STEP_ROW)


def _raised(found: Sequence[Mapping[str, Any]], view: View) -> tuple[str, list[_Share]]:
    several = sum(len({claim["worker"] for claim in one["raised_by"]}) > 1 for one in found)
    shares = [
        _Share(several, view.words("raised_by_several"), "consensus"),
        _Share(len(found) - several, view.words("raised_by_one"), "asked"),
    ]
    return view.words("raised"), [share for share in shares if share.findings]


def _round(one: Mapping[str, Any], view: View) -> tuple[str, list[_Share]]:
    in_question = {item for ids in one["asked"].values() for item in ids}
    silent = sum(state not in ("clean", "findings") for state in one["answers"].values())
    title = f"{view.words('round')} {one['round']}"
    if silent:
        title = f"{title} ({view.words('not_heard')}: {silent})"
    return title, [_Share(len(in_question), view.words("in_question"), "asked")]


def _classes(found: Sequence[Mapping[str, Any]], view: View) -> tuple[str, list[_Share]]:
    counts = Counter(one["class"] for one in found)
    shares = [_Share(counts[name], view.words.token(name), str(name)) for name in FindingClass if counts[name]]
    return view.words("in_the_end"), shares
