"""A task's brief, a markdown file with the sections that the phases need: parsed, written, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

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
from ..plan.model import Finding
from ..status import Severity

# In the order of the file. What is needed for all briefs, what for a fault, what is worth a warning.
SECTIONS = ("request", "background", "reproduction", "requirements", "area", "done", "questions")
_NEEDED = ("request", "requirements", "done")
_WANTED = ("area",)
_FAULT, _IS_FAULT = "reproduction", "bugfix"
_FIELD = re.compile(r"([a-z][a-z-]*):[ \t]*(.*?)[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\S")


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


def parse_brief(text: str, languages: Mapping[str, Labels]) -> Brief:
    """Reads a brief whose sections are titled in any of the languages; any text will do."""
    block = find_frontmatter(text)
    lines = split_lines(text.removeprefix(BOM))
    head = lines[: block.line_count] if block else []
    fields = {found[1]: found[2] for line in head if (found := _FIELD.match(line))}
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
        told = f"`## {label.title}` {state}: {label.hint}"
        if key in needed:
            found.append(_error(rule, line, told))
        elif key in _WANTED:
            found.append(Finding(rule, str(Severity.WARNING), line, told))
    return sorted(found + _unlisted(brief), key=lambda finding: finding.line)


def _unlisted(brief: Brief) -> list[Finding]:
    """A warning when the requirements are not a list: verification checks them one by one."""
    section = brief.section("requirements")
    if section is None or section.empty or any(_ITEM.match(line) for line in section.text.split("\n")):
        return []
    told = f"`## {section.title}` is no list: write one requirement a line, as `- …`"
    return [Finding("requirements-unlisted", str(Severity.WARNING), section.line, told)]


def _error(rule: str, line: int, message: str) -> Finding:
    return Finding(rule, str(Severity.ERROR), line, message)
