"""What stands on the page, in its order: the values that the templates of `templates/reports/` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...plan.drawing import Box, Picture, picture
from ...quoting import okstra_command
from ...results.records import FindingSeverity, Gate
from ...runs.user_response import questions_of, user_response_text
from ...status import tone_of
from ...tasks.titles import report_title
from ...usage.tokens import cost_text, duration_text, model_header, model_rows, usage_header, usage_notes, usage_rows
from ..followup_rules import numbered_follow_ups, spawn_command
from ..marks import in_order, is_settled, mark_word
from ..now import asks_approval, date_text, now_facts
from ..outcome import failure_reasons, isolation_commands, overrules_in, voices_lines
from ..parts import Field
from .pictures import asked, convergence, timeline
from .view import View, parts_of, place_of, policy_hash, prose_of

_PLANNING = "implementation-planning"
_WORST = frozenset(("blocked", "not-done", "not-handed-off"))
_GRAVE = frozenset(("critical", "high"))
_MOST_UNFOLDED = 20
_Row = Mapping[str, Any]


class Section(NamedTuple):
    """A section of the page: its template and id, and what it is called in the contents."""

    name: str
    title: str


def page_values(view: View) -> dict[str, Any]:
    """The names that the templates use. The same view gives the same values."""
    report, words = view.report, view.words
    return {
        **{"view": view, "report": report, "words": words},
        **{"tone_of": tone_of, "parts_of": parts_of, "prose_of": prose_of, "duration": duration_text},
        "policy": (
            f"default-src 'none'; style-src '{policy_hash(view.style)}'; script-src '{policy_hash(view.script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        "sections": _sections(view),
        "command": okstra_command("report", "render", report["run_id"]),
        "severities": [str(severity) for severity in FindingSeverity],
        "count": Counter,
        "verdict": _verdict(view),
        "title": report_title(report),
        "request": report.get("request", ""),
        "date": date_text(report.get("at", "")),
        "reasons": failure_reasons(report),
        "now_facts": list(now_facts(view.now, words.labels)) if view.now else [],
        "as_of": date_text(view.now.at) if view.now else "",
        "headlines": [one["severity"] for one in report["findings"] if not is_settled(one)],
        "isolation_commands": isolation_commands,
        "overrules": overrules_in(report),
        "voices": list(voices_lines(report, words.labels)),
        "findings": in_order(report["findings"]),
        "mark_word": mark_word,
        "marks": list(filter(None, map(mark_word, report["findings"]))),
        "unfolded": _unfolded(report["findings"]),
        "where": _where,
        "excerpt_of": lambda line: view.excerpts.get(place) if (place := place_of(line)) else None,
        "as_table": _as_table,
        "stages": _stages(view),
        "answers": _answers(report),
        "follow_ups": numbered_follow_ups(report),
        "spawn_command": spawn_command,
        "asked": lambda turn: asked(turn, view),
        "timeline": timeline(view),
        "convergence": convergence(view),
        "usage": _usage(view),
    }


def response_name(report: _Row) -> str:
    return f"user-response-{report['task_type']}-{report['seq']:03d}.md"


def _sections(view: View) -> list[Section]:
    """Questions that wait for a person stand before the findings; settled ones after the risks."""
    report, words = view.report, view.words
    waiting = any(row["status"] == "open" for row in report["clarifications"])
    there = {
        "isolation": bool(report["isolation"]["breaches"]),
        "notes": bool(report["isolation"].get("notes")),
        "proofs": bool(report.get("proofs")),
        "stages": report["task_type"] == _PLANNING,
        "convergence": any(one["verdicts"] for one in report["findings"]),
    }
    early, late = (["questions"], []) if waiting else ([], ["questions"])
    names = ["verdict", "isolation", "gates", "notes", *early, "findings", "proofs", "phase", "stages", "risks", *late]
    names += ["follow-ups", "checked", "workers", "convergence", "usage"]
    label = {"questions": "clarifications", "stages": "stage_map", "follow-ups": "follow_ups", "workers": "execution"}
    return [
        Section(name, words.phase(report["task_type"]) if name == "phase" else words(label.get(name, name)))
        for name in names
        if there.get(name, True)
    ]


def _verdict(view: View) -> dict[str, Any]:
    report, words = view.report, view.words
    rows, gates = report["execution"], report["gates"].values()
    ends = [one.start + one.seconds for one in view.dispatches if one.seconds is not None]
    return {
        "tone": _verdict_tone(view),
        "next_step": view.now.next if view.now else report["verdict"]["next_step"],
        "asks_approval": asks_approval(report["verdict"], view.now),
        "waiting": sum(row["status"] == "open" for row in report["clarifications"]),
        "gates_open": f"{sum(Gate(gate['gate']).open for gate in gates)} / {len(gates)}",
        "answered": f"{sum(row['outcome'] == 'completed' for row in rows)} / {len(rows)}",
        "cost": cost_text((report["usage"] or {}).get("total", {}), words.labels),
        "time_taken": duration_text(max(ends)) if ends else "",
    }


def _verdict_tone(view: View) -> str:
    """How the verdict looks: the best one good, what stops the work bad, the rest in between."""
    token = view.report["verdict"]["token"]
    if view.report["isolation"]["breaches"] or token in _WORST:
        return "bad"
    return "good" if view.tokens and token == view.tokens[0] else "warn"


def _unfolded(found: Iterable[_Row]) -> set[str]:
    """The findings that show their evidence at once."""
    grave = [one["id"] for one in in_order(found) if one["severity"] in _GRAVE and not is_settled(one)]
    return set(grave[:_MOST_UNFOLDED])


def _where(line: _Row) -> str:
    """A citation's place; and where a program found it, if it has moved."""
    said = f"{line['path']}:{_numbers(line['lines'])}" if line["lines"] else str(line["path"])
    moved = line.get("status") == "moved" and line.get("found_lines")
    return f"{said} \u2192 {_numbers(line['found_lines'])}" if moved else said


def _numbers(lines: Sequence[int]) -> str:
    first, last = lines
    return str(first) if first == last else f"{first}-{last}"


def _as_table(field: Field, rows: Sequence[_Row]) -> bool:
    """Items of two plain fields make a table; others stand one below the other."""
    return len(field.items) == 2 and not any(isinstance(value, list) for row in rows for value in row.values())


def _stages(view: View) -> Picture | None:
    if view.report["task_type"] != _PLANNING:
        return None
    numbered = dict(enumerate(view.report["phase"].get("stages") or [], 1))
    needs = {number: tuple(row["depends_on"]) for number, row in numbered.items()}
    return picture(needs, {number: Box(row["title"], f"#stage-{number}") for number, row in numbered.items()})


def _answers(report: _Row) -> dict[str, str]:
    """The file that a person's answers go into, and the command that takes it."""
    name = response_name(report)
    run = ("run", "--task-key", report["task_key"], "--task-type", report["task_type"])
    return {
        "file": name,
        "form": user_response_text(report["task_key"], report["run_id"], questions_of(report)),
        "then": okstra_command(*run, "--clarification-response", name),
    }


def _usage(view: View) -> dict[str, Any] | None:
    """Tokens and cost by worker, and by model where there are several."""
    known, labels = view.report["usage"], view.words.labels
    if known is None:
        return None
    models = list(model_rows(known, labels))
    return {
        "header": usage_header(labels),
        "rows": list(usage_rows(known, labels)),
        "model_header": model_header(labels),
        "models": models if len(models) > 1 else [],
        "notes": list(usage_notes(known, labels)),
    }
