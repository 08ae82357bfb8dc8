"""`okstra check evidence RUN`: every citation of a run's results, against the commit that the run looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..core.evidence import Checked
from ..core.results.records import Finding
from ..core.results.worker_result import parse_worker_result
from ..edges import fsio, git
from .doors import Doors
from .evidence import Place, check_findings
from .run_events import events_of
from .runs import KnownRun

_ROLES = ("analyst", "verifier", "critic")


class RunEvidence(NamedTuple):
    """`rows` are worker, finding id and what was found, in the order of the results."""

    commit: str
    rows: tuple[tuple[str, str, Checked], ...]


def check_run_evidence(run: KnownRun, doors: Doors) -> RunEvidence:
    """Raises WorkFailed (`git-failed`), Unreadable. A result that can't be read has no findings here."""
    folder = str(run.worktree.get("path") or run.project.root)
    folder = folder if os.path.isdir(folder) else run.project.root
    commit = _commit(run, folder)
    findings = list(_findings(run))
    checked = check_findings(Place(folder, commit, recorded_runs(run)), [finding for _, finding in findings])
    rows = [(worker, finding.id, checked[line]) for worker, finding in findings for line in finding.evidence]
    return RunEvidence(commit, tuple(rows))


def _commit(run: KnownRun, folder: str) -> str:
    """What the run looked at: its stage's HEAD for an implementation, else where the worktree stood at its start."""
    if run.id.stage is None:
        for event in events_of(run.files):
            if event.get("event") == "started" and event.get("commit"):
                return str(event["commit"])
    return (git.resolve(folder, "HEAD") or "") if git.discover(folder) else ""


def _findings(run: KnownRun) -> Iterator[tuple[str, Finding]]:
    roster = run.manifest.get("roster")
    for row in roster if isinstance(roster, list) else []:
        if row["role"] in _ROLES:
            data = fsio.read_bytes(run.files.worker_result(row["id"])) or b""
            for finding in parse_worker_result(data.decode("utf-8", "replace"))[0].findings:
                yield row["id"], finding


def recorded_runs(run: KnownRun) -> dict[str, int]:
    """Commands that okstra itself ran in this run, with their exit codes."""
    runs: dict[str, int] = {}
    checks = (fsio.read_json(run.files.qa) or {}).get("checks")
    exit_check = fsio.read_json(run.files.exit_check)
    for row in [*(checks if isinstance(checks, list) else []), *([exit_check] if exit_check else [])]:
        if isinstance(row, dict) and isinstance(row.get("exit"), int):
            runs[str(row.get("command"))] = row["exit"]
    return runs
