"""Rows of the central index: reading them, which of a run's rows counts, and which ones move when it is rotated.

Three places, by age: `active.jsonl` (runs that have not ended, and fresh events), `recent.jsonl` (the newest ended
runs, one row each), `archive/<yyyy-mm>.jsonl` (older ones). A row of an earlier place always counts more than one
of a later place, a later line more than an earlier one: so it does not matter that a kill between two writes
leaves a run in two places, nor that two events share a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..words.statuses import RunStatus
from .json_text import encode_line, loads

VERSION = 1
RECENT_RUNS = 1000
RECENT_SECONDS = 30 * 86400
UNDATED = "0000-00"
ENDED: Mapping[str, str] = {
    "done": RunStatus.COMPLETED.value,
    "released": RunStatus.RELEASED.value,
    "completed": RunStatus.COMPLETED.value,
    "failed": RunStatus.FAILED.value,
    "contract-violated": RunStatus.CONTRACT_VIOLATED.value,
    "interrupted": RunStatus.INTERRUPTED.value,
}
Row = dict[str, Any]


class Rotation(NamedTuple):
    """What the files hold after a rotation; `archive` is what is appended to the file of each month."""

    active: bytes
    recent: bytes
    archive: Mapping[str, bytes]


class _Line(NamedTuple):
    """A line and the row that it is; None for what this okstra does not understand."""

    text: bytes
    row: Row | None


def rows_of(data: bytes) -> list[Row]:
    """The sound rows of a file, in its order. Damaged lines, and a torn last one, are passed over."""
    return [row for row in _values(data.split(b"\n")[:-1]) if _is_sound(row)]


def newest_of_each(places: Iterable[Sequence[Row]]) -> list[Row]:
    """The row that counts of each run, from places given with the one that counts most last."""
    return list({row["run_id"]: row for rows in places for row in rows}.values())


def with_beginnings(places: Iterable[Sequence[Row]]) -> list[Row]:
    """As `newest_of_each`, each with `prepared_at` and `started_at`: the first of each, where it is known."""
    newest: dict[str, Row] = {}
    for rows in places:
        for row in rows:
            newest[row["run_id"]] = _joined(newest.get(row["run_id"]), row)
    return list(newest.values())


def unchanged(runs: Iterable[str], seen: Mapping[str, Row], now: Iterable[Row]) -> set[str]:
    """Those of the runs of which the rows of `now` tell what `seen` told, or nothing as before."""
    known = {row["run_id"]: _event_of(row) for row in now}
    return {run for run in runs if known.get(run) == (_event_of(seen[run]) if run in seen else None)}


def _event_of(row: Row) -> tuple[object, object]:
    return row.get("event"), row.get("at")


def month_of(at: str) -> str:
    """The archive's file for that time, without its suffix."""
    year, month = at[:4], at[5:7]
    dated = at[4:8:3] == "--" and f"{year}{month}".isascii() and year.isdigit() and month.isdigit()
    return at[:7] if dated and 1 <= int(month) <= 12 else UNDATED


def rotate(active: bytes, recent: bytes, *, oldest: str, most: int = RECENT_RUNS) -> Rotation | None:
    """Moves ended runs on; None when none is there. `oldest` is the time before which a run is no longer recent.

    What is not understood stays where it is. A run that is open again keeps its row in `recent`, or a reader that
    saw `active` before it was opened would find it nowhere.
    """
    lines = _lines(active)
    newest = {row["run_id"]: row for row in with_beginnings([[line.row for line in lines if line.row is not None]])}
    ended = {run: row for run, row in newest.items() if row.get("event") in ENDED}
    if not ended:
        return None
    tail = active[active.rfind(b"\n") + 1 :]
    kept = [line.text for line in lines if line.row is None or line.row["run_id"] not in ended]
    unknown, places = [], {}
    for line in _lines(recent):
        if line.row is None:
            unknown.append(line.text)
        else:
            places[line.row["run_id"]] = line
    for run, row in ended.items():
        before = places.pop(run, None)
        joined = _joined(before.row if before else None, row)
        joined.pop("owner", None)
        places[run] = _Line(encode_line(joined)[:-1], joined)
    staying, leaving = _divide(places, newest.keys() - ended.keys(), oldest, most)
    months: dict[str, bytes] = {}
    for at, text in leaving:
        months[month_of(at)] = months.get(month_of(at), b"") + text + b"\n"
    return Rotation(_text(kept) + tail, _text([*unknown, *staying]), months)


def _divide(
    places: Mapping[str, _Line], opened: Iterable[str], oldest: str, most: int
) -> tuple[list[bytes], list[tuple[str, bytes]]]:
    """The lines that stay recent, the newest last, and those that leave, each with its time."""
    held = frozenset(opened)
    by_age = sorted(((str((line.row or {}).get("at", "")), run, line.text) for run, line in places.items()))
    excess = len(by_age) - most
    staying, leaving = [], []
    for place, (at, run, text) in enumerate(by_age):
        if run not in held and (place < excess or at < oldest):
            leaving.append((at, text))
        else:
            staying.append(text)
    return staying, leaving


def _joined(before: Mapping[str, Any] | None, row: Row) -> Row:
    """The row with what is known of the run's beginning."""
    joined, before, at = dict(row), before or {}, row.get("at", "")
    prepared = before.get("prepared_at") or row.get("prepared_at") or (at if row.get("event") == "prepared" else "")
    started = before.get("started_at") or row.get("started_at") or (at if row.get("event") == "started" else "")
    joined.update({name: when for name, when in (("prepared_at", prepared), ("started_at", started)) if when})
    return joined


def _text(lines: Iterable[bytes]) -> bytes:
    return b"".join([line + b"\n" for line in lines])


def _lines(data: bytes) -> list[_Line]:
    """Every line that is whole, in its order."""
    texts = data.split(b"\n")[:-1]
    return [_Line(text, row if _is_sound(row) else None) for text, row in zip(texts, _values(texts), strict=True)]


def _values(lines: list[bytes]) -> list[Any]:
    """Each line's value, None for a damaged one. One call of the parser for all takes half the time of one for each."""
    try:
        values: list[Any] = loads(b"[" + b",".join(lines) + b"]")
        if len(values) == len(lines):
            return values
    except (ValueError, RecursionError):
        pass
    return [_value(line) for line in lines]


def _value(line: bytes) -> object:
    try:
        return loads(line)
    except (ValueError, RecursionError):
        return None


def _is_sound(row: Any) -> bool:
    """Whether it is a row of this version, and what there is of text is text. It is asked of every row there is."""
    if type(row) is not dict or row.get("v") != VERSION:
        return False
    get = row.get
    text = type(get("run_id")) is type(get("event", "")) is type(get("at", "")) is type(get("task_type", "")) is str
    text = text and type(get("project_root", "")) is type(get("manifest", "")) is str
    return text and type(get("prepared_at", "")) is type(get("started_at", "")) is str
