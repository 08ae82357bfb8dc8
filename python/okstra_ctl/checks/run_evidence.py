"""`okstra check evidence RUN`: every citation of a run's results, against the commit that the run looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import Unreadable
from ..results.evidence import Checked
from ..results.records import Finding
from ..results.rules import MAX_BYTES
from ..results.worker import parse_worker_result
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..runs.looked_at import commit_at_start, commit_now
from ..runs.taken_results import Events, is_answer
from ..system import files as fsio
from ..system import foreign_files
from .evidence import Place, check_findings

_ROLES = ("analyst", "verifier", "critic")


class RunEvidence(NamedTuple):
    """`rows` are worker, finding id and what was found, in the order of the results."""

    commit: str
    rows: tuple[tuple[str, str, Checked], ...]


def check_run_evidence(run: KnownRun) -> RunEvidence:
    """Raises WorkFailed (`git-failed`), Unreadable. A result that can't be read has no findings here.

    A stage's verifiers looked at what its executor had committed, everybody else at what was there at the start.
    """
    commit = commit_now(run) if run.id.stage is not None else commit_at_start(run)
    findings = list(_findings(run))
    checked = check_findings(
        Place(run.standing_folder, commit, recorded_runs(run)), [finding for _, finding in findings]
    )
    rows = [(worker, finding.id, checked[line]) for worker, finding in findings for line in finding.evidence]
    return RunEvidence(commit, tuple(rows))


def _findings(run: KnownRun) -> Iterator[tuple[str, Finding]]:
    roster, events = run.manifest.get("roster"), events_of(run.files)
    for row in roster if isinstance(roster, list) else []:
        if row["role"] in _ROLES:
            data = _result(run, row, events)
            for finding in parse_worker_result(data.decode("utf-8", "replace"))[0].findings:
                yield row["id"], finding


def _result(run: KnownRun, row: Mapping[str, Any], events: Events) -> bytes:
    """Empty for what is not the worker's own."""
    try:
        data = foreign_files.read(run.files.worker_result(row["id"]), MAX_BYTES) or b""
    except Unreadable:
        return b""
    return data if is_answer(events, row, "", data, run.manifest) else b""


def recorded_runs(run: KnownRun) -> dict[str, int]:
    """Commands that okstra itself ran in this run, with their exit codes."""
    runs: dict[str, int] = {}
    checks = (fsio.read_json(run.files.qa) or {}).get("checks")
    exit_check = fsio.read_json(run.files.exit_check)
    for row in [*(checks if isinstance(checks, list) else []), *([exit_check] if exit_check else [])]:
        if isinstance(row, dict) and isinstance(row.get("exit"), int):
            runs[str(row.get("command"))] = row["exit"]
    return runs
