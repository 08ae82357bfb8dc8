"""Seals runs when they end, and compares what they left with their seals.

A seal is written after the run's manifest, which ends it: a kill in between leaves the run without a seal, which is
reported as a note. Nobody seals it later, since what would be sealed is not known to be what the run left.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ..claims.ledger_file import ledger_path
from ..errors import OkstraError, Unreadable
from ..home_paths import HomePaths
from ..names import RunId
from ..paths import ProjectFiles
from ..runs.find import KnownRun
from ..services import Services
from ..system import files
from ..system.locks import LockKind, locked
from ..system.moved_paths import with_path
from ..system.text import loads
from .rows import REOPENED, SEALED, ChainFault, Record, Seal, chain_faults, digest_of, readable

_WHOLE = (
    "manifest",
    "run_context",
    "team_state",
    "convergence",
    "isolation",
    "guard_rules",
    "qa",
    "exit_check",
    "report_draft",
    "report_data",
)
_RESULTS = "worker-results"
_LAST_ROW_BYTES = 1024 * 1024


class Difference(NamedTuple):
    """A file that is not as it was sealed; `path` is absolute."""

    path: str
    message: str


class SealCheck(NamedTuple):
    """A run against its seal. `seal` is its newest row, None when it has none; `differences` are empty then, and when
    the run was reopened."""

    seal: Seal | None
    differences: tuple[Difference, ...]
    chain: tuple[ChainFault, ...]


def try_seal(run: KnownRun, services: Services) -> str:
    """Seals the run, which has ended, as its files are now. Returns a warning when that fails: the run stays ended."""
    return _try_append(run, services, [*(getattr(run.files, name) for name in _WHOLE), *_results(run)])


def try_seal_stage(run: KnownRun, services: Services) -> str:
    """As `try_seal`, for a stage of a session's run, which goes on to write its report: the record of the exit check,
    and the ledger."""
    return _try_append(run, services, [run.files.exit_check])


@contextmanager
def resealed(run: KnownRun, services: Services) -> Iterator[None]:
    """Reopens the run for the block, in which okstra itself changes what it left, and seals it again. One whose files
    differed before stays as it was sealed, so that this hides nobody's change; after a kill it is not sealed, until the
    command is called again."""
    try:
        before = check(services.home, run)
        intact = before.seal is not None and not before.differences
        if intact:
            reopen(run, services)
    except OkstraError:
        intact = False
    try:
        yield
    finally:
        if intact:
            try_seal(run, services)


def reopen(run: KnownRun, services: Services) -> None:
    """Records that somebody goes on with a sealed run: its files may change until it ends again. Raises WorkFailed."""
    newest = newest_seal(services.home, run.id)
    if newest is not None and newest.event == SEALED:
        _append(run, services, REOPENED, "", ())


def check(home: HomePaths, run: KnownRun) -> SealCheck:
    """Raises Unreadable (`state-unreadable`) when the seals can't be read."""
    lines = _lines(home, run.id.task.project_segment)
    seal = _newest(lines, run.id)
    differences = _differences(run.project, seal) if seal is not None else ()
    return SealCheck(seal, tuple(differences), tuple(chain_faults(lines)))


def newest_seal(home: HomePaths, run: RunId) -> Seal | None:
    """Raises Unreadable (`state-unreadable`)."""
    return _newest(_lines(home, run.task.project_segment), run)


def seals_of(home: HomePaths, project: str) -> tuple[list[Seal], list[ChainFault]]:
    """Every row of the project, oldest first, and what is wrong with the chain. Raises Unreadable."""
    lines = _lines(home, project)
    return list(readable(lines)), list(chain_faults(lines))


def head_of(home: HomePaths, project: str) -> tuple[int, str]:
    """How many rows the project has, and the digest of the last; 0 and an empty text without any. Raises Unreadable."""
    lines = _lines(home, project)
    return len(lines), digest_of(lines[-1]) if lines else ""


def digests(home: HomePaths, project: str) -> list[str]:
    """The digest of each row, oldest first. Raises Unreadable."""
    return [digest_of(line) for line in _lines(home, project)]


def newest_by_run(seals: Iterable[Seal]) -> dict[str, Seal]:
    return {seal.run_id: seal for seal in seals}


def differences_of(project: ProjectFiles, seal: Seal) -> list[Difference]:
    return list(_differences(project, seal))


def _lines(home: HomePaths, project: str) -> list[bytes]:
    """The complete rows: bytes after the last newline are a killed writer's."""
    return (files.read_bytes(home.seals(project)) or b"").split(b"\n")[:-1]


def _newest(lines: list[bytes], run: RunId) -> Seal | None:
    return newest_by_run(readable(lines)).get(str(run))


def _try_append(run: KnownRun, services: Services, paths: list[str]) -> str:
    try:
        manifest = files.read_json(run.files.manifest) or {}
        records = tuple(_records(run, paths))
        _append(run, services, SEALED, str(manifest.get("outcome") or ""), records)
    except OkstraError as error:
        return f"the run could not be sealed: {error.message} ({error.where})"
    return ""


def _append(run: KnownRun, services: Services, event: str, outcome: str, records: tuple[Record, ...]) -> None:
    home, path, root = services.home, services.home.seals(run.id.task.project_segment), run.project.root
    with locked(LockKind.INDEX, home.seals_lock):
        files.make_folder(os.path.dirname(path))
        whole = files.read_tail(path, _LAST_ROW_BYTES).rpartition(b"\n")[0]
        previous = digest_of(whole.rpartition(b"\n")[2]) if whole else ""
        seal = Seal(str(run.id), services.clock.now(), event, outcome, root, records, previous)
        files.append_line(path, seal.line() + b"\n")


def _records(run: KnownRun, paths: list[str]) -> Iterator[Record]:
    """These files, and those that only grow, as they are now. Raises Unreadable."""
    root = run.project.root
    for path in paths:
        data = files.read_bytes(path)
        if data is not None:
            yield _record(root, path, _without_owner(data) if path == run.files.manifest else data)
    ledger = ledger_path(run.plan_path) if run.id.stage is not None and run.plan_path else ""
    for path in filter(None, (run.files.events, ledger)):
        data = files.read_bytes(path)
        if data is not None:
            yield _record(root, path, data[: data.rfind(b"\n") + 1], grows=True)


def _results(run: KnownRun) -> list[str]:
    folder = run.files.folder(_RESULTS)
    end = f"-{run.id.task_type}-{run.files.seq}.md"
    return [os.path.join(folder, name) for name in files.names_in(folder) if name.endswith(end)]


def _record(root: str, path: str, data: bytes, *, grows: bool = False) -> Record:
    return Record(os.path.relpath(path, root), len(data), digest_of(data), grows)


def _differences(project: ProjectFiles, seal: Seal) -> Iterator[Difference]:
    if seal.event != SEALED:
        return
    for record in seal.records:
        path = os.path.join(project.root, record.path)
        try:
            data = files.read_bytes(path)
        except Unreadable as error:
            yield Difference(path, error.message)
            continue
        if data is None:
            yield Difference(path, "it is gone")
        elif record.grows and digest_of(data[: record.size]) != record.sha256:
            yield Difference(path, f"its first {record.size} bytes are not those of the run's end")
        elif not record.grows and record.sha256 not in _digests(data, path, project, seal):
            yield Difference(path, "it is not what it was when the run ended")
    if seal.outcome:
        yield from _added(project, seal)


def _digests(data: bytes, path: str, project: ProjectFiles, seal: Seal) -> Iterator[str]:
    """The digests by which the file is the sealed one: its own, that of the manifest without its owner, and in a
    project that was moved since, that of the file as it was before."""
    yield digest_of(data)
    run = RunId.parse(seal.run_id)
    if path == project.task(run.task).run_of(run).manifest:
        data = _without_owner(data)
        yield digest_of(data)
    if project.root != seal.root:
        with suppress(ValueError, RecursionError):
            yield digest_of(with_path(path, data, project.root, seal.root))


def _without_owner(manifest: bytes) -> bytes:
    """The manifest with nobody as its lead's owner: the run is sealed while it is led, and given back afterwards."""
    try:
        value = loads(manifest)
        return files.json_bytes({**value, "lead": {**value["lead"], "owner": None}})
    except (ValueError, TypeError, KeyError, RecursionError):
        return manifest


def _added(project: ProjectFiles, seal: Seal) -> Iterator[Difference]:
    run = RunId.parse(seal.run_id)
    run_files = project.task(run.task).run_of(run)
    known = {record.path for record in seal.records}
    for path in _results(KnownRun(run, project, run_files, {})):
        if os.path.relpath(path, project.root) not in known:
            yield Difference(path, "it was not there when the run ended")
