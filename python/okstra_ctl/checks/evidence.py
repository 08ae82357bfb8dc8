"""Checking what findings cite against the run's commit: `okstra check evidence`, and every led run."""

from __future__ import annotations

import os
import posixpath
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import git
from ..errors import Unreadable
from ..proof.cited_commands import Order, see_commands
from ..results.commands import Seen, checked_command, cited_commands
from ..results.evidence import LARGEST_BYTES, Checked, Text, check_citation, read_text
from ..results.records import MAX_BYTES, Evidence, EvidenceStatus
from ..results.worker import parse_answers, parse_worker_result
from ..runs.containment import sandbox_of
from ..runs.events import Events, events_of, is_answer
from ..runs.evidence_record import recorded_commands
from ..runs.find import KnownRun, commit_at_start, commit_now
from ..services import Services
from ..settings.limits import CONTAINED, NEVER, evidence_settings
from ..system import files, foreign_files
from ..worktrees.proofs import Show, silent

_ROLES = ("analyst", "verifier", "critic")


class EvidenceSource(NamedTuple):
    """What evidence is checked against: a commit of the repository that `folder` is a checkout of, and `runs`, the
    commands as okstra ran them at that commit."""

    folder: str
    commit: str
    runs: Mapping[str, Seen]


def check_lines(place: EvidenceSource, cited: Iterable[Evidence]) -> dict[Evidence, Checked]:
    """Checks each distinct line of evidence once. Raises WorkFailed (`git-failed`)."""
    lines = dict.fromkeys(cited)
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
            checked[line] = checked_command(line, place.runs.get(line.command))
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
    """`rows` are worker, id of finding or answer, and check result, in the order of the results."""

    commit: str
    rows: tuple[tuple[str, str, Checked], ...]


def cited_commit(run: KnownRun) -> str:
    """The commit that a run's evidence speaks of: a stage's verifiers look at what its executor committed, everybody
    else at the commit of the run's start."""
    return commit_now(run) if run.id.stage is not None else commit_at_start(run)


def check_run_evidence(run: KnownRun, ran: Mapping[str, Seen] | None = None) -> RunEvidence:
    """Checks the evidence of all results and answers of a run. One that can't be read counts as having none. `ran` are
    the cited commands; without it, those of the run's own record.

    Raises WorkFailed (`git-failed`), Unreadable.
    """
    commit = cited_commit(run)
    cited = run_citations(run)
    runs = recorded_runs(run, commit) if ran is None else ran
    checked = check_lines(EvidenceSource(run.standing_folder, commit, runs), [line for _, _, line in cited])
    return RunEvidence(commit, tuple((worker, name, checked[line]) for worker, name, line in cited))


def run_citations(run: KnownRun) -> tuple[tuple[str, str, Evidence], ...]:
    """Every line of evidence of a run, with its worker and the id of its finding or answer: of the results, of a
    verifier's newest one alone, then of the answers."""
    roster, events = run.manifest.get("roster"), events_of(run.files)
    rows = [row for row in (roster if isinstance(roster, list) else []) if row["role"] in _ROLES]
    cited = [(row["id"], *one) for row in rows for one in _findings(run, row, events)]
    cited += [(row["id"], *one) for row in rows for one in _answers(run, row, events)]
    return tuple((worker, name, line) for worker, name, evidence in cited for line in evidence)


_Cited = Iterator[tuple[str, tuple[Evidence, ...]]]


def _findings(run: KnownRun, row: Mapping[str, Any], events: Events) -> _Cited:
    turn = ["", *_labels(events, row, "turn-")][-1]
    path = run.files.worker_answers(row["id"], turn) if turn else run.files.worker_result(row["id"])
    for finding in parse_worker_result(_read(run, path, row, events, turn))[0].findings:
        yield finding.id, finding.evidence


def _answers(run: KnownRun, row: Mapping[str, Any], events: Events) -> _Cited:
    for label in _labels(events, row, "round-"):
        text = _read(run, run.files.worker_answers(row["id"], label), row, events, label)
        for answer in parse_answers(text, items=())[0]:
            yield answer.item, answer.evidence


def _labels(events: Events, row: Mapping[str, Any], prefix: str) -> list[str]:
    """What a worker was asked after its own result, in order."""
    asked = {str(one.get("label")) for one in events if one.get("worker") == row["id"]}
    return sorted(label for label in asked if label.startswith(prefix))


def _read(run: KnownRun, path: str, row: Mapping[str, Any], events: Events, label: str = "") -> str:
    """The text of a worker's file; empty for one that is not the worker's own."""
    try:
        data = foreign_files.read(path, MAX_BYTES) or b""
    except Unreadable:
        return ""
    return data.decode("utf-8", "replace") if is_answer(events, row, data, run.manifest, label) else ""


def recorded_runs(run: KnownRun, commit: str) -> dict[str, Seen]:
    """Commands that okstra itself ran in this run at that commit."""
    runs: dict[str, Seen] = {}
    checks = (files.read_json(run.files.qa) or {}).get("checks")
    exit_check = files.read_json(run.files.exit_check)
    for row in [*(checks if isinstance(checks, list) else []), *([exit_check] if exit_check else [])]:
        if isinstance(row, dict) and isinstance(row.get("exit"), int) and row.get("commit") == commit:
            runs[str(row.get("command"))] = Seen(str(row.get("command")), commit, (row["exit"],))
    return runs | {one.command: one for one in recorded_commands(run.files) if one.commit == commit}


def execute_run_evidence(run: KnownRun, services: Services, show: Show = silent) -> RunEvidence:
    """Checks all evidence of a run, and runs each command that it cites. `show` gets a word while it waits.

    Raises as `check_run_evidence` and `proof.cited_commands.see_commands`; UsageError (`bad-config`).
    """
    settings = evidence_settings(files.read_json(services.home.config) or {}, where=services.home.config)
    if settings.execute == NEVER:  # which is for led runs: here a person asks for it
        settings = settings._replace(execute=CONTAINED)
    sandbox = sandbox_of(run.project.root, services)
    ran: dict[str, Seen] = {}
    with tempfile.TemporaryDirectory(prefix="okstra-evidence-") as folder:
        log = os.path.join(folder, "log")
        order = Order(run, cited_commit(run), sandbox, settings, services, log, threading.Event(), led=False, show=show)
        cited = cited_commands(line for _, _, line in run_citations(run))
        see_commands(order, cited, (), lambda seen: ran.update({seen.command: seen}))
    return check_run_evidence(run, ran)
