"""The isolation receipt of a led run: a snapshot before its first worker, one after its last, and the differences.

`begin` and `finish` are called by whoever leads the run; a digest of the start is kept in okstra's home, since the file
itself lies where a worker could write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from .. import git
from ..claims import ledger_file
from ..claims.ledger_rows import rows_of
from ..errors import OkstraError
from ..names import IMPLEMENTATION
from ..quoting import quote
from ..runs.find import KnownRun, find_run
from ..services import Services
from ..settings.project import project_config
from ..stages.done import out_of_plan_files
from ..status import ClaimStatus, LedgerStatus
from ..system import files
from ..system.text import dumps
from . import hooks
from .authorship import authorship, git_of_workers
from .breaches import SCHEMA, Changed, Place, ReceiptVerdict, Rights, Snapshot, changes, judge
from .snapshot import SnapshotScope, snapshot

_HOME_SCHEMA = "receipt/1"
_HANDOFF = "release-handoff"
_ASKED_AT_THE_START = ("analyst", "executor", "verifier")


class ReceiptStart(NamedTuple):
    """The start of the receipt, kept in the lead's memory: its file lies where a worker could write. `tampered`: the
    file did not match the digest in the home. `records` are digests of files that only okstra writes, `ledger` the rows
    of the task's ledger."""

    document: Mapping[str, Any] = MappingProxyType({})
    tampered: bool = False
    records: Mapping[str, str] = MappingProxyType({})
    ledger: tuple[bytes, ...] = ()


def begin(run: KnownRun, services: Services) -> ReceiptStart:
    """Takes the first snapshot, once: a resumed run is compared with its very start."""
    document = files.read_json(run.files.isolation, SCHEMA)
    if document is not None:
        return ReceiptStart(document, not _as_noted(run, services, document), _records(run), _ledger(run))
    repository = git.discover(run.project.root)
    claims = _claims(services)
    taken = _take(run, services, repository, _idle_siblings(run, claims, claims))
    document = {
        "schema": SCHEMA,
        "run_id": str(run.id),
        "before": taken.to_json() if taken else None,
        "others": {"refs": [], "folders": []},
        "claims": {key: claim._asdict() for key, claim in claims.items()},
        "after": None,
        "breaches": [],
        "notes": [],
    }
    _note(run, services, document)
    files.replace_json(run.files.isolation, document)
    return ReceiptStart(document, False, _records(run), _ledger(run))


def finish(run: KnownRun, services: Services, begun: ReceiptStart) -> ReceiptVerdict:
    """Takes the second snapshot and writes the receipt. Raises WorkFailed, Unreadable: then there is no receipt, and a
    gate that needs one stays closed."""
    document = dict(begun.document)
    if document.get("before") is None:
        return ReceiptVerdict((), ())
    repository = git.discover(run.project.root)
    claims, earlier = _claims(services), _claims_before(document)
    taken = _take(run, services, repository, _idle_siblings(run, earlier, claims))
    if repository is None or taken is None:
        return ReceiptVerdict((), ())
    before = Snapshot.from_json(document["before"])
    rights = _rights(run, services, document, repository, (earlier, claims), before, taken)
    evidence = git_of_workers(run, repository, taken)
    who = authorship(evidence, before, taken)
    found = judge(
        [*changes(before, taken, rights), *who.pushed(run.project.root), *_tampered(run, services, begun)], who.author
    )
    document.update(
        after=taken.to_json(),
        breaches=[one._asdict() for one in found.breaches],
        notes=[one._asdict() for one in found.notes],
    )
    files.replace_json(run.files.isolation, document)
    return found


def _take(run: KnownRun, services: Services, repository: git.Repository | None, siblings: list[str]) -> Snapshot | None:
    """A snapshot; None without git: then there is nothing to compare, and the receipt says so."""
    if repository is None:
        return None
    own = "" if run.id.task_type == IMPLEMENTATION else run.folder
    settings = [run.project.config, services.home.config]
    looks = SnapshotScope(own, siblings, _synced(run, services), settings, hooks.hooks_folder(repository))
    return snapshot(repository, looks, services.environment)


def _synced(run: KnownRun, services: Services) -> list[str]:
    """The paths in the main worktree that the sync list shares with the others."""
    path = run.project.config
    config = project_config(files.read_json(path), where=path, environment=services.environment)
    return [os.path.join(run.project.root, entry.path) for entry in config.sync]


class _Claim(NamedTuple):
    """The part of a registry's claim that the receipt needs; `state` changes whenever a run works there."""

    ref: str
    path: str
    state: str
    idle: bool


def _claims(services: Services) -> dict[str, _Claim]:
    doc = services.registry.read()
    found = {
        str(key): _Claim(f"refs/heads/{one.branch}", one.path, f"{one.status} {one.run_id}", one.owner is None)
        for key, one in doc.tasks()
    }
    for stage, claim in doc.stages():
        state = f"{claim.status} {claim.run_id} {claim.epoch}"
        idle = claim.status is ClaimStatus.DONE
        found[str(stage)] = _Claim(f"refs/heads/{claim.branch}", claim.path, state, idle)
    return found


def _claims_before(document: Mapping[str, Any]) -> dict[str, _Claim]:
    """The claims at the start; empty in a receipt that an older okstra started."""
    try:
        given = document.get("claims") or {}
        return {
            str(key): _Claim(str(one["ref"]), str(one["path"]), str(one["state"]), one["idle"] is True)
            for key, one in given.items()
        }
    except (KeyError, TypeError, AttributeError):
        return {}


_Claims = Mapping[str, _Claim]


def _is_idle(key: str, before: _Claims, after: _Claims) -> bool:
    """Whether no run was at work there between the two reads of the registry."""
    old, new = before.get(key), after.get(key)
    return old is not None and old == new and old.idle


def _idle_siblings(run: KnownRun, before: _Claims, after: _Claims) -> list[str]:
    """The task's other worktrees in which nobody is at work."""
    task = str(run.id.task)
    return [
        claim.path
        for key, claim in sorted(after.items())
        if (key == task or key.startswith(f"{task}#")) and claim.path != run.folder and _is_idle(key, before, after)
    ]


def _rights(
    run: KnownRun,
    services: Services,
    document: Mapping[str, Any],
    repository: git.Repository,
    claims: tuple[_Claims, _Claims],
    before: Snapshot,
    after: Snapshot,
) -> Rights:
    older, newer = claims
    edits = run.id.task_type == IMPLEMENTATION
    own = f"refs/heads/{run.branch}" if run.branch else ""
    places = {name for claim in [*older.values(), *newer.values()] for name in (claim.ref, claim.path)}
    busy = {
        name
        for key in {*older, *newer}
        if not _is_idle(key, older, newer)
        for claim in (older.get(key), newer.get(key))
        if claim is not None
        for name in (claim.ref, claim.path)
    }
    busy |= _integrated(run, newer, before, after)
    known = document.get("others") or {}
    return Rights(
        main=git.main_worktree(repository) if repository.linked else run.project.root,
        worktree=run.folder,
        branch=own if edits or run.id.task_type == _HANDOFF else "",
        own_branch=own,
        edits=edits,
        okstras=frozenset(places),
        busy=frozenset({*busy, *known.get("refs", ()), *known.get("folders", ()), *_pushed(run)}),
        unplanned=_unplanned(run, services) if edits else (),
    )


def _integrated(run: KnownRun, claims: _Claims, before: Snapshot, after: Snapshot) -> set[str]:
    """The task's branch and folder, if only merges of done stages were added to it, as `okstra integrate` does."""
    claim = claims.get(str(run.id.task))
    old, new = (one.refs.get(claim.ref, "") if claim else "" for one in (before, after))
    if claim is None or not old or not new or old == new:
        return set()
    done = {row.head_commit for row in rows_of(_ledger(run)) if row.status is LedgerStatus.DONE}
    merged = git.merged_between(run.project.root, old, new)
    return {claim.ref, claim.path} if merged and all(one in done for one in merged) else set()


def _pushed(run: KnownRun) -> set[str]:
    """The remote-tracking refs of the branch, which a hand-off moves when it pushes."""
    if run.id.task_type != _HANDOFF or not run.branch:
        return set()
    return {ref for ref in git.remote_refs(run.project.root) if ref.endswith(f"/{run.branch}")}


def _unplanned(run: KnownRun, services: Services) -> tuple[str, ...]:
    if not run.base_commit or not os.path.isdir(run.folder):
        return ()
    try:
        return out_of_plan_files(run.folder, run.base_commit, run.stage(services))
    except OkstraError:
        return ()


def _records(run: KnownRun) -> dict[str, str]:
    """Digests of what okstra wrote for the run before its first worker, which no worker may change."""
    rows = run.manifest.get("roster")
    asked = [str(row["id"]) for row in rows if row["role"] in _ASKED_AT_THE_START] if isinstance(rows, list) else []
    paths = [run.files.run_context, run.files.launch_prompt, run.files.guard_rules]
    paths += [run.files.worker_prompt(worker) for worker in asked]
    return {path: _digest(path) for path in paths if os.path.isfile(path)}


def _tampered(run: KnownRun, services: Services, begun: ReceiptStart) -> Iterator[Changed]:
    """Records that are not as okstra left them."""
    found = [path for path, digest in begun.records.items() if _digest(path) != digest]
    found += hooks.foreign_hooks(run)
    try:
        document = files.read_json(run.files.isolation, SCHEMA) or {}
    except OkstraError:
        document = {}
    if begun.tampered or document.get("before") != begun.document["before"]:
        found.append(run.files.isolation)
    for path in found:
        yield _record(path, "a record of the run, which okstra alone writes, was changed")
    path, rows = run.project.task(run.id.task).consumers, _ledger(run)
    if rows[: len(begun.ledger)] != begun.ledger:
        yield _record(path, "rows of the ledger were changed or removed, and okstra only adds some")
    for row in rows_of(rows[len(begun.ledger) :]):
        if row.status is LedgerStatus.DONE and not _was_prepared(row.run_id, run, services):
            detail = f"a row says that stage {row.stage} was done by {row.run_id or 'no run'}, which never was"
            yield _record(path, detail)


def _ledger(run: KnownRun) -> tuple[bytes, ...]:
    return tuple(line for line in ledger_file.read_lines(run.project.task(run.id.task).consumers) if line.strip())


def _record(path: str, detail: str) -> Changed:
    return Changed("record", path, detail, Place.OKSTRAS, f"ls -l {quote(path)}")


def _was_prepared(run_id: str, run: KnownRun, services: Services) -> bool:
    try:
        find_run(run_id, run.project.root, services)
    except OkstraError:
        return False
    return True


def _digest(path: str) -> str:
    try:
        return sha256(files.read_bytes(path) or b"").hexdigest()
    except OkstraError:
        return ""


def home_file(manifest: str, services: Services) -> str:
    """The path of the home's record of how the receipt of the run with that manifest started."""
    return services.home.receipt(sha256(manifest.encode("utf-8", "surrogateescape")).hexdigest()[:32])


def forget(run: KnownRun, services: Services) -> None:
    """Removes the home's record of a completed run, which nobody resumes. After a kill, `okstra gc` removes it."""
    with suppress(OkstraError):
        files.discard(home_file(run.files.manifest, services))


def _note(run: KnownRun, services: Services, document: Mapping[str, Any]) -> None:
    """Writes a digest of the start to the home, before the receipt: one without it is from an older okstra."""
    path = home_file(run.files.manifest, services)
    files.make_private_folders(os.path.dirname(path))
    given = {
        "schema": _HOME_SCHEMA,
        "run_id": str(run.id),
        "manifest": run.files.manifest,
        "before": _digest_of(document["before"]),
    }
    files.replace_json(path, given)


def _as_noted(run: KnownRun, services: Services, document: Mapping[str, Any]) -> bool:
    noted = files.read_json(home_file(run.files.manifest, services), _HOME_SCHEMA)
    return noted is None or noted.get("before") == _digest_of(document.get("before"))


def _digest_of(value: object) -> str:
    return sha256(dumps(value).encode("utf-8", "surrogateescape")).hexdigest()
