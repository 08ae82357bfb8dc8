"""Files beside a run's records that no run can need any more; `okstra gc` removes them.

The home's note of how an isolation receipt began is for a run that goes on; a completed one never does. A worker's own
folder is okstra's to remove once its dispatch has ended and nobody leads the run: what okstra took over is among the
results, and a resume asks anew for the rest. A folder that no dispatch was given is not okstra's, and stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from shutil import rmtree
from typing import Any

from ..agents import sweep
from ..errors import OkstraError
from ..guard.receipt import home_file
from ..index import store as run_index
from ..leadership import owner_in_manifest
from ..names import RunId, format_seq
from ..paths import OKSTRA_DIR, RunFiles
from ..runs.events import digest_of, events_of
from ..runs.manifest import SCHEMA
from ..services import Services
from ..status import Liveness, RunOutcome
from ..system import foreign_files
from ..system.files import discard, names_in, read_json
from ..system.locks import LockKind, locked
from ..system.owner import liveness


def leftovers(services: Services, *, dry_run: bool) -> tuple[str, ...]:
    """The paths that were removed, or would be. What can't be read or removed stays. Raises Unreadable for the
    index."""
    manifests = _manifests(services)
    known = {home_file(one, services): one for one in manifests}
    notes = tuple(path for path in _notes(services) if _drop_note(path, known.get(path, ""), services, dry_run=dry_run))
    return (*notes, *(path for one in _with_drops(manifests) for path in _sweep_drops(one, dry_run=dry_run)))


def _manifests(services: Services) -> dict[str, RunId]:
    """Of every run that the index knows, its manifest's path."""
    found = {}
    for row in run_index.newest_rows(services.home, run_index.EVERYTHING):
        try:
            run = RunId.parse(row["run_id"])
        except OkstraError:
            continue
        if row.get("manifest"):
            found[str(row["manifest"])] = run
    return found


def _notes(services: Services) -> Iterator[str]:
    folder = os.path.dirname(services.home.receipt(""))
    yield from (os.path.join(folder, name) for name in names_in(folder) if name.startswith("receipt-"))


def _drop_note(path: str, manifest: str, services: Services, *, dry_run: bool) -> bool:
    """A note whose manifest neither it nor the index names stays: its run may go on."""
    try:
        manifest = manifest or str((read_json(path) or {}).get("manifest") or "")
        if not manifest or home_file(manifest, services) != path or not _is_over(manifest):
            return False
        if not dry_run:
            discard(path)
    except OkstraError:
        return False
    return True


def _is_over(manifest: str) -> bool:
    """Whether nobody can go on with the run: it is completed, or its records were removed from a project that is there.

    Neither can change later, so no lock is needed. A project's folder that is missing may be on a disk that is not
    mounted.
    """
    project, _, _ = manifest.rpartition(f"/{OKSTRA_DIR}/tasks/")
    document = read_json(manifest)
    if document is None:
        return bool(project) and os.path.isdir(os.path.join(project, OKSTRA_DIR, "tasks"))
    return document.get("outcome") == RunOutcome.COMPLETED


def _with_drops(manifests: Mapping[str, RunId]) -> Iterator[RunFiles]:
    for path, run in manifests.items():
        files = RunFiles(os.path.dirname(os.path.dirname(path)), run.task_type, format_seq(run.seq))
        if files.manifest == path and os.path.isdir(files.drops) and not os.path.islink(files.drops):
            yield files


def _sweep_drops(files: RunFiles, *, dry_run: bool) -> list[str]:
    """Under the manifest's lock, so that nobody takes the lead meanwhile."""
    removed = []
    try:
        with locked(LockKind.INDEX, f"{files.manifest}.lock"):
            manifest = read_json(files.manifest, SCHEMA)
            if manifest is None or _may_be_led(files, manifest):
                return []
            over = _ended_marks(events_of(files), completed=manifest.get("outcome") == RunOutcome.COMPLETED)
            for name in names_in(files.drops):
                folder = os.path.join(files.drops, name)
                if digest_of(os.fsencode(name)) in over and (dry_run or _removed(folder, files)):
                    removed.append(folder)
            if not dry_run and not names_in(files.drops):
                os.rmdir(files.drops)
    except (OkstraError, OSError):
        pass
    return removed


def _may_be_led(files: RunFiles, manifest: Mapping[str, object]) -> bool:
    """Raises Unreadable."""
    owner = owner_in_manifest(manifest, where=files.manifest)
    return owner is not None and liveness(owner) is not Liveness.GONE


def _ended_marks(events: Sequence[Mapping[str, Any]], *, completed: bool) -> set[str]:
    """The marks of folders that nobody needs. A dispatch whose end was not recorded is read by a resume, if the run can
    be resumed."""
    by_dispatch: dict[tuple[object, object], list[Mapping[str, Any]]] = {}
    for row in events:
        if row.get("event") in ("dispatched", "ended"):
            by_dispatch.setdefault((row.get("worker"), row.get("label")), []).append(row)
    found = set()
    for rows in by_dispatch.values():
        started = [row for row in rows if row["event"] == "dispatched"]
        over = rows[-1]["event"] == "ended" or completed
        if over and not any(sweep.find(str(row["token"])) for row in started if row.get("token")):
            found |= {str(row["drop"]) for row in started if row.get("drop")}
    return found


def _removed(folder: str, files: RunFiles) -> bool:
    """Moves results of a dispatch's earlier starts beside the last one first."""
    for name in names_in(folder):
        final, attempt, _ = name.partition(".attempt-")
        if attempt:
            os.rename(
                os.path.join(folder, name), foreign_files.free_name(os.path.join(files.folder("worker-results"), final))
            )
    rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)
