"""Making a task of what a report proposes: its key, its brief, its records, and the links between the two tasks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import OkstraError, Refused, Unreadable
from ..names import TaskKey
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..runs.find import KnownRun
from ..system import files as fsio
from ..system.json_text import text_bytes
from ..system.jsonl import read_rows
from ..tasks.records import add_related, check_folder_is_free, link_back, new_manifest, read_manifest, timeline_row
from ..tasks.views import update_catalog, write_page
from .followup_rules import Proposal, background, quoted


class TaskOptions(NamedTuple):
    """The id and group that a person chose for the new task; empty: okstra chooses."""

    task_id: str = ""
    task_group: str = ""

    def fits(self, key: TaskKey) -> bool:
        return self.task_id in ("", key.task_id) and self.task_group in ("", key.task_group)


class NewTask(NamedTuple):
    """A proposal, and the key of the task that is made of it."""

    run: KnownRun
    report: Mapping[str, Any]
    proposal: Proposal
    key: TaskKey

    @property
    def next_step(self) -> str:
        return okstra_command("run", "--task-key", self.key, "--task-type", self.proposal.task_type)

    def brief(self) -> bytes:
        """The same for the same report: so a killed write is told from a person's file."""
        from ..tasks.brief import Brief, Section, format_brief, languages
        from .markdown import evidence_text

        known = languages()
        language = str(self.report.get("language", ""))
        language = language if language in known else next(iter(known))
        evidence = {one["id"]: [evidence_text(line) for line in one["evidence"]] for one in self.report["findings"]}
        page = os.path.relpath(self.run.report_path, self.run.project.root)
        one = self.proposal
        sections = (
            Section("request", "", 0, "\n".join(quoted(one.reason or one.title))),
            Section("background", "", 0, background(self.report, one, page=page, lines_of=evidence)),
        )
        brief = Brief(one.title, str(self.key), one.category, language, "", sections)
        return text_bytes(format_brief(brief, known[language]))

    def check_brief(self) -> None:
        """Raises Refused (`file-foreign`) when a brief that is another's stands in the new task's place."""
        path = self.run.project.task(self.key).brief
        found = fsio.read_bytes(path)
        if found is not None and found != self.brief():
            hint = "choose another --task-id, or move the file away"
            raise Refused("file-foreign", "there is a brief already; it was not touched", where=path, hint=hint)


def link_of(run: KnownRun, item: str) -> dict[str, str]:
    """What a task's manifest says of its origin."""
    return {"task_key": str(run.id.task), "run_id": str(run.id), "item": item}


def is_made(project: ProjectFiles, task_key: str) -> bool:
    """Whether the task has a manifest, be it a damaged one."""
    try:
        manifest = read_manifest(project.task(TaskKey.parse(task_key)))
    except Unreadable:
        return True
    except OkstraError:
        return False
    return manifest is not None and manifest["task_key"] == task_key


def available(project: ProjectFiles, key: TaskKey, link: Mapping[str, str], *, adopts: bool = False) -> None:
    """Raises Refused (`name-taken`) when the key, or its folder, is another task's. `adopts`: one without an origin
    will do, for the rows say that the task of this key is the proposal's."""
    manifest = check_folder_is_free(project, key)
    parent = manifest.get("parent") if manifest is not None else link
    if parent != link and not (adopts and parent is None):
        hint = "choose another id: --task-id ID"
        raise Refused("name-taken", f"there is a task {key} already", where=project.task(key).root, hint=hint)


def free_key(run: KnownRun, options: TaskOptions, link: Mapping[str, str]) -> TaskKey:
    """`<id of the proposing task>-<N>`: the first that nobody has. Raises UsageError (`bad-identity`) when too long."""
    origin = run.id.task
    number = 1
    while True:
        key = TaskKey.make(origin.project_id, options.task_group or origin.task_group, f"{origin.task_id}-{number}")
        if not os.path.lexists(run.project.task(key).root) or _is_of(run.project, key, link):
            return key
        number += 1


def finish(new: NewTask, at: str) -> bool:
    """Makes all that the task still lacks; whether there was no task before. Under the project's lock."""
    project, key = new.run.project, new.key
    task, link = project.task(key), link_of(new.run, new.proposal.id)
    manifest = read_manifest(task)
    created = manifest is None
    if manifest is None:
        fsio.make_folder(os.path.dirname(task.timeline))
        if not os.path.lexists(task.brief):
            fsio.replace(task.brief, new.brief())
        brief = os.path.relpath(task.brief, project.root)
        manifest = new_manifest(key, new.proposal.category, brief, at)
        manifest.update(title=new.proposal.title, next_step=new.next_step)
    before = dict(manifest)
    manifest.setdefault("parent", link)
    add_related(manifest, [link["task_key"]])
    if created or manifest != before:
        fsio.replace_json(task.manifest, manifest)
    append_once(task.timeline, "spawned", link["run_id"], at, f"from {link['item']} of {link['task_key']}")
    origin = project.task(new.run.id.task)
    append_once(origin.timeline, "spawned", link["run_id"], at, f"{link['item']} as {key}")
    write_page(project, key, manifest)
    update_catalog(project, manifest)
    link_back(project, manifest)
    return created


def append_once(path: str, event: str, run_id: str, at: str, note: str) -> None:
    """A row of a time line, unless it is there."""
    if not any(
        (row.get("event"), row.get("run_id"), row.get("note")) == (event, run_id, note) for row in read_rows(path).rows
    ):
        fsio.make_folder(os.path.dirname(path))
        fsio.append_line(path, timeline_row(event, run_id, at, note))


def _is_of(project: ProjectFiles, key: TaskKey, link: Mapping[str, str]) -> bool:
    try:
        manifest = read_manifest(project.task(key))
    except OkstraError:
        return False
    return manifest is not None and manifest["task_key"] == str(key) and manifest.get("parent") == link
