"""What a run is asked to be, as the doors hand it in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..errors import OkstraError
from ..settings.roster import Worker
from ..stages.select import AUTO
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
