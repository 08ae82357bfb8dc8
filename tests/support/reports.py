"""Report data for tests: whole, valid by its schema, with one text put wherever a text may stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from okstra_ctl.report.page.view import Cited, Dispatch, Excerpt, Line, View, Words, cited_places
from okstra_ctl.report.parts import blank, fields_of, phase_schema
from okstra_ctl.report.store import html_of

from . import schemas
from .sealed import ROOT

_TOKENS = {"implementation-planning": "ready-for-approval", "implementation": "done"}


def labels(language: str = "en") -> dict[str, str]:
    path = ROOT / "templates" / "reports" / "i18n" / f"{language}.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def finding(number: int, said: str = "text", **more: Any) -> dict[str, Any]:
    cited = {
        "path": "src/a.py",
        "lines": [2, 3],
        "quote": said,
        "status": "verified",
        "found_lines": [2, 3],
        "note": "",
    }
    ran = {"command": said, "exit": 1, "status": "contradicted", "found_lines": None, "note": said}
    return {
        "mark": "not-shown",
        "id": f"G-{number:03d}",
        "severity": "high",
        "title": said,
        "claim": said,
        "evidence": [cited, {**ran, "exits": [0, 0], "output": f"{said}\n{said}\n"}],
        "raised_by": [{"worker": "claude", "finding": "F-001", "severity": "high"}],
        "verdicts": [
            {
                "round": 1,
                "worker": "codex",
                "verdict": "DISAGREE",
                "basis": "logic",
                "reason": said,
                "evidence": [{"path": said, "lines": None, "quote": said}],
            }
        ],
        "evidence_status": "verified",
        "class": "contested",
        "status": "open",
        "closed_by": "",
        **more,
    }


def proof(said: str = "text") -> dict[str, Any]:
    names = {"mark": "proven", "run_id": said, "finding": "G-001", "severity": "high", "title": said}
    return {**names, "status": "closed", "commands": [{"command": said, "before": said, "after": said}]}


def question(number: int, said: str = "text", **more: str) -> dict[str, Any]:
    return {"id": f"C-{number:03d}", "question": said, "status": "open", "blocks": "approval", "answer": "", **more}


def report(task_type: str = "error-analysis", said: str = "text", **more: Any) -> dict[str, Any]:
    """A report of which every free text is `said`."""
    stage = 1 if task_type == "implementation" else None
    place = f"{task_type}/stage-1" if stage else task_type
    made = {
        "schema": "final-report/1",
        "run_id": f"demo:core:T-1/{place}/001",
        "task_key": "demo:core:T-1",
        "task_type": task_type,
        "seq": 1,
        "stage": stage,
        "commit": "a" * 40,
        "language": "en",
        "rehearsal": True,
        "okstra_version": "0.1.0",
        "lead": {"mode": "auto", "model": said},
        "author": {"worker": "report-writer", "provider": "claude", "model": said, "reason": said},
        "verdict": {
            "conclusion": said,
            "token": _TOKENS.get(task_type, said),
            "direction": said,
            "approval_needed": True,
            "next_step": said,
        },
        "execution": [_worker(said, "claude"), _worker(said, "codex")],
        "gates": {"convergence": {"gate": "passed", "note": said}, "report": {"gate": "failed", "note": said}},
        "usage": _usage(said),
        "isolation": {
            "breaches": [_change("ref", said), {"kind": "ref", "what": said, "detail": said, "undo": said}],
            "notes": [_change("settings", said)],
            "receipt": said,
        },
        "clarifications": [question(1, said), question(2, said, status="answered", answer=said)],
        "findings": [finding(1, said)],
        "proofs": [proof(said)],
        "risks": [said],
        "follow_ups": [{"title": said, "task_type": said, "reason": said}],
        "checked": [{"what": said, "how": said, "result": said}],
        "commits": [{"commit": "b" * 40, "subject": said}],
        "steps": [{"step": 1, "done": True, "evidence": [{"command": said, "exit": 0}], "note": said}],
        "phase": _phase(task_type, said),
    }
    return {**made, **more}


def page(data: Mapping[str, Any], *, language: str = "en", line: str = "text") -> str:
    return html_of(view(data, language=language, line=line))


def view(data: Mapping[str, Any], *, language: str = "en", line: str = "text") -> View:
    """All that a report's page is made from, with an excerpt of `line`s for everything that it cites."""
    schema = schemas.load("final-report")
    lines = Excerpt(tuple(Line(number, line, number == 2) for number in (1, 2, 3)), cut=True)
    cited: dict[Cited, Excerpt] = dict.fromkeys(cited_places(data), lines)
    folder = ROOT / "templates" / "reports"
    return View(
        report=data,
        fields=fields_of(schema, data["task_type"]),
        words=Words(labels(language)),
        tokens=("good", "bad"),
        excerpts=cited,
        dispatches=[
            Dispatch("claude", "", 1, 0.0, 2.5, "completed", "findings"),
            Dispatch("codex", line, 2, 1, None, "", ""),
        ],
        rounds=[{"round": 1, "asked": {"codex": ["G-001"]}, "answers": {"codex": "findings"}}],
        digest="0" * 64,
        style=(folder / "report.css").read_text(encoding="utf-8"),
        script=(folder / "report.js").read_text(encoding="utf-8"),
    )


def _change(kind: str, said: str) -> dict[str, str]:
    return {"kind": kind, "what": said, "detail": said, "author": said, "look": said, "undo": said}


def _worker(said: str, name: str) -> dict[str, Any]:
    return {
        "worker": name,
        "role": "analyst",
        "provider": name,
        "model": said,
        "model_observed": None,
        "outcome": "completed",
        "state": "findings",
        "verdict": said,
        "findings": 1,
        "note": said,
    }


def _usage(said: str) -> dict[str, Any]:
    counts = {"input": 1200, "cached": None, "cache_written": 3, "output": 4, "cost_usd": None}
    return {"workers": [{"worker": said, **counts}], "total": counts}


def _phase(task_type: str, said: str) -> dict[str, Any]:
    shape = phase_schema(schemas.load("final-report"), task_type)
    return {name: _filled(inner, said) for name, inner in shape["properties"].items()}


def _filled(shape: Mapping[str, Any], said: str) -> Any:
    if "enum" in shape:
        return shape["enum"][0]
    kind = shape["type"]
    if kind == "array":
        return [_filled(shape["items"], said)] if shape["items"].get("type") != "integer" else []
    if kind == "object":
        return {name: _filled(inner, said) for name, inner in shape["properties"].items()}
    return {"string": said, "boolean": True, "integer": 1}.get(kind, blank(shape))
