"""Checking what findings cite against the run's commit: `okstra check evidence`, and every led run."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import git
from ..errors import Unreadable
from ..results.evidence import LARGEST_BYTES, Checked, Text, check_citation, read_text
from ..results.records import MAX_BYTES, Evidence, EvidenceStatus, Finding
from ..results.worker import parse_worker_result
from ..runs.events import Events, events_of, is_answer
from ..runs.find import KnownRun, commit_at_start, commit_now
from ..system import files, foreign_files

_ROLES = ("analyst", "verifier", "critic")


class EvidenceSource(NamedTuple):
    """What evidence is checked against: a commit of the repository that `folder` is a checkout of, and `runs`, the
    recorded commands with their exit codes."""

    folder: str
    commit: str
    runs: Mapping[str, int]


def check_findings(place: EvidenceSource, findings: Sequence[Finding]) -> dict[Evidence, Checked]:
    """Checks each distinct line of evidence once. Raises WorkFailed (`git-failed`)."""
    lines = dict.fromkeys(line for finding in findings for line in finding.evidence)
    paths = {line: _inside(place.folder, line.path) for line in lines if line.exit is None}
    wanted = list(dict.fromkeys(path for path in paths.values() if path))
    blobs = git.blobs_at(place.folder, place.commit, wanted, largest=LARGEST_BYTES) if place.commit and wanted else {}
    texts = {path: read_text(data) for path, data in blobs.items() if data is not None}
    missing = [path for path in wanted if path not in blobs]
    kinds = git.kinds_at(place.folder, place.commit) if place.commit and missing else {}
    renamed = _renamed(place, missing, kinds)
    checked = {}
    for line in lines:
        if line.exit is not None:
            checked[line] = _check_command(line, place.runs)
        else:
            checked[line] = _check(place, line, paths[line], blobs, texts, kinds, renamed)
    return checked


def _check(
    place: EvidenceSource,
    line: Evidence,
    path: str,
    blobs: Mapping[str, bytes | None],
    texts: Mapping[str, Text | None],
    kinds: Mapping[str, bool],
    renamed: Mapping[str, Sequence[tuple[str, Text]]],
) -> Checked:
    if not place.commit:
        return Checked(line, EvidenceStatus.UNCHECKED, note="the run has no commit to look at")
    if not path:
        return Checked(line, EvidenceStatus.NOT_FOUND, note="the path leads out of the repository")
    if path in texts:
        text = texts[path]
        if text is None:
            return Checked(line, EvidenceStatus.UNCHECKED, note="the file is binary")
        return check_citation(line, text)
    if path in blobs:
        return Checked(line, EvidenceStatus.UNCHECKED, note="the file is too large")
    if any(path.startswith(f"{name}/") for name, submodule in kinds.items() if submodule):
        return Checked(line, EvidenceStatus.UNCHECKED, note="it lies in a submodule")
    for other, text in renamed.get(path, ()):
        found = check_citation(line, text)
        if line.quote and found.status in (EvidenceStatus.VERIFIED, EvidenceStatus.MOVED):
            return found._replace(status=EvidenceStatus.MOVED, note=f"the file is {other}")
    if os.path.lexists(os.path.join(place.folder, path)):
        return Checked(line, EvidenceStatus.UNCHECKED, note="git does not track the file at the run's commit")
    return Checked(line, EvidenceStatus.NOT_FOUND, note="there is no such file at the run's commit")


def _check_command(line: Evidence, runs: Mapping[str, int]) -> Checked:
    """A command is verified only by okstra's own record of it, not by a worker's claim that it ran."""
    recorded = runs.get(line.command)
    if recorded is None:
        return Checked(line, EvidenceStatus.UNCHECKED, note="okstra has no record of this command")
    if recorded == line.exit:
        return Checked(line, EvidenceStatus.VERIFIED)
    return Checked(line, EvidenceStatus.NOT_FOUND, note=f"okstra's record says exit {recorded}")


def _inside(folder: str, path: str) -> str:
    """The path relative to the repository's top; empty when it leads out of it."""
    if posixpath.isabs(path):
        for root in (folder, os.path.realpath(folder)):
            if path.startswith(f"{root}/"):
                path = path[len(root) + 1 :]
                break
        else:
            return ""
    normal = posixpath.normpath(path)
    return "" if normal.startswith("../") or normal in ("..", ".") or "\0" in normal else normal


def _renamed(
    place: EvidenceSource, missing: Sequence[str], kinds: Mapping[str, bool]
) -> dict[str, list[tuple[str, Text]]]:
    """For each missing path: files of the same name elsewhere, which it may have been renamed to."""
    if not missing:
        return {}
    by_name: dict[str, list[str]] = {}
    for path in kinds:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    candidates = {path: by_name.get(posixpath.basename(path), [])[:20] for path in missing}
    wanted = sorted({other for others in candidates.values() for other in others})
    blobs = git.blobs_at(place.folder, place.commit, wanted, largest=LARGEST_BYTES) if wanted else {}
    texts = {path: read_text(data) for path, data in blobs.items() if data is not None}
    return {
        path: [(other, text) for other in others if (text := texts.get(other)) is not None]
        for path, others in candidates.items()
    }


class RunEvidence(NamedTuple):
    """`rows` are worker, finding id and check result, in the order of the results."""

    commit: str
    rows: tuple[tuple[str, str, Checked], ...]


def check_run_evidence(run: KnownRun) -> RunEvidence:
    """Checks the evidence of all results of a run. A result that can't be read counts as having no findings.

    A stage's verifiers looked at what its executor committed, everybody else at the commit of the run's start.
    Raises WorkFailed (`git-failed`), Unreadable.
    """
    commit = commit_now(run) if run.id.stage is not None else commit_at_start(run)
    findings = list(_findings(run))
    checked = check_findings(
        EvidenceSource(run.standing_folder, commit, recorded_runs(run)), [finding for _, finding in findings]
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
    """The worker's result; empty for a file that is not the worker's own."""
    try:
        data = foreign_files.read(run.files.worker_result(row["id"]), MAX_BYTES) or b""
    except Unreadable:
        return b""
    return data if is_answer(events, row, data, run.manifest) else b""


def recorded_runs(run: KnownRun) -> dict[str, int]:
    """Commands that okstra itself ran in this run, with their exit codes."""
    runs: dict[str, int] = {}
    checks = (files.read_json(run.files.qa) or {}).get("checks")
    exit_check = files.read_json(run.files.exit_check)
    for row in [*(checks if isinstance(checks, list) else []), *([exit_check] if exit_check else [])]:
        if isinstance(row, dict) and isinstance(row.get("exit"), int):
            runs[str(row.get("command"))] = row["exit"]
    return runs
