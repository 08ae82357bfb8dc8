"""The board as one page: a file by itself, without JavaScript, with the report's words, colours and stage graph."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter

from ...words.records import Record
from ...words.statuses import StageStatus
from ..durations import seconds_between
from ..report.amounts import cost_text
from ..report.html import pieces
from ..report.html.markup import Markup, joined, tag, verbatim
from ..report.html.stage_graph import Box, picture
from ..report.html.verdict import duration
from ..report.html.view import Words
from ..tones import tone_of
from .records import RUNNING, Board, EndedRun, ProjectView, RunView, TaskView, WorkerView


class PageView(Record):
    """`style` is okstra's own; `every` is after how many seconds the page loads itself again, 0 for never."""

    board: Board
    words: Words
    language: str
    style: str
    version: str
    every: int = 0


def render_page(view: PageView) -> str:
    """The page as text. The same view gives the same page, byte by byte."""
    words, board = view.words, view.board
    policy = f"default-src 'none'; style-src '{_hash(view.style)}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", http_equiv="refresh", content=str(view.every)) if view.every else None,
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"okstra {view.version}"),
        tag("title", f"{words('board')}: {len(board.runs)} {words('in_work')}"),
        verbatim(view.style, "style"),
    )
    sections = [_project(number, project, view) for number, project in enumerate(board.projects, 1)]
    main = tag(
        "main",
        sections or tag("section", tag("p", words("nothing"))),
        tag("p", f"{words('more_runs')} {board.more}", class_="muted") if board.more else None,
        _lately(view),
        id="main",
        class_="board",
    )
    body = tag("body", _header(view), main, _footer(view))
    return f"<!doctype html>\n{tag('html', head, body, lang=view.language)}\n"


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _header(view: PageView) -> Markup:
    words, board = view.words, view.board
    counts = Counter(run.status for run in board.runs)
    told = ([_badge(status, words), f" {count} "] for status, count in counts.items())
    unread = (
        tag("p", words("unread"), " ", [[pieces.code(name), " "] for name in board.unread], class_="notice warn")
        if board.unread
        else None
    )
    return tag(
        "header",
        tag("p", "okstra", class_="eyebrow"),
        tag("h1", words("board")),
        pieces.facts([(words("as_of"), tag("time", board.at, datetime=board.at))], class_="facts identity"),
        tag("p", told, class_="counts") if counts else None,
        unread,
    )


def _footer(view: PageView) -> Markup:
    every = tag("p", f"{view.words('refreshes')} {view.every}") if view.every else None
    return tag("footer", every, tag("p", f"okstra {view.version} \u00b7 ", pieces.code("okstra board")))


def _project(number: int, project: ProjectView, view: PageView) -> Markup:
    tasks = (_task(f"task-{number}-{place}", task, view) for place, task in enumerate(project.tasks, 1))
    title = f"{view.words('project')} {project.project_id}"
    return pieces.section(f"project-{number}", title, tag("p", pieces.code(project.root)), tasks)


def _task(name: str, task: TaskView, view: PageView) -> Markup:
    runs = (_run(f"{name}-run-{place}", run, view) for place, run in enumerate(task.runs, 1))
    heading = tag("h3", task.task_key, id=f"{name}-title", dir="auto")
    return tag("article", heading, _stages(task, view.words), runs, class_="task", aria_labelledby=f"{name}-title")


def _stages(task: TaskView, words: Words) -> Markup | None:
    """The picture; the same as a table, for whoever can't see it."""
    if not task.stages:
        return None
    needs = {stage.number: stage.depends_on for stage in task.stages}
    boxes = {
        stage.number: Box(stage.title, None, words.token(stage.status), tone_of(stage.status)) for stage in task.stages
    }
    drawn = picture(needs, boxes, words)
    done = sum(stage.status == StageStatus.DONE for stage in task.stages)
    header = [words("stage"), words("column_title"), words("depends_on"), words("state")]
    rows = [
        [
            stage.number,
            stage.title,
            ", ".join(map(str, stage.depends_on)) or words("none"),
            _badge(stage.status, words),
        ]
        for stage in task.stages
    ]
    whole = pieces.table(header, rows, label=words("stage_map"))
    told = tag("p", f"{done}/{len(task.stages)} {words('stages_done')}", class_="muted small")
    folded = pieces.disclosure(words("as_table"), whole, open_=drawn is None)
    return tag("div", told, drawn, folded, class_="graph")


def _run(name: str, run: RunView, view: PageView) -> Markup:
    words = view.words
    stage = f" \u00b7 {words('stage')} {run.stage}" if run.stage is not None else ""
    heading = tag("h4", _badge(run.status, words), f" {words.phase(run.task_type)}{stage}", id=f"{name}-title")
    facts: list[tuple[object, object]] = [(words("run"), pieces.code(run.run_id))]
    age = _age(run.since, view.board.at)
    facts += [(words("since"), age)] if age else []
    if run.rehearsal:
        facts.append((words("cost"), words("rehearsal_run")))
    elif run.spent is not None:
        facts.append((words("cost"), cost_text(run.spent.to_json(), words.labels)))
    step = tag("div", tag("code", run.next), class_="command") if run.next else None
    return tag(
        "section",
        heading,
        pieces.facts(facts),
        _workers(run, view) if run.workers else None,
        step,
        class_="run",
        aria_labelledby=f"{name}-title",
    )


def _workers(run: RunView, view: PageView) -> Markup:
    words = view.words
    names = ("worker", "role", "model", "state", "asked_for", "time_taken", "last_line")
    rows = [_worker(worker, view) for worker in run.workers]
    return pieces.table([words(name) for name in names], rows, label=words("execution"))


def _worker(worker: WorkerView, view: PageView) -> list[object]:
    words = view.words
    asked = worker.label or words("own_result") if worker.attempt else ""
    again = f" #{worker.attempt}" if worker.attempt > 1 else ""
    took = _age(worker.since, view.board.at) if worker.state == RUNNING else ""
    if worker.seconds is not None:
        took = duration(worker.seconds)
    answer = [" ", pieces.badge(worker.answer, words)] if worker.answer else None
    return [
        tag("b", worker.worker),
        words.token(worker.role),
        worker.model,
        joined([_badge(worker.state, words), answer]),
        f"{asked}{again}",
        took,
        tag("div", pieces.code(worker.last_line), class_="last", dir="auto") if worker.last_line else None,
    ]


def _lately(view: PageView) -> Markup | None:
    if not view.board.lately:
        return None
    words = view.words
    rows = [_ended(run, view) for run in view.board.lately]
    header = [words("run"), words("state"), words("ended_before"), words("next_step")]
    return pieces.section("lately", words("lately"), pieces.table(header, rows, label=words("lately")))


def _ended(run: EndedRun, view: PageView) -> list[object]:
    step = pieces.code(run.next) if run.next else None
    return [pieces.code(run.run_id), _badge(run.status, view.words), _age(run.at, view.board.at), step]


def _badge(word: str, words: Words) -> Markup:
    return pieces.badge(word, words, tone=tone_of(word))


def _age(since: str, now: str) -> str:
    seconds = seconds_between(since, now)
    return "" if seconds is None else duration(seconds)
