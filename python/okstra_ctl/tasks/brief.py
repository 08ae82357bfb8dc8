"""A task's brief, a markdown file with the sections that the phases need: parsed, written, checked; in the task's place
or elsewhere (`okstra brief`)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import Refused, UsageError
from ..markdown import (
    BOM,
    Heading,
    find_frontmatter,
    folded,
    is_empty_cell,
    read_markdown,
    split_lines,
    without_comments,
)
from ..names import TaskKey
from ..plan.model import Finding
from ..services import Services
from ..settings.project import LANGUAGES, hide_runs, open_project
from ..status import Severity
from ..system import assets, files
from ..system.locks import LockKind, locked
from ..system.secrets import hide
from ..system.text import loads, text_bytes
from .named import task_named
from .records import check_folder_is_free

# In the order of the file. What is needed for all briefs, what for a fault, what is worth a warning.
SECTIONS = ("request", "background", "reproduction", "requirements", "area", "done", "questions")
_NEEDED = ("request", "requirements", "done")
_WANTED = ("area",)
_FAULT, _IS_FAULT = "reproduction", "bugfix"
NO_BRIEF = "(no brief was given)"
_MOST_REQUEST = 1000
FIELD_LINE = re.compile(r"([a-z][a-z-]*):[ \t]*(.*?)[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\S")


def new_brief(options: BriefOptions, start: str, services: Services) -> Made:
    """Raises UsageError (`input-missing`, `bad-identity`), Refused (`file-foreign`, `name-taken`), Missing."""
    known = languages()
    clean, hidden = hide(options.text)
    given = parse_brief(clean, known)
    key = TaskKey.parse(options.task_key) if options.task_key else None
    project = open_project(start, services) if key else None
    title = " ".join((options.title or given.title).split())
    if not title or not title.isprintable():
        raise UsageError("input-missing", "the brief has no title", hint="--title TEXT, or a heading `# …` in the text")
    brief = given._replace(
        title=hide(title)[0],
        task_key=options.task_key or given.task_key,
        category=options.category or given.category,
        language=options.language or given.language or (project.config.report_language if project else LANGUAGES[0]),
    )
    labels = known.get(brief.language, known[LANGUAGES[0]])
    text = format_brief(brief, labels)
    path = os.path.abspath(options.output) if options.output else ""
    if path:
        files.make_parents(path)
        _write(path, text, mode=0o644)
    elif project is not None and key is not None:
        if key.project_id != project.config.project_id:
            message = f"{key} is no task of the project {project.config.project_id}"
            raise UsageError("bad-identity", message, where=project.files.config)
        check_folder_is_free(project.files, key)
        hide_runs(project.files)
        path = project.files.task(key).brief
        with locked(LockKind.INDEX, project.files.lock):
            files.make_folder(os.path.dirname(path))
            _write(path, text, mode=files.FILE_MODE)
    written = parse_brief(text, known)
    return Made(path, text, written, tuple(check_brief(written, labels)), tuple(sorted(hidden)))


def read_brief(named: str, start: str, services: Services) -> Read:
    """The brief of that path, or of the task of that key. Raises UsageError (`not-found`), Unreadable."""
    path = named if os.path.lexists(named) else _path_of_task(named, start, services)
    data = files.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no brief {path}", where=named, hint="okstra brief new makes one")
    text = data.decode("utf-8", "replace")
    known = languages()
    brief = parse_brief(text, known)
    labels = known.get(brief.language, known[LANGUAGES[0]])
    return Read(path, text, brief, tuple(sorted([*check_brief(brief, labels), *_secrets(text)], key=lambda f: f.line)))


class Label(NamedTuple):
    """A section's title in a language, and what belongs there."""

    title: str
    hint: str


Labels = Mapping[str, Label]


class Section(NamedTuple):
    """`key` is empty for a section of the writer's own; `line` is that of its heading, counted from 1."""

    key: str
    title: str
    line: int
    text: str

    @property
    def empty(self) -> bool:
        text = without_comments(self.text).strip()
        return not text or is_empty_cell(text)


class Brief(NamedTuple):
    """A brief as read. `opening` is what stands before the first section, but for the title."""

    title: str
    task_key: str
    category: str
    language: str
    opening: str
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section | None:
        return next((section for section in self.sections if section.key == key), None)


def asks_for_something(text: str) -> bool:
    """Whether the text has any words, even only a title, besides frontmatter, comments, rules and bare marks."""
    block = find_frontmatter(text)
    lines = split_lines(text.removeprefix(BOM))[block.line_count if block else 0 :]
    return any(sign.isalnum() for sign in without_comments("\n".join(lines)))


def request_in(text: str) -> str:
    """What a brief asks for, in its writer's words, for a page: its section, else what stands before the first one,
    else its title; shortened where it is long."""
    brief = parse_brief(text, languages())
    section = brief.section("request")
    found = section.text if section is not None and not section.empty else without_comments(brief.opening)
    found = (found.strip() or brief.title).strip()
    if not asks_for_something(text) or found == NO_BRIEF:
        return ""
    return found if len(found) <= _MOST_REQUEST else f"{found[: _MOST_REQUEST - 1]}…"


def parse_brief(text: str, languages: Mapping[str, Labels]) -> Brief:
    """Reads a brief whose sections are titled in any of the languages; any text will do."""
    block = find_frontmatter(text)
    lines = split_lines(text.removeprefix(BOM))
    head = lines[: block.line_count] if block else []
    fields = {found[1]: found[2] for line in head if (found := FIELD_LINE.match(line))}
    headings = [one for one in read_markdown(text).headings if one.level <= 2]
    title = next((one for one in headings if one.level == 1), None)
    parts = [one for one in headings if one is not title]
    titles = {folded(label.title): key for labels in languages.values() for key, label in labels.items()}
    sections = tuple(
        Section(titles.get(folded(one.text), ""), one.text, one.line + 1, _text_of(lines, headings, one))
        for one in parts
    )
    return Brief(
        title.text if title else fields.get("title", ""),
        fields.get("task-key", ""),
        fields.get("category", ""),
        fields.get("language", "") or _language(sections, languages),
        _opening(lines, len(head), title, parts),
        sections,
    )


def _text_of(lines: list[str], headings: list[Heading], heading: Heading) -> str:
    following = [one.line for one in headings if one.line > heading.line]
    body = lines[heading.line + 1 : following[0] if following else len(lines)]
    if body and re.fullmatch(r" {0,3}(?:=+|-+)[ \t]*", body[0]):  # the underline of a heading that has one
        body = body[1:]
    return "\n".join(body).strip("\n")


def _opening(lines: list[str], start: int, title: Heading | None, parts: list[Heading]) -> str:
    end = parts[0].line if parts else len(lines)
    if title is None or title.line >= end:
        return "\n".join(lines[start:end]).strip("\n")
    before = lines[start : title.line]
    after = lines[title.line + 1 : end]
    if after and re.fullmatch(r" {0,3}=+[ \t]*", after[0]):
        after = after[1:]
    return "\n".join([*before, *after]).strip("\n")


def _language(sections: tuple[Section, ...], languages: Mapping[str, Labels]) -> str:
    titles = {folded(section.title) for section in sections}
    counts = {name: sum(folded(one.title) in titles for one in labels.values()) for name, labels in languages.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def format_brief(brief: Brief, labels: Labels) -> str:
    """The whole file: every section in its order, what is still empty with a hint, then the writer's own sections.

    A text without a request is the request.
    """
    request = brief.section("request")
    lines = ["---"]
    facts = (("task-key", brief.task_key), ("category", brief.category), ("language", brief.language))
    lines += [f"{name}: {value}" for name, value in facts if value]
    lines += ["---", "", f"# {brief.title}", ""]
    if request is not None and not request.empty and brief.opening:
        lines += [brief.opening, ""]
    for key in SECTIONS:
        text = "\n\n".join(one.text for one in brief.sections if one.key == key and not one.empty)
        if key == "request":
            text = text or brief.opening
        lines += [f"## {labels[key].title}", "", text or f"<!-- {labels[key].hint} -->", ""]
    for own in brief.sections:
        if not own.key:
            lines += [f"## {own.title}", "", *([own.text, ""] if own.text else [])]
    return "\n".join(lines)


def check_brief(brief: Brief, labels: Labels) -> list[Finding]:
    """What is missing, by line; a missing section is reported at line 1."""
    found = [] if brief.title else [_error("title-missing", 1, "the brief has no title: a heading `# …`")]
    needed = (*_NEEDED, _FAULT) if brief.category == _IS_FAULT else _NEEDED
    for key in SECTIONS:
        section, label = brief.section(key), labels[key]
        if section is not None and not section.empty:
            continue
        rule = "section-missing" if section is None else "section-empty"
        line, state = (section.line, "is empty") if section else (1, "is missing")
        message = f"`## {label.title}` {state}: {label.hint}"
        if key in needed:
            found.append(_error(rule, line, message))
        elif key in _WANTED:
            found.append(Finding(rule, str(Severity.WARNING), line, message))
    return sorted(found + _unlisted(brief), key=lambda finding: finding.line)


def _unlisted(brief: Brief) -> list[Finding]:
    """A warning when the requirements are not a list: verification checks them one by one."""
    section = brief.section("requirements")
    if section is None or section.empty or any(_ITEM.match(line) for line in section.text.split("\n")):
        return []
    message = f"`## {section.title}` is no list: write one requirement a line, as `- …`"
    return [Finding("requirements-unlisted", str(Severity.WARNING), section.line, message)]


def _error(rule: str, line: int, message: str) -> Finding:
    return Finding(rule, str(Severity.ERROR), line, message)


class BriefOptions(NamedTuple):
    """What a new brief is made from; empty: not given. Without `task_key` and `output` nothing is written."""

    title: str
    text: str
    category: str
    language: str
    task_key: str
    output: str


class Made(NamedTuple):
    """A new brief; `path` is empty when it was not written. `hidden` are the kinds of secrets taken out."""

    path: str
    text: str
    brief: Brief
    findings: tuple[Finding, ...]
    hidden: tuple[str, ...]


class Read(NamedTuple):
    path: str
    text: str
    brief: Brief
    findings: tuple[Finding, ...]


def languages() -> dict[str, Labels]:
    """Section labels by language. Raises Missing (`assets-missing`)."""
    return {
        name: {key: Label(**one) for key, one in loads(assets.text("templates", "briefs", f"{name}.json")).items()}
        for name in LANGUAGES
    }


def _write(path: str, text: str, *, mode: int) -> None:
    if os.path.lexists(path):
        hint = "edit it, or move it away"
        raise Refused("file-foreign", "there is a file already; it was not touched", where=path, hint=hint)
    files.replace(path, text_bytes(text), mode=mode)


def _path_of_task(named: str, start: str, services: Services) -> str:
    key = TaskKey.parse(named) if named.count(":") >= 2 and os.sep not in named.partition(":")[0] else None
    if key is None:
        try:
            key = task_named(named, start, services)
        except UsageError as error:
            if error.code == "task-ambiguous":
                raise
            hint = "name a file, or a task by its key"
            raise UsageError("not-found", f"there is no brief {named}", hint=hint) from error
    project = open_project(start, services)
    manifest = check_folder_is_free(project.files, key) or {}
    recorded = str(manifest.get("brief", ""))
    return os.path.join(project.root, recorded) if recorded else project.files.task(key).brief


def _secrets(text: str) -> list[Finding]:
    if not hide(text)[1]:
        return []
    return [
        Finding(
            "secret", str(Severity.ERROR), number, f"it holds a secret ({kind}): prompts get it hidden; take it out"
        )
        for number, line in enumerate(text.split("\n"), 1)
        for kind in hide(line)[1]
    ]
