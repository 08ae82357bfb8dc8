"""Tasks that a report proposes: the ones it leaves behind, and those that a discovery splits a request into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..names import CATEGORY_PREFIXES
from ..quoting import okstra_command

FOLLOW_UP, FAN_OUT = "follow-up", "fan-out"
OPEN, SPAWNED, DISMISSED = "open", "spawned", "dismissed"
DISCOVERY, PLANNING = "requirements-discovery", "implementation-planning"
# A new task has no plan and nothing to accept: it begins with one of these.
BEGINNINGS = (DISCOVERY, "improvement-discovery", "error-analysis", PLANNING)
_CATEGORY_OF = {"error-analysis": "bugfix", "improvement-discovery": "improvement"}
_FINDING = re.compile(r"\bG-[0-9]{3,}\b")

Report = Mapping[str, Any]


class Proposal(NamedTuple):
    """One proposed task. `id` is its place in the report: FU-001 of its follow-up tasks, FO-001 of its fan-out."""

    run_id: str
    id: str
    kind: str
    title: str
    task_type: str
    category: str
    reason: str


class Decision(NamedTuple):
    """What a person decided about a proposal, newest word."""

    state: str
    task_key: str
    reason: str
    at: str


def proposals_of(report: Report) -> list[Proposal]:
    """What the report proposes. Entries that are none are passed over, and keep their number."""
    run_id, phase = str(report.get("run_id", "")), report.get("phase")
    found = []
    for item, one in numbered_follow_ups(report):
        task_type = _beginning(_text(one, "task_type"))
        category = _CATEGORY_OF.get(task_type, "")
        named = (item, FOLLOW_UP, _text(one, "title"), task_type, category, _text(one, "reason"))
        found.append(Proposal(run_id, *named))
    if report.get("task_type") == DISCOVERY and isinstance(phase, Mapping):
        task_type = _routed(_text(phase, "routing"))
        category = _text(phase, "work_category")
        category = category if category in CATEGORY_PREFIXES else ""
        for number, one in _entries(phase.get("tasks")):
            named = (f"FO-{number:03d}", FAN_OUT, _text(one, "title"), task_type, category, _text(one, "summary"))
            found.append(Proposal(run_id, *named))
    return [one for one in found if one.title]


def numbered_follow_ups(report: Report) -> list[tuple[str, Mapping[str, Any]]]:
    """The report's follow-up tasks, each with the id that commands name it by."""
    return [(f"FU-{number:03d}", one) for number, one in _entries(report.get("follow_ups"))]


def spawn_command(run_id: str, item: str) -> str:
    """The command that makes a proposal of that run a task."""
    return okstra_command("followups", "spawn", run_id, "--item", item)


def decisions(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Decision]:
    """The newest decision by run and item. Rows that are none are passed over."""
    found = {}
    for row in rows:
        run_id, item, state, task_key = (_text(row, name) for name in ("run_id", "item", "state", "task_key"))
        sound = state == DISMISSED or (state == SPAWNED and task_key)
        if row.get("v") == 1 and run_id and item and sound:
            found[run_id, item] = Decision(state, task_key, _text(row, "reason"), _text(row, "at"))
    return found


def row_of(proposal: Proposal, state: str, at: str, *, task_key: str = "", reason: str = "") -> dict[str, object]:
    return {
        "v": 1,
        "at": at,
        "run_id": proposal.run_id,
        "item": proposal.id,
        "title": proposal.title,
        "state": state,
        "task_key": task_key,
        "reason": reason,
    }


def background(report: Report, proposal: Proposal, *, page: str, lines_of: Mapping[str, Sequence[str]]) -> str:
    """Where a task comes from, for its brief. `page` is the report, `lines_of` the evidence of its findings by id."""
    lines = [
        f"{proposal.id} of the {report.get('task_type')} of {report.get('task_key')}, run `{proposal.run_id}`.",
        f"Its report: `{page}`",
    ]
    findings = {_text(one, "id"): one for _, one in _entries(report.get("findings"))}
    cited = [
        findings[name]
        for name in dict.fromkeys(_FINDING.findall(f"{proposal.title} {proposal.reason}"))
        if name in findings
    ]
    for one in cited:
        heading = f"{_text(one, 'id')} [{_text(one, 'severity')}, {_text(one, 'class')}] {_text(one, 'title')}"
        lines += ["", f"**{heading}**", "", *quoted(_text(one, "claim"))]
        lines += ["", *(f"- evidence: {line}" for line in lines_of.get(_text(one, "id"), ()))]
    if not cited:
        lines += ["", "It names no finding of that report."]
    return "\n".join(lines).rstrip()


def quoted(text: str) -> list[str]:
    """A block quotation: what an agent wrote can't pass for a heading of the brief."""
    return [f"> {line}".rstrip() for line in text.strip().splitlines()]


def _entries(value: Any) -> list[tuple[int, Mapping[str, Any]]]:
    entries = value if isinstance(value, list) else []
    return [(number, one) for number, one in enumerate(entries, 1) if isinstance(one, Mapping)]


def _text(entry: Mapping[str, Any], name: str) -> str:
    """A text of the entry; titles and the like in one line."""
    value = entry.get(name)
    if not isinstance(value, str):
        return ""
    return value.strip() if name in ("reason", "summary", "claim", "routing") else " ".join(value.split())


def _beginning(proposed: str) -> str:
    if proposed == "implementation":
        return PLANNING
    return proposed if proposed in BEGINNINGS else DISCOVERY


def _routed(routing: str) -> str:
    """The phase that a routing decision names, if it names one alone."""
    named = [name for name in BEGINNINGS[1:] if re.search(rf"(?<![\w-]){name}(?![\w-])", routing)]
    return named[0] if len(named) == 1 else DISCOVERY
