"""The isolation receipt of a led run: a snapshot before its first worker, one after its last, and what differs."""

from __future__ import annotations

import os

from ..core.isolation import SCHEMA, Breach, Rights, Snapshot, breaches
from ..core.paths import IMPLEMENTATION
from ..core.project_config import project_config
from ..edges import fsio, git
from ..edges.isolation_probe import snapshot
from ..words.errors import OkstraError
from ..words.hints import Any, Mapping
from .doors import Doors
from .runs import KnownRun
from .stage_done import planned_strays


def begin(run: KnownRun, doors: Doors) -> None:
    """Takes the first snapshot, once: a run that is resumed is measured from its very start."""
    if fsio.read_json(run.files.isolation, SCHEMA) is not None:
        return
    repository = git.discover(run.project.root)
    taken = _take(run, doors, repository)
    refs, folders = _others(run, doors)
    document: dict[str, object] = {
        "schema": SCHEMA,
        "run_id": str(run.id),
        "before": taken.to_json() if taken else None,
        "others": {"refs": sorted(refs), "folders": sorted(folders)},
        "after": None,
        "breaches": [],
    }
    fsio.replace_json(run.files.isolation, document)


def finish(run: KnownRun, doors: Doors) -> tuple[Breach, ...]:
    """Takes the second snapshot and writes the receipt. Raises WorkFailed, Unreadable: then there is no receipt,
    and a gate that needs one stays shut."""
    document: dict[str, Any] = fsio.read_json(run.files.isolation, SCHEMA) or {}
    if document.get("before") is None:
        return ()
    repository = git.discover(run.project.root)
    taken = _take(run, doors, repository)
    if repository is None or taken is None:
        return ()
    found = breaches(Snapshot.from_json(document["before"]), taken, _rights(run, doors, document, repository))
    document.update(after=taken.to_json(), breaches=[one._asdict() for one in found])
    fsio.replace_json(run.files.isolation, document)
    return found


def _take(run: KnownRun, doors: Doors, repository: git.Repository | None) -> Snapshot | None:
    """None without git: then there is nothing to compare, and the receipt says so."""
    if repository is None:
        return None
    own = "" if run.id.task_type == IMPLEMENTATION else run.folder
    return snapshot(repository, own, _synced(run, doors), doors.environment)


def _synced(run: KnownRun, doors: Doors) -> list[str]:
    """What the sync list shares with worktrees, in the main one."""
    path = run.project.config
    config = project_config(fsio.read_json(path), where=path, environment=doors.environment)
    return [os.path.join(run.project.root, entry.path) for entry in config.sync]


def _others(run: KnownRun, doors: Doors) -> tuple[set[str], set[str]]:
    """Branches and folders that other okstra runs may change, by the registry."""
    doc = doors.registry.read()
    mine = run.folder
    places = [(claim.branch, claim.path) for _, claim in doc.tasks()]
    places += [(claim.branch, claim.path) for _, claim in doc.stages()]
    theirs = [(branch, path) for branch, path in places if path != mine]
    return {f"refs/heads/{branch}" for branch, _ in theirs}, {path for _, path in theirs}


def _rights(run: KnownRun, doors: Doors, document: Mapping[str, Any], repository: git.Repository) -> Rights:
    refs, folders = _others(run, doors)
    known = document.get("others") or {}
    edits = run.id.task_type == IMPLEMENTATION
    branch = run.branch
    moves = edits or run.id.task_type == "release-handoff"
    return Rights(
        main=git.main_worktree(repository) if repository.linked else run.project.root,
        worktree=run.folder,
        branch=f"refs/heads/{branch}" if branch and moves else "",
        edits=edits,
        others_refs=frozenset({*refs, *known.get("refs", ()), *_pushed(run, branch)}),
        others_folders=frozenset({*folders, *known.get("folders", ())}),
        unplanned=_unplanned(run, doors) if edits else (),
    )


def _pushed(run: KnownRun, branch: str) -> set[str]:
    """A hand-off that was to push moves the branch's remote-tracking ref."""
    if run.id.task_type != "release-handoff" or not branch:
        return set()
    return {ref for ref in git.remote_refs(run.project.root) if ref.endswith(f"/{branch}")}


def _unplanned(run: KnownRun, doors: Doors) -> tuple[str, ...]:
    if not run.base_commit or not os.path.isdir(run.folder):
        return ()
    try:
        return planned_strays(run.folder, run.base_commit, run.stage(doors))
    except OkstraError:
        return ()
