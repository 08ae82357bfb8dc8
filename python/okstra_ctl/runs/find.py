"""A prepared run and its manifest: finding it by its id from anywhere on the machine, and what its record says.

A new run's number is counted in the phase's folder, and claimed by the exclusive creation of one file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..errors import OkstraError, Unreadable, UsageError
from ..index.run_index import EVERYTHING, newest_rows
from ..names import RunId, TaskKey, format_seq, number_in
from ..paths import ProjectFiles, RunFiles, TaskFiles, seq_claim_name
from ..services import Services
from ..settings.roster import Worker
from ..system import files
from .events import events_of
from .manifest import SCHEMA

if TYPE_CHECKING:  # plans are slow to import, and lists of runs need none
    from ..plan.approvals import InForce
    from ..plan.model import Stage, StageMap


class KnownRun(NamedTuple):
    """A prepared run, with its manifest."""

    id: RunId
    project: ProjectFiles
    files: RunFiles
    manifest: Mapping[str, object]

    @property
    def epoch(self) -> int:
        epoch = self.manifest.get("epoch", 0)
        return epoch if isinstance(epoch, int) else 0

    @property
    def plan_path(self) -> str:
        plan = self.manifest.get("plan")
        return self.project.task(self.id.task).plan_here(str(plan.get("path", ""))) if isinstance(plan, Mapping) else ""

    @property
    def plan_digest(self) -> str:
        plan = self.manifest.get("plan")
        return str(plan.get("digest", "")) if isinstance(plan, Mapping) else ""

    @property
    def report_path(self) -> str:
        """Where okstra's report is: not at the run's usual path when a person's plan is there."""
        return str(self.manifest.get("report") or self.files.report)

    @property
    def worktree(self) -> Mapping[str, object]:
        worktree = self.manifest.get("worktree")
        return worktree if isinstance(worktree, Mapping) else {}

    @property
    def degraded(self) -> bool:
        """Whether it works in the project's root, because there is no worktree (docs/design/reservation.md)."""
        return str(self.worktree.get("status", "")).startswith("skipped")

    @property
    def folder(self) -> str:
        """Where its workers work: its worktree, or the project's root if it has none."""
        return str(self.worktree.get("path") or self.project.root)

    @property
    def standing_folder(self) -> str:
        """A folder in which git has its commits: its own, or the project's root once that is removed."""
        return self.folder if os.path.isdir(self.folder) else self.project.root

    @property
    def branch(self) -> str:
        """Its worktree's branch; empty without one."""
        return str(self.worktree.get("branch") or "")

    @property
    def base_commit(self) -> str:
        """Where its commits begin; empty without git."""
        return str(self.manifest.get("base_commit") or "")

    def stage(self, services: Services) -> Stage:
        """The stage that the run carries out, as it was approved. Raises as `approved`."""
        return stage_of(self.approved(services).stage_map, self)

    def approved(self, services: Services) -> InForce:
        """The stages of the run's plan, as they were approved.

        Raises UsageError (`not-found`) for a run of another phase, Refused (`plan-not-approved`), Unreadable.
        """
        if self.id.stage is None:
            raise UsageError("not-found", f"{self.id} is not the run of a stage", hint="name an implementation run")
        from ..plan.approvals import in_force

        return in_force(self.plan_path, services)


def stage_of(stage_map: StageMap, run: KnownRun) -> Stage:
    """The run's stage in those stages. Raises UsageError (`not-found`)."""
    try:
        return stage_map.stage(run.id.stage or 0)
    except KeyError:
        message = f"the plan has no stage {run.id.stage} any more"
        raise UsageError("not-found", message, where=run.plan_path) from None


def find_run(text: str, start: str, services: Services) -> KnownRun:
    """The run of that id. Raises UsageError (`bad-identity`, `not-found`), Unreadable."""
    run = RunId.parse(text)
    for root in roots_of_task(run.task, start, services):
        project = ProjectFiles(root)
        paths = project.task(run.task).run_of(run)
        manifest = files.read_json(paths.manifest, SCHEMA)
        if manifest is not None:
            return KnownRun(run, project, paths, manifest)
    for row in newest_rows(services.home, EVERYTHING):
        if row["run_id"] == str(run):
            raise UsageError(
                "not-found",
                f"{run} is in the index, and its records are gone",
                where=row.get("manifest", "") or start,
                hint="bring its folder back from a backup; the index has no more than `okstra list --all` shows",
            )
    raise UsageError("not-found", f"there is no run {run}", where=start, hint="`okstra list --all` shows the runs")


def known_run(run_id: str, project_root: str) -> KnownRun | None:
    """None when its manifest is gone, or can't be read."""
    try:
        run, project = RunId.parse(run_id), ProjectFiles(project_root)
        paths = project.task(run.task).run_of(run)
        manifest = files.read_json(paths.manifest, SCHEMA)
    except OkstraError:
        return None
    return KnownRun(run, project, paths, manifest) if manifest is not None else None


def roster_of(run: KnownRun) -> tuple[Worker, ...]:
    """The workers that the run was prepared with. Raises Unreadable (`state-unreadable`)."""
    rows = run.manifest.get("roster")
    try:
        assert isinstance(rows, list)
        roster = tuple(Worker(row["id"], row["role"], row["provider"], row["model"]) for row in rows)
        assert all(isinstance(field, str) for worker in roster for field in worker)
        return roster
    except (AssertionError, KeyError, TypeError) as error:
        raise Unreadable("state-unreadable", "the roster can't be read", where=run.files.manifest) from error


def asked_of(run: KnownRun, name: str) -> str:
    """The value of an option that the run's lead has to carry out; empty when it was not given."""
    asked = run.manifest.get("requested")
    return str(asked.get(name) or "") if isinstance(asked, Mapping) else ""


def with_asked(run: KnownRun, **options: str) -> KnownRun:
    """The run with other values of such options; an empty one changes nothing."""
    requested = run.manifest.get("requested")
    given = {name: value for name, value in options.items() if value}
    asked = {**(requested if isinstance(requested, Mapping) else {}), **given}
    return run._replace(manifest={**run.manifest, "requested": asked})


def check_budget(text: str) -> None:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) is None:
        raise UsageError("usage", f"invalid --budget {text!r}", hint="give an amount of US dollars, e.g. 5 or 2.50")


def roots_of_task(task: TaskKey, start: str, services: Services) -> Iterator[str]:
    """The project folders where the task may be, the likeliest first: by its claim, by the folder in which the command
    was started, then by the index of runs: its worktree may have been removed long ago."""
    claim = services.registry.read().task(task)
    if claim is not None and os.path.isdir(claim.project_root):
        yield claim.project_root
    else:
        from ..settings.project import find_root

        here = find_root(start, services)
        if here is not None:
            yield here
    rows = newest_rows(services.home, EVERYTHING)
    roots = [row.get("project_root", "") for row in reversed(rows) if row["run_id"].startswith(f"{task}/")]
    yield from (root for root in dict.fromkeys(roots) if os.path.isdir(root))


def commit_at_start(run: KnownRun) -> str:
    """The commit that its first lead recorded, so that a resumed run looks at the same one; else the current commit of
    its folder. Empty without git."""
    for event in events_of(run.files):
        if event.get("event") == "started":
            return str(event.get("commit") or "")
    return commit_now(run)


def commit_now(run: KnownRun) -> str:
    """The current commit of its folder; empty without git."""
    from .. import git  # a list of runs asks git nothing

    return (git.resolve(run.folder, "HEAD") or "") if os.path.isdir(run.folder) and git.discover(run.folder) else ""


def recorded_end(run_id: str, project_root: str) -> str:
    """The run's outcome; empty while it goes on, or when its manifest can't be read, which other commands report."""
    try:
        run = RunId.parse(run_id)
        manifest = files.read_json(ProjectFiles(project_root).task(run.task).run_of(run).manifest, SCHEMA)
    except OkstraError:
        return ""
    return str((manifest or {}).get("outcome") or "")


def claim_run(task: TaskFiles, task_type: str, stage: int | None = None, *, at_least: int = 1) -> RunFiles:
    """Claims the next run number of a phase (and stage); two runs never share one. `at_least`: lower ones are those of
    other machines. Raises WorkFailed."""
    folder = os.path.join(task.run_dir(task_type, stage), "state")
    files.make_folder(folder)
    seq = _next_free(task, task_type, stage, max(at_least, next_seq(task, task_type, stage)))
    while not files.claim(os.path.join(folder, seq_claim_name(format_seq(seq)))):
        seq = _next_free(task, task_type, stage, seq + 1)
    return task.run(task_type, seq, stage)


def next_seq(task: TaskFiles, task_type: str, stage: int | None = None) -> int:
    """The number that the next run would get; a number whose report already exists is skipped."""
    prefix = seq_claim_name("")
    try:
        names = os.listdir(os.path.join(task.run_dir(task_type, stage), "state"))
    except OSError:
        names = []
    numbers = [number_in(name[len(prefix) :]) for name in names if name.startswith(prefix)]
    return _next_free(task, task_type, stage, max((number for number in numbers if number is not None), default=0) + 1)


def _next_free(task: TaskFiles, task_type: str, stage: int | None, seq: int) -> int:
    while os.path.lexists(task.run(task_type, seq, stage).report):
        seq += 1
    return seq


def discard_run_files(run: RunFiles) -> None:
    """Removes what a run wrote before its manifest, incomplete files included; its logs and number stay."""
    for folder in ("manifests", "prompts", "state"):
        try:
            names = os.listdir(run.folder(folder))
        except OSError:
            continue
        for name in names:
            if f"-{run.seq}." in name:
                files.discard(os.path.join(run.folder(folder), name))
