"""The whole page: one file, without anything from elsewhere, and with a policy that says so to the browser."""

from __future__ import annotations

import base64
import hashlib

from ....words.hints import Callable
from ...shell_words import okstra_command
from . import convergence, findings, lists, phase_part, pieces, questions, stage_graph, verdict, workers
from .markup import Markup, tag, verbatim
from .view import View

_PLANNING = "implementation-planning"
_Part = Callable[[View], Markup | None]
_PARTS: tuple[tuple[str, str, _Part], ...] = (
    ("verdict", "verdict", verdict.verdict_card),
    ("isolation", "isolation", verdict.isolation),
    ("gates", "gates", verdict.gates),
    ("notes", "notes", verdict.notes),
    ("questions", "clarifications", questions.questions),
    ("findings", "findings", findings.findings),
    ("phase", "", phase_part.phase_part),
    ("stages", "stage_map", lambda view: stage_graph.stages(view) if view.report["task_type"] == _PLANNING else None),
    ("risks", "risks", lists.risks),
    ("follow-ups", "follow_ups", lists.follow_ups),
    ("checked", "checked", lists.checked),
    ("workers", "execution", workers.workers),
    ("convergence", "convergence", convergence.convergence),
    ("usage", "usage", workers.usage),
)


def render_html(view: View) -> str:
    """The page as text. The same view gives the same page, byte by byte."""
    report, words = view.report, view.words
    made = [(name, label, part(view)) for name, label, part in _ordered(view)]
    parts = [(name, label, content) for name, label, content in made if content is not None]
    style, script = verbatim(view.style, "style"), verbatim(view.script, "script")
    title = f"{words.phase(report['task_type'])}: {report['task_key']}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(view)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"okstra {report['okstra_version']}"),
        tag("meta", name="okstra-data", content=view.digest),
        tag("title", title),
        style,
    )
    body = tag(
        "body",
        tag("a", words("skip"), href="#main", class_="skip"),
        _header(view),
        tag(
            "div",
            _contents(parts, view),
            tag("main", (content for _, _, content in parts), id="main", tabindex="-1"),
            class_="columns",
        ),
        _footer(view),
        script,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang=report['language'])}\n"


def _ordered(view: View) -> list[tuple[str, str, _Part]]:
    """Questions that wait for a person stand before the findings; settled ones after the risks."""
    if any(row["status"] == "open" for row in view.report["clarifications"]):
        return list(_PARTS)
    parts = [part for part in _PARTS if part[0] != "questions"]
    place = [name for name, _, _ in parts].index("risks") + 1
    settled = [part for part in _PARTS if part[0] == "questions"]
    return [*parts[:place], *settled, *parts[place:]]


def _policy(view: View) -> str:
    """Nothing is loaded, sent or run but the one style and the one script that okstra put there."""
    return (
        f"default-src 'none'; style-src '{_hash(view.style)}'; script-src '{_hash(view.script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _header(view: View) -> Markup:
    report, words = view.report, view.words
    stage = f" \u00b7 {words('stage')} {report['stage']}" if report["stage"] is not None else ""
    phase = f"{words.phase(report['task_type'])}{stage}"
    facts = [
        (words("run"), pieces.code(report["run_id"])),
        (words("commit"), pieces.code(report["commit"][:12] or "-")),
        (words("lead"), " ".join(filter(None, [report["lead"]["mode"], report["lead"]["model"]]))),
        (words("author"), _author(view)),
    ]
    rehearsal = tag("p", words("rehearsal"), class_="rehearsal", role="note") if report["rehearsal"] else None
    return tag(
        "header",
        rehearsal,
        tag("p", phase, class_="eyebrow"),
        tag("h1", report["task_key"], dir="auto"),
        pieces.facts(facts, class_="facts identity"),
    )


def _author(view: View) -> str:
    author = view.report["author"]
    model = f" ({author['model']})" if author["model"] else ""
    return f"{author['worker'] or '-'}{model}"


def _contents(parts: list[tuple[str, str, Markup]], view: View) -> Markup:
    words = view.words
    names = {"phase": words.phase(view.report["task_type"])}
    items = (tag("li", tag("a", names.get(name) or words(label), href=f"#{name}")) for name, label, _ in parts)
    return tag("nav", tag("ul", items), aria_label=words("contents"))


def _footer(view: View) -> Markup:
    report = view.report
    return tag(
        "footer",
        tag(
            "p",
            f"okstra {report['okstra_version']} \u00b7 ",
            pieces.code(okstra_command("report", "render", report["run_id"])),
        ),
        tag("p", f"{view.words('made_from')} ", pieces.code(view.digest[:16])),
    )
