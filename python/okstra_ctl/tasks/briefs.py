"""`okstra brief`: a task's request as a file, in the task's place or elsewhere; what is missing in one."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..errors import Refused, UsageError
from ..names import TaskKey
from ..plan.model import Finding
from ..services import Services
from ..settings.project import open_project
from ..settings.project_config import LANGUAGES
from ..settings.setup import hide_runs
from ..status import Severity
from ..system import assets
from ..system import files as fsio
from ..system.json_text import loads, text_bytes
from ..system.locks import LockKind, locked
from ..system.secrets import hide
from .brief import Brief, Label, Labels, check_brief, format_brief, parse_brief
from .records import check_folder_is_free


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


def new(options: BriefOptions, start: str, services: Services) -> Made:
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
        fsio.make_parents(path)
        _write(path, text, mode=0o644)
    elif project is not None and key is not None:
        if key.project_id != project.config.project_id:
            told = f"{key} is no task of the project {project.config.project_id}"
            raise UsageError("bad-identity", told, where=project.files.config)
        check_folder_is_free(project.files, key)
        hide_runs(project.files)
        path = project.files.task(key).brief
        with locked(LockKind.INDEX, project.files.lock):
            fsio.make_folder(os.path.dirname(path))
            _write(path, text, mode=fsio.FILE_MODE)
    written = parse_brief(text, known)
    return Made(path, text, written, tuple(check_brief(written, labels)), tuple(sorted(hidden)))


def _write(path: str, text: str, *, mode: int) -> None:
    if os.path.lexists(path):
        hint = "edit it, or move it away"
        raise Refused("file-foreign", "there is a file already; it was not touched", where=path, hint=hint)
    fsio.replace(path, text_bytes(text), mode=mode)


def read(named: str, start: str, services: Services) -> Read:
    """The brief of that path, or of the task of that key. Raises UsageError (`not-found`), Unreadable."""
    path = named if os.path.lexists(named) else _path_of_task(named, start, services)
    data = fsio.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no brief {path}", where=named, hint="okstra brief new makes one")
    text = data.decode("utf-8", "replace")
    known = languages()
    brief = parse_brief(text, known)
    labels = known.get(brief.language, known[LANGUAGES[0]])
    return Read(path, text, brief, tuple(sorted([*check_brief(brief, labels), *_secrets(text)], key=lambda f: f.line)))


def _path_of_task(named: str, start: str, services: Services) -> str:
    if named.count(":") < 2 or os.sep in named.partition(":")[0]:
        raise UsageError("not-found", f"there is no brief {named}", hint="name a file, or a task by its key")
    key = TaskKey.parse(named)
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
