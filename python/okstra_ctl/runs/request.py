"""What a new run is to be: the options as given (`PrepareInputs`), and resolved (`Request`)."""

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
from .manifest import Choice
from .user_response import ClarificationFile

# The public name `PrepareError` covers every way in which a preparation can fail.
PrepareError = OkstraError


class PrepareInputs(NamedTuple):
    """One run's options; empty text means the default. `models` maps a model slot to its flag's value.

    `led`: the run is led as soon as it is prepared, so its workers' clients must be installed. `by_key`: the task was
    named by its key, so it must exist. `request`: what is wanted, in a sentence or two. `same`: the workers of the run
    that is repeated, the default for this one.
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
    quorum: str = ""
    wait_quota: str = ""

    @property
    def led_by_okstra(self) -> bool:
        """Whether okstra itself leads the run as soon as it is prepared."""
        return self.led and self.lead == AUTO


class Request(NamedTuple):
    """A run's options, resolved. `degraded` is set when no worktree is possible (docs/design/reservation.md)."""

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
    answers: ClarificationFile | None
    related: tuple[str, ...]
    """The keys of all related tasks: those that were named, and those in the task's record."""
    notes: tuple[str, ...] = ()
    """Notes about the plan, for the person."""

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
