"""Tasks that reports propose: listed, made into tasks, or dismissed (`history/follow-ups.jsonl`).

The row is the commit point of making one: it says which key the task has. What follows (brief, manifest, links,
time lines, page, catalog) is derived, and made whole by the same command given again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import OkstraError, Refused, Unreadable, UsageError
from ..names import RunId, TaskKey
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..runs.find import KnownRun
from ..services import Services
from ..settings.project import hide_runs
from ..system import files
from ..system.jsonl import read_rows
from ..system.locks import LockKind, locked
from ..system.text import encode_line, text_bytes
from ..tasks.records import add_related, check_folder_is_free, link_back, new_manifest, read_manifest, timeline_row
from ..tasks.views import update_catalog, write_page
from .followup_rules import (
    DISMISSED,
    OPEN,
    SPAWNED,
    Decision,
    Proposal,
    background,
    decisions,
    proposals_of,
    quoted,
    row_of,
    spawn_command,
)


class Listed(NamedTuple):
    """A proposal and where it stands. `next` is a command to paste; empty when there is nothing to do."""

    run_id: str
    item: str
    kind: str
    title: str
    task_type: str
    reason: str
    state: str
    task_key: str
    note: str
    at: str
    next: str


class Spawned(NamedTuple):
    run_id: str
    item: str
    task_key: str
    title: str
    brief: str
    created: bool
    next: str


def list_proposals(project: ProjectFiles, *, task_key: str = "") -> tuple[list[Listed], list[str]]:
    """The proposals of the project's reports, or of one task's, oldest first; and the files that can't be read.

    Raises UsageError (`bad-identity`).
    """
    from .store import find_reports

    listed: list[Listed] = []
    unread: list[str] = []
    for found in reversed(find_reports(project, task_key=task_key)):
        path = f"{found.path.removesuffix('.md')}.data.json"
        try:
            report = files.read_json(path)
            if report is not None:
                listed += _listed(project, report)
        except OkstraError as error:
            unread.append(error.where or path)
    return listed, list(dict.fromkeys(unread))


def list_of_run(run: KnownRun) -> list[Listed]:
    """Of one run's report. Raises UsageError (`not-found`), CheckFailed (`report-invalid`), Unreadable."""
    return _listed(run.project, _report_of(run))


def spawn(run: KnownRun, items: Sequence[str], options: TaskOptions, services: Services) -> list[Spawned]:
    """Makes tasks of these proposals; of all that are not dismissed when none is named. Starts no run.

    Raises UsageError (`not-found`, `bad-identity`), Refused (`name-taken`, `file-foreign`, `follow-up-spawned`),
    CheckFailed (`report-invalid`), Unreadable.
    """
    report = _report_of(run)
    proposals = {one.id: one for one in proposals_of(report)}
    known = _decisions_of(run)
    names = items or [name for name in proposals if _state(known.get((str(run.id), name))) != DISMISSED]
    hide_runs(run.project)
    return [_spawn(run, report, _named(proposals, name, run), options, services) for name in names]


def dismiss(run: KnownRun, item: str, reason: str, services: Services) -> Proposal:
    """Records that nobody will do it. Raises as `spawn`, and Refused (`follow-up-spawned`) for one that is a task."""
    proposal = _named({one.id: one for one in proposals_of(_report_of(run))}, item, run)
    task, reason = run.project.task(run.id.task), " ".join(reason.split())
    with locked(LockKind.INDEX, run.project.lock):
        decided = _decisions_of(run).get((str(run.id), item))
        if decided and decided.state == SPAWNED and is_made(run.project, decided.task_key):
            raise _spawned_already(item, decided.task_key)
        at = services.clock.now()
        if decided is None or (decided.state, decided.reason) != (DISMISSED, reason):
            files.make_folder(os.path.dirname(task.follow_ups))
            files.append_line(task.follow_ups, encode_line(row_of(proposal, DISMISSED, at, reason=reason)))
        append_once(task.timeline, "dismissed", str(run.id), at, f"{item}: {reason}")
    return proposal


def _spawn(
    run: KnownRun, report: Mapping[str, object], proposal: Proposal, options: TaskOptions, services: Services
) -> Spawned:
    project, link = run.project, link_of(run, proposal.id)
    with locked(LockKind.INDEX, project.lock):
        decided = _decisions_of(run).get((str(run.id), proposal.id))
        key = _key_for(run, decided, options, link)
        new = NewTask(run, report, proposal, key)
        if decided is None or decided.state != SPAWNED or decided.task_key != str(key):
            new.check_brief()
            path = project.task(run.id.task).follow_ups
            files.make_folder(os.path.dirname(path))
            row = row_of(proposal, SPAWNED, services.clock.now(), task_key=str(key))
            files.append_line(path, encode_line(row))
        created = finish(new, services.clock.now())
    brief = project.task(key).brief
    return Spawned(str(run.id), proposal.id, str(key), proposal.title, brief, created, new.next_step)


def _key_for(run: KnownRun, decided: Decision | None, options: TaskOptions, link: Mapping[str, str]) -> TaskKey:
    """The key that the task has, or gets. Raises Refused (`name-taken`, `follow-up-spawned`)."""
    if decided is not None and decided.state == SPAWNED:
        known = TaskKey.parse(decided.task_key)
        if options.fits(known):
            available(run.project, known, link, adopts=True)
            return known
        if is_made(run.project, decided.task_key):
            raise _spawned_already(link["item"], decided.task_key)
    if not options.task_id:
        return free_key(run, options, link)
    key = TaskKey.make(run.id.task.project_id, options.task_group or run.id.task.task_group, options.task_id)
    available(run.project, key, link)
    return key


def _spawned_already(item: str, task_key: str) -> Refused:
    return Refused(
        "follow-up-spawned",
        f"{item} is the task {task_key} already",
        hint=okstra_command("status", "--task-key", task_key),
    )


def _listed(project: ProjectFiles, report: Mapping[str, object]) -> list[Listed]:
    proposals = proposals_of(report)
    if not proposals:
        return []
    task = project.task(RunId.parse(proposals[0].run_id).task)
    known = decisions(read_rows(task.follow_ups).rows)
    return [_row(project, one, known.get((one.run_id, one.id))) for one in proposals]


def _row(project: ProjectFiles, one: Proposal, decided: Decision | None) -> Listed:
    state, task_key = _state(decided), decided.task_key if decided else ""
    following = ""
    if state == SPAWNED and is_made(project, task_key):
        begun = os.path.isdir(os.path.join(project.task(TaskKey.parse(task_key)).root, "runs"))
        following = "" if begun else okstra_command("run", "--task-key", task_key, "--task-type", one.task_type)
    elif state != DISMISSED:
        following = spawn_command(one.run_id, one.id)
    note, at = (decided.reason, decided.at) if decided else ("", "")
    return Listed(
        one.run_id, one.id, one.kind, one.title, one.task_type, one.reason, state, task_key, note, at, following
    )


def _report_of(run: KnownRun) -> dict[str, Any]:
    """The run's report; by its place, whatever run it names."""
    from .store import read_report

    return {**read_report(run), "run_id": str(run.id)}


def _state(decided: Decision | None) -> str:
    return decided.state if decided else OPEN


def _decisions_of(run: KnownRun) -> dict[tuple[str, str], Decision]:
    return decisions(read_rows(run.project.task(run.id.task).follow_ups).rows)


def _named(proposals: Mapping[str, Proposal], item: str, run: KnownRun) -> Proposal:
    if item not in proposals:
        known = ", ".join(proposals) or "it proposes none"
        hint = okstra_command("followups", "list", run.id)
        raise UsageError("not-found", f"the report has no task {item!r}: {known}", where=str(run.id), hint=hint)
    return proposals[item]


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
        found = files.read_bytes(path)
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
        files.make_folder(os.path.dirname(task.timeline))
        if not os.path.lexists(task.brief):
            files.replace(task.brief, new.brief())
        brief = os.path.relpath(task.brief, project.root)
        manifest = new_manifest(key, new.proposal.category, brief, at)
        manifest.update(title=new.proposal.title, next_step=new.next_step)
    before = dict(manifest)
    manifest.setdefault("parent", link)
    add_related(manifest, [link["task_key"]])
    if created or manifest != before:
        files.replace_json(task.manifest, manifest)
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
        files.make_folder(os.path.dirname(path))
        files.append_line(path, timeline_row(event, run_id, at, note))


def _is_of(project: ProjectFiles, key: TaskKey, link: Mapping[str, str]) -> bool:
    try:
        manifest = read_manifest(project.task(key))
    except OkstraError:
        return False
    return manifest is not None and manifest["task_key"] == str(key) and manifest.get("parent") == link
