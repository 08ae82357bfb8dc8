"""Approving a plan as `okstra plan approve PLAN --yes` does, without a process of its own for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from okstra_ctl.plan import approvals
from okstra_ctl.plan.plans import Where
from okstra_ctl.services import open_services

PERSON = "A Person <person@localhost>"


def approve(plan: str | Path, environment: Mapping[str, str]) -> None:
    approvals.approve(str(plan), approvals.Approver(PERSON, Where.SCRIPT), open_services(environment))
