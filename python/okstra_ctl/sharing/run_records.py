"""Records of runs, for reading on other machines: one ref for each run, `refs/okstra/records/…`, below the task's.

They are copies of what a run left (report, manifest, events, results, exit check), without secrets. What came from
another machine stands apart, in the task's folder `fetched/`: nothing of okstra takes it for a run of this machine.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ..errors import OkstraError, Refused
from ..git.command import begin, must, text
from ..names import RunId
from ..paths import TaskFiles
from ..remote.ref_names import task_ref
from ..remote.side_repository import SideRepository
from ..runs.find import KnownRun
from ..services import Services
from ..settings.claims_remote import NAMESPACE
from ..system import files
from ..system.secrets import hide
from ..system.text import printable

_RECORDS = "refs/okstra/records"
_LARGEST, _MOST_FILES = 1024 * 1024, 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}\.(?:md|json|jsonl)\Z")


class RecordsAt(NamedTuple):
    """Where a task's records are: the repository here, and the namespace of its claims."""

    side: SideRepository
    namespace: str

    def ref(self, run: RunId) -> str:
        below = _RECORDS if self.namespace == NAMESPACE else f"{self.namespace}-records"
        return f"{task_ref(below, run.task)}/{name_of(run)}"


def name_of(run: RunId) -> str:
    stage = f"-stage-{run.stage}" if run.stage is not None else ""
    return f"{run.task_type}{stage}-{run.seq:03d}"


def push_records(run: KnownRun, at: RecordsAt) -> None:
    """Publishes what the run left by now. Raises Missing (`remote-unreachable`), Refused (`remote-refused`)."""
    data = _records_of(run)
    ref = at.ref(run.id)
    seen = at.side.read(ref)
    before = [seen.tip] if seen.tip else []
    commit = at.side.write(data, None, before, f"okstra: records of {run.id}\n")
    answer = at.side.push(ref, commit, seen.tip)
    if not answer.ok and at.side.read(ref).tip != commit:
        raise Refused("remote-refused", f"the run's records were not taken: {at.side.words_of(answer)}", where=ref)
    at.side.keep_seen(ref, commit, seen.tip)


def _records_of(run: KnownRun) -> dict[str, bytes]:
    """By file name; a file that is too large, or no text, stays here."""
    paths = [run.files.manifest, run.files.report, run.files.report_data, run.files.events, run.files.exit_check]
    paths += [run.files.evidence, run.files.convergence]
    results = run.files.folder("worker-results")
    paths += [os.path.join(results, name) for name in files.names_in(results) if f"-{run.files.seq}." in name]
    found = {}
    for path in paths[:_MOST_FILES]:
        name = os.path.basename(path)
        try:
            data = files.read_bytes(path)
            if data and len(data) <= _LARGEST and _NAME.match(name):
                found[name] = hide(data.decode("utf-8"))[0].encode()
        except (OkstraError, UnicodeDecodeError):
            continue
    return found


def fetch_records(run: RunId, task: TaskFiles, at: RecordsAt) -> str:
    """Brings a run's records from the remote; returns their folder, or "" where there are none. Raises Missing
    (`remote-unreachable`), Unreadable."""
    tip = at.side.read(at.ref(run)).tip
    if not tip:
        return ""
    folder = task.fetched(name_of(run))
    files.make_folder(folder)
    for name, blob in _listed(at.side.path, tip):
        content = must(begin(at.side.path, "--git-dir=.", "cat-file", "blob", blob).finish(), "read a record")
        shown = printable(content.decode("utf-8", "replace"))  # people look at it with their own programs
        files.replace(os.path.join(folder, name), shown.encode())
    return folder


def _listed(repository: str, tip: str) -> list[tuple[str, str]]:
    """The files that okstra writes, by name and blob: others of a hostile tree are left there."""
    listing = must(begin(repository, "--git-dir=.", "ls-tree", "-l", "-z", tip).finish(), "list a run's records")
    found = []
    for entry in listing.split(b"\0")[:-1]:
        fields, _, name = text(entry).partition("\t")
        mode, kind, blob, size = fields.split()
        if (mode, kind) == ("100644", "blob") and _NAME.match(name) and int(size) <= _LARGEST:
            found.append((name, blob))
    return found[:_MOST_FILES]


def try_push(run: KnownRun, services: Services) -> str:
    """At a run's end, where its task is shared; returns a warning when that failed: the records stay here."""
    from .joining import sharing_of

    try:
        sharing = sharing_of(run.project.root, run.id.task, services)
        if sharing is not None and sharing.was_seen:
            push_records(run, sharing.records)
    except OkstraError as error:
        return f"the run's records can't be read on other machines: {error.message}"
    return ""
