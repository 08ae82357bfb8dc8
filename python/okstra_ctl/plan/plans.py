"""Reads and checks plans, and finds a task's newest.

The Stage Map of an approved plan is cached in okstra's home, so that later commands need no markdown parser. It is used
only while the plan's text is the same, and is stored with that text: comparing texts costs less than a digest, whose
library takes milliseconds to load.

An approval (who, when and from where) is of a plan's Stage Map, named by its digest: prose may change afterwards,
stages may not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..errors import CheckFailed, Unreadable, UsageError
from ..home_paths import HomePaths
from ..names import PLANNING, number_in, slugify_task_segment
from ..paths import OKSTRA_DIR, ProjectFiles, TaskFiles
from ..quoting import okstra_command
from ..services import Services
from ..settings.project import load_project
from ..status import Severity, Word
from ..system import files
from ..system.jsonl import read_rows
from .model import Finding, StageMap, stage_map_from_json, stage_map_to_json

VERSION = 1

CACHE_SCHEMA = "stage-map/1"
_HEAD = 4096
BESIDE = "beside"
"""In the front matter of okstra's own plan: the name of a person's plan, which it could not replace."""
_PLAN_PREFIX, _PLAN_SUFFIX = f"final-report-{PLANNING}-", ".md"


class CheckedPlan(NamedTuple):
    """A plan and what its check found. `stage_map` is None when S1 to S11, or S13, found an error.

    `approved`: the plan's frontmatter says so. `approval`: the plan's last recorded approval, if any.
    """

    path: str
    stage_map: StageMap | None
    findings: tuple[Finding, ...]
    approved: bool
    approval: Approval | None = None

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == Severity.ERROR]

    @property
    def may_run(self) -> bool:
        """It breaks no rule, and its stages are those that were approved."""
        if self.approval is None or self.stage_map is None:
            return False
        return self.approved and self.approval.digest == self.stage_map.digest


def read_text(path: str) -> str:
    """Raises UsageError (`not-found`), Unreadable (`plan-unreadable`)."""
    try:
        data = files.read_bytes(path)
    except Unreadable as error:
        raise Unreadable("plan-unreadable", error.message, where=path) from error
    if data is None:
        raise UsageError("not-found", f"there is no plan {path}", where=path)
    try:
        return data.decode("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(
            "plan-unreadable", f"it is not UTF-8 text (byte {error.start})", where=path, hint="save it as UTF-8"
        ) from error


def check(path: str) -> CheckedPlan:
    """Checks the plan with the markdown parser, without looking at recorded approvals."""
    return check_text(path, read_text(path))


def check_text(path: str, text: str) -> CheckedPlan:
    from .rules import check_plan

    checked = check_plan(text)
    return CheckedPlan(path, checked.stage_map, checked.findings, checked.approved)


def approved_stages(path: str) -> StageMap | None:
    """The stages of an approved text; None when the text is no longer one."""
    from .rules import approved_stages

    return approved_stages(read_text(path))


def load(path: str, services: Services) -> CheckedPlan:
    """The cached check if the plan's text is the same, or else a new one; with the plan's last approval."""
    text, place = read_text(path), place_of(path, services)
    approval = newest_approval(services.home, place) if place else None
    known = (
        _remembered(services.home.approved_map(place.project, approval.digest), text) if place and approval else None
    )
    return (known or check_text(path, text))._replace(path=path, approval=approval)


def place_of(path: str, services: Services) -> PlanPlace | None:
    """Which plan that file is; None for a file in no task's planning folder. Raises as `load_project`."""
    folders = os.path.dirname(os.path.realpath(path)).split(os.sep)
    if len(folders) < 8 or folders[-3:] != ["runs", PLANNING, "reports"] or folders[-7:-5] != [OKSTRA_DIR, "tasks"]:
        return None
    paths = ProjectFiles(os.sep.join(folders[:-7]))
    if not os.path.isfile(paths.config):
        return None
    project_id = load_project(paths.root, services).config.project_id
    return PlanPlace(slugify_task_segment(project_id), "/".join(folders[-5:-3]), os.path.basename(path))


def task_files(path: str) -> TaskFiles:
    """The task in whose planning folder the plan stands."""
    return TaskFiles(os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(path)), "..", "..", "..")))


def project_root_of(path: str) -> str:
    """The root of the project in whose tasks' folders the plan stands."""
    return os.path.realpath(os.path.join(task_files(path).root, "..", "..", "..", ".."))


def newest_approval(home: HomePaths, place: PlanPlace) -> Approval | None:
    """Raises Unreadable (`state-unreadable`)."""
    return newest_of(approvals_of(home, place.project), place)


def approvals_of(home: HomePaths, project: str) -> list[Approval]:
    """Every approval of the project's plans, oldest first.

    Raises Unreadable (`state-unreadable`), also when a newer okstra wrote some: those could be what counts."""
    path = home.approvals(project)
    rows = read_rows(path).rows
    newer = sum(map(is_newer, rows))
    if newer:
        raise Unreadable(
            "state-unreadable",
            f"{newer} row(s) of the approvals were written by a newer okstra",
            where=path,
            hint="use the okstra version that wrote them, or a newer one",
        )
    return approvals_in(rows)


def invalid(plan: CheckedPlan) -> CheckFailed:
    """The refusal of a plan that breaks rules, with every finding in it."""
    shown = "; ".join(f"{finding.rule} line {finding.line}: {finding.message}" for finding in plan.errors[:3])
    more = f"; and {len(plan.errors) - 3} more" if len(plan.errors) > 3 else ""
    return CheckFailed(
        "plan-invalid",
        f"the plan breaks {len(plan.errors)} rule(s): {shown}{more}",
        where=plan.path,
        hint=okstra_command("plan", "check", plan.path),
        data={"findings": [finding._asdict() for finding in plan.findings]},
    )


def latest(task: TaskFiles) -> str | None:
    """The task's newest plan; None when it has none. One that okstra had to put beside a person's counts once it is
    approved."""
    return next((path for path in newest_first(task) if not _is_aside(path)), None)


def _is_aside(path: str) -> bool:
    try:
        head, _, _ = (files.read_bytes(path) or b"")[:_HEAD].partition(b"\n---")
    except Unreadable:
        return False
    return f"\n{BESIDE}: ".encode() in head and b"\napproved: false" in head


def newest_first(task: TaskFiles) -> list[str]:
    """The task's plans."""
    try:
        names = os.listdir(task.plans_dir)
    except OSError:
        return []
    found = sorted(((int(seq), name) for name in names if (seq := _seq_in(name))), reverse=True)
    return [os.path.join(task.plans_dir, name) for _, name in found]


def _seq_in(name: str) -> str:
    """The run's number in the name of a plan; empty for another file's."""
    if not (name.startswith(_PLAN_PREFIX) and name.endswith(_PLAN_SUFFIX)):
        return ""
    seq = name[len(_PLAN_PREFIX) : -len(_PLAN_SUFFIX)]
    return seq if len(seq) >= 3 and number_in(seq) is not None else ""


def map_bytes(plan: CheckedPlan, text: str) -> bytes:
    """The cache entry for a plan without errors."""
    assert plan.stage_map is not None
    return files.json_bytes(
        {
            "schema": CACHE_SCHEMA,
            "plan_text": text,
            "approved": plan.approved,
            "findings": [list(finding) for finding in plan.findings],
            "stage_map": stage_map_to_json(plan.stage_map),
        }
    )


def _remembered(path: str, text: str) -> CheckedPlan | None:
    """The cached check; None when there is none, it is of another text, or it can't be read."""
    try:
        kept = files.read_json(path, CACHE_SCHEMA)
        if kept is None or kept.get("plan_text") != text:
            return None
        findings = kept["findings"]
        assert isinstance(findings, list)
        stage_map = stage_map_from_json(kept["stage_map"])
        return CheckedPlan(path, stage_map, tuple(Finding(*fields) for fields in findings), kept["approved"] is True)
    except (Unreadable, ValueError, KeyError, TypeError, AssertionError):
        return None


class Where(Word):
    """From where a plan was approved. `earlier`: before okstra recorded approvals; the plan's runs show that it was.
    `fetched`: on another machine, by somebody that this home takes for an approver."""

    TERMINAL = "terminal"
    SESSION = "session"
    SCRIPT = "script"
    EARLIER = "earlier"
    FETCHED = "fetched"


class PlanPlace(NamedTuple):
    """Identifies a plan: the project and the task (`<group>/<id>`) by their folders, the plan by its file's name."""

    project: str
    task: str
    name: str


class Approval(NamedTuple):
    """One row of `approvals.jsonl`. `person` is who git says works here; empty when nobody knows."""

    digest: str
    task: str
    plan: str
    person: str
    at: str
    where: str

    def to_json(self) -> dict[str, object]:
        return {"v": VERSION, **self._asdict()}

    @property
    def summary(self) -> str:
        """For people: who approved it, when and from where."""

        return f"{self.person or 'somebody'}, {self.at}, {self.where}"


def approvals_in(rows: Iterable[Mapping[str, object]]) -> list[Approval]:
    """The rows of this version, oldest first; a malformed row approves nothing."""
    return [
        Approval(**{name: str(row[name]) for name in Approval._fields})
        for row in rows
        if row.get("v") == VERSION and all(isinstance(row.get(name), str) for name in Approval._fields)
    ]


def is_newer(row: Mapping[str, object]) -> bool:
    """Whether a newer version of okstra wrote the row."""
    version = row.get("v")
    return isinstance(version, int) and version > VERSION


def newest_of(approvals: Iterable[Approval], place: PlanPlace) -> Approval | None:
    """The plan's last approval: earlier ones no longer count."""
    found = None
    for one in approvals:
        if (one.task, one.plan) == (place.task, place.name):
            found = one
    return found
