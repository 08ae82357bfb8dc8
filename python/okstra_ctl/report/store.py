"""A report's pages, markdown and HTML, from its data: for a run that ends, and made anew after it (`okstra report`);
telling whether they are up to date, finding them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .. import __version__, git
from ..errors import CheckFailed, OkstraError, UsageError
from ..names import PLANNING, TaskKey
from ..paths import ProjectFiles, RunFiles
from ..plan.approval import approve, is_approved
from ..quoting import okstra_command
from ..results.evidence import LARGEST_BYTES, read_text
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..services import Services
from ..settings.phases import phase_table
from ..system import assets, files
from ..system.assets import problems_of
from ..system.locks import LockKind, locked
from ..system.text import loads
from . import own_pages
from .markdown import render_markdown
from .now import Now, now_of
from .own_pages import PageState, html_state, markdown_state
from .page.contents import page_values
from .page.view import Cited, Dispatch, Excerpt, View, Words, cited_places, excerpt
from .parts import Schema, fields_of

SCHEMA_FILE = ("schemas", "final-report-v1.schema.json")
SCHEMA = "final-report/1"


class Rendered(NamedTuple):
    """`earlier` and `earlier_html` are where pages went that somebody had changed; `kept` tells that the markdown was
    left as it is, because the stages in it are no longer those of the data."""

    earlier: str
    kept: bool
    earlier_html: str = ""


class PageFile(NamedTuple):
    kind: str
    path: str
    state: PageState


class FoundReport(NamedTuple):
    """One report of a project. `verdict` is empty for a plan that was adopted: it has no data."""

    task_key: str
    task_type: str
    stage: int | None
    seq: str
    run_id: str
    verdict: str
    outcome: str
    at: str
    path: str
    html: str


def read_report(run: KnownRun) -> dict[str, Any]:
    """The report's data. Raises UsageError (`not-found`), CheckFailed (`report-invalid`), Unreadable."""
    report = files.read_json(run.files.report_data, SCHEMA)
    if report is None:
        hint = f"{okstra_command('resume', run.id)}; or {okstra_command('show', run.id)}"
        raise UsageError("not-found", f"{run.id} has no report yet", where=run.files.report_data, hint=hint)
    problems = problems_of(report, loads(assets.text(*SCHEMA_FILE)))
    if problems:
        raise CheckFailed(
            "report-invalid",
            f"its data breaks the schema in {len(problems)} place(s): {problems[0]}",
            where=run.files.report_data,
            hint=f"{okstra_command('check', 'run', run.id)} tells them all",
            data={"problems": problems},
        )
    return report


def render(run: KnownRun, services: Services, now: Now | None = None) -> Rendered:
    """Writes both pages anew; what a person made of them is kept beside. `now` is where the task stands. Raises as
    `read_report`, and WorkFailed (`write-failed`)."""
    pages = render_pages(run, read_report(run), now)
    markdown = own_pages.markdown_for(run, pages.markdown)
    own_pages.note_earlier(run, services)
    own_pages.note(run, services, {own_pages.MARKDOWN: markdown, own_pages.HTML: pages.html}, now)
    with locked(LockKind.INDEX, f"{run.files.manifest}.lock"):
        files.make_folder(os.path.dirname(run.files.report_html))
        html = own_pages.keep_aside(run, own_pages.HTML, run.files.report_html, pages.html)
        rendered = _replace_markdown(run, markdown)
        files.replace(run.files.report_html, pages.html)
    return rendered._replace(earlier_html=html)


def pages_of(run: KnownRun) -> list[PageFile]:
    """Both pages, and whether they are what the data gives. Raises as `read_report`."""
    return compared(run, read_report(run))


def compared(run: KnownRun, report: Mapping[str, Any]) -> list[PageFile]:
    """The same for data that is known to be valid. Raises Missing, Unreadable."""
    run_files, pages = run.files, render_pages(run, report, now_of(events_of(run.files)))
    expected = own_pages.markdown_for(run, pages.markdown)
    same = report["okstra_version"] == __version__
    is_plan = run.id.task_type == PLANNING
    markdown = markdown_state(files.read_bytes(run.report_path), expected, is_plan=is_plan, same_version=same)
    html = html_state(files.read_bytes(run_files.report_html), pages.html, same_version=same)
    return [
        PageFile(own_pages.MARKDOWN, run.report_path, markdown),
        PageFile(own_pages.HTML, run_files.report_html, html),
    ]


def find_reports(project: ProjectFiles, *, task_key: str = "", task_type: str = "") -> list[FoundReport]:
    """The project's reports, the newest first. Raises UsageError (`bad-identity`)."""
    wanted = project.task(TaskKey.parse(task_key)).root if task_key else ""
    found = [_found(project, stem) for stem in _report_files(project, wanted)]
    kept = [one for one in found if not task_type or one.task_type == task_type]
    return sorted(kept, key=lambda one: (one.at, one.path), reverse=True)


def _replace_markdown(run: KnownRun, markdown: bytes) -> Rendered:
    """A plan is more than a page: people approve it, and stages are built from it. So its approval is kept, and stages
    that were changed are not changed back. What somebody wrote into a page is set aside."""
    path = run.report_path
    found = files.read_bytes(path)
    is_plan = run.id.task_type == PLANNING
    if markdown_state(found, markdown, is_plan=is_plan, same_version=True) is PageState.CURRENT:
        return Rendered("", kept=False)
    if is_plan and found is not None and _stages_of(path, found) != _stages_of(path, markdown):
        return Rendered("", kept=True)
    earlier = own_pages.keep_aside(run, own_pages.MARKDOWN, path, markdown)
    if is_plan and found is not None and is_approved(found.decode("utf-8", "replace")):
        markdown = approve(markdown.decode("utf-8")).encode("utf-8")
    files.replace(path, markdown)
    return Rendered(earlier, kept=False)


def _stages_of(path: str, text: bytes) -> str:
    """The digest of the plan's Stage Map; of none, empty."""
    from ..plan.rules import check_plan

    stage_map = check_plan(text.decode("utf-8", "replace")).stage_map
    return stage_map.digest if stage_map else ""


def _report_files(project: ProjectFiles, below: str) -> Iterator[str]:
    for folder, folders, names in os.walk(below or project.tasks_dir):
        folders.sort()
        if os.path.basename(folder) == "reports":
            reports = {name.removesuffix(".data.json").removesuffix(".md") for name in names if _is_report(name)}
            yield from (os.path.join(folder, name) for name in sorted(reports))


def _is_report(name: str) -> bool:
    return name.startswith("final-report-") and name.endswith((".data.json", ".md"))


def _found(project: ProjectFiles, stem: str) -> FoundReport:
    """What can't be read of it is left empty: it is a listing."""
    folder, name = os.path.split(stem)
    task_type, _, seq = name.removeprefix("final-report-").rpartition("-")
    run_files = RunFiles(os.path.dirname(folder), task_type, seq)
    manifest, data = files.read_json_or_empty(run_files.manifest), files.read_json_or_empty(run_files.report_data)
    run_id = str(data.get("run_id") or manifest.get("run_id") or "")
    key = str(data.get("task_key") or manifest.get("task_key") or _key_of(project, run_files))
    verdict = data.get("verdict")
    stage = data.get("stage", manifest.get("stage"))
    return FoundReport(
        task_key=key,
        task_type=task_type,
        stage=stage if isinstance(stage, int) else None,
        seq=seq,
        run_id=run_id,
        verdict=str(verdict.get("token", "")) if isinstance(verdict, Mapping) else "",
        outcome=str(manifest.get("outcome") or ""),
        at=str(manifest.get("ended_at") or manifest.get("prepared_at") or ""),
        path=run_files.report,
        html=run_files.report_html if os.path.exists(run_files.report_html) else "",
    )


def _key_of(project: ProjectFiles, run_files: RunFiles) -> str:
    """Of an adopted plan, which has no manifest: as its task's manifest says."""
    task = os.path.dirname(os.path.dirname(run_files.dir))
    return str(files.read_json_or_empty(os.path.join(task, "task-manifest.json")).get("task_key", ""))


class Pages(NamedTuple):
    """The bytes of both files."""

    markdown: bytes
    html: bytes


def render_pages(run: KnownRun, report: Mapping[str, Any], now: Now | None = None) -> Pages:
    """Raises Missing (`assets-missing`), Unreadable. What git can't show (any more) is left out of the HTML."""
    schema: Schema = loads(assets.text(*SCHEMA_FILE))
    labels = labels_of(str(report["language"]))
    fields = fields_of(schema, run.id.task_type)
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(run.id.task_type)
    markdown = render_markdown(report, fields, labels, now)
    view = View(
        report=report,
        fields=fields,
        words=Words(labels),
        tokens=phase.verdict_tokens,
        excerpts=_excerpts(run, report),
        dispatches=dispatches(events_of(run.files)),
        rounds=_rounds(run.files),
        digest=hashlib.sha256(files.json_bytes(report)).hexdigest(),
        style=assets.text("templates", "reports", "report.css"),
        script=assets.text("templates", "reports", "report.js"),
        now=now,
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


def _rounds(run_files: RunFiles) -> list[Mapping[str, Any]]:
    rounds = (files.read_json(run_files.convergence) or {}).get("rounds")
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
