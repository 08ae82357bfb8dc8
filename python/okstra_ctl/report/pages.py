"""A report's pages, markdown and HTML, from its data: for a run that ends, and for `okstra report render`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .. import git
from ..errors import OkstraError
from ..paths import RunFiles
from ..results.evidence import LARGEST_BYTES, read_text
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..settings.phases import phase_table
from ..system import assets
from ..system import files as fsio
from ..system.json_text import loads
from .excerpts import Cited, Excerpt, cited_places, excerpt
from .markdown import render_markdown
from .page.contents import page_values
from .page.view import Dispatch, View, Words
from .parts import Schema, fields_of

SCHEMA_FILE = ("schemas", "final-report-v1.schema.json")


class Pages(NamedTuple):
    """The bytes of both files."""

    markdown: bytes
    html: bytes


def render_pages(run: KnownRun, report: Mapping[str, Any]) -> Pages:
    """Raises Missing (`assets-missing`), Unreadable. What git can't show (any more) is left out of the HTML."""
    schema: Schema = loads(assets.text(*SCHEMA_FILE))
    labels = labels_of(str(report["language"]))
    fields = fields_of(schema, run.id.task_type)
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type)
    markdown = render_markdown(report, fields, labels)
    view = View(
        report=report,
        fields=fields,
        words=Words(labels),
        tokens=phase.verdict_tokens,
        excerpts=_excerpts(run, report),
        dispatches=dispatches(events_of(run.files)),
        rounds=_rounds(run.files),
        digest=hashlib.sha256(fsio.json_bytes(report)).hexdigest(),
        style=assets.text("templates", "reports", "report.css"),
        script=assets.text("templates", "reports", "report.js"),
    )
    return Pages(markdown.encode("utf-8", "backslashreplace"), html_of(view).encode("utf-8", "backslashreplace"))


def html_of(view: View) -> str:
    """The HTML page. The same view gives the same page, byte by byte. Raises Missing (`assets-missing`)."""
    from ..system.pages import render

    return render("reports/report.html.j2", page_values(view))


def labels_of(language: str) -> dict[str, str]:
    labels: dict[str, str] = loads(assets.text("templates", "reports", "i18n", f"{language}.json"))
    return labels


def dispatches(events: Sequence[Mapping[str, Any]]) -> list[Dispatch]:
    """Every turn of every worker, by when it began."""
    begun: dict[tuple[str, str, int], float] = {}
    ended: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for row in events:
        if row.get("event") in ("dispatched", "ended"):
            key = (str(row.get("worker")), str(row.get("label")), int(row.get("attempt") or 1))
            if row["event"] == "dispatched":
                begun[key] = datetime.strptime(str(row["at"]), "%Y-%m-%dT%H:%M:%SZ").timestamp()
            else:
                ended[key] = row
    first = min(begun.values(), default=0.0)
    return [
        Dispatch(*key, at - first, *_end(ended.get(key))) for key, at in sorted(begun.items(), key=lambda one: one[1])
    ]


def _end(row: Mapping[str, Any] | None) -> tuple[float | None, str, str]:
    return (None, "", "") if row is None else (float(row["seconds"]), str(row["outcome"]), str(row["state"]))


def _rounds(files: RunFiles) -> list[Mapping[str, Any]]:
    rounds = (fsio.read_json(files.convergence) or {}).get("rounds")
    return rounds if isinstance(rounds, list) else []


def _excerpts(run: KnownRun, report: Mapping[str, Any]) -> dict[Cited, Excerpt]:
    places = cited_places(report)
    folder = run.standing_folder
    if not places or not report["commit"]:
        return {}
    try:
        if git.discover(folder) is None:
            return {}
        paths = list(dict.fromkeys(place.path for place in places))
        blobs = git.blobs_at(folder, report["commit"], paths, largest=LARGEST_BYTES)
    except OkstraError:  # repository or commit is gone: the report stands without them
        return {}
    texts = {path: text for path, data in blobs.items() if data is not None and (text := read_text(data)) is not None}
    found = ((place, excerpt(place, texts[place.path].readings[0])) for place in places if place.path in texts)
    return {place: lines for place, lines in found if lines is not None}
