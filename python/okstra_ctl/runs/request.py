"""What a run is asked to be, as the doors hand it in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .. import git
from ..errors import OkstraError
from ..names import AUTO, TaskKey
from ..paths import TaskFiles
from ..plan.model import StageMap
from ..settings.phases import Phase
from ..settings.project import Project
from ..settings.roster import Worker
from ..status import WorktreeStatus
from .clarification import Given
from .handoff_steps import Choice

# What callers of the public name `PrepareError` catch: every way in which a prepare can fail.
PrepareError = OkstraError


class PrepareInputs(NamedTuple):
    """One run's wishes; empty text means the default. `models` maps a model slot to what its flag said.

    `led`: somebody drives the run as soon as it is prepared, so its workers must be there. `by_key`: the task was
    named by its key, so it is meant to be there. `request`: what is wanted, in a sentence or two. `same` are the
    workers of the run that is repeated; they stand unless others are asked for.
    """

    project_root: str | os.PathLike[str]
    project_id: str
    task_group: str
    task_id: str
    task_type: str
    brief_path: str = ""
    work_category: str = ""
    approved_plan_path: str = ""
    stage: str = AUTO
    base_ref: str = ""
    workers: tuple[str, ...] = ()
    executor: str = ""
    critic: str = ""
    provider: str = ""
    lead: str = ""
    models: Mapping[str, str] = MappingProxyType({})
    directive: str = ""
    related_tasks: tuple[str, ...] = ()
    clarification_response: str = ""
    pr_template_path: str = ""
    report_language: str = ""
    budget_usd: str = ""
    fix_cycle: str = ""
    handoff: Choice = Choice()
    led: bool = False
    by_key: bool = False
    request: str = ""
    report_writer: str = ""
    same: tuple[Worker, ...] = ()


class Request(NamedTuple):
    """A run's wishes, resolved. `degraded` is set when there is no worktree to be had (docs/design/reservation.md)."""

    inputs: PrepareInputs
    project: Project
    key: TaskKey
    phase: Phase
    roster: tuple[Worker, ...]
    lead_model: str
    category: str
    brief: str
    brief_text: str
    brief_is_new: bool
    language: str
    repository: git.Repository | None
    degraded: WorktreeStatus | None
    plan: str
    stage_map: StageMap | None
    answers: Given | None
    related: tuple[str, ...]
    """The keys of all tasks that belong to the subject: those that were named, and those that the task knows of."""
    notes: tuple[str, ...] = ()
    """What the person is to be told of the plan."""

    @property
    def task(self) -> TaskFiles:
        return self.project.files.task(self.key)

    @property
    def plan_map(self) -> StageMap:
        """The Stage Map of an implementation run."""
        if self.stage_map is None:
            raise AssertionError("only implementation runs have a plan")
        return self.stage_map

    @property
    def checkout(self) -> git.Repository:
        """The repository of a run that is not degraded."""
        if self.repository is None:
            raise AssertionError("a degraded run has no repository")
        return self.repository
