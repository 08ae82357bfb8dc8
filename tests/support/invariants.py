"""The invariants I1 to I6 and I8 of a project and its home, checked from outside: by files and by git alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from .faults import eventually
from .okstra import Project

_LOCK_FILES = ("okstra.lock", "okstra.lock.fence")  # okstra's own, which stay; nobody holds them


def check(
    project: Project,
    *,
    worked_in: Collection[str] = (),
    left_branches: Collection[str] = (),
    commits: Iterable[str] = (),
) -> None:
    """Raises AssertionError with everything that is wrong.

    `worked_in`: keys of claims whose worktrees may have left their base. `left_branches`: branches that
    released stages left. `commits`: what must still be reachable (I8).
    """
    registry = _registry(project)
    claims = {**registry["tasks"], **registry["stages"]}
    active = {key: claim for key, claim in claims.items() if claim["status"] == "active"}
    wrong = [
        *_i1_nothing_is_shared(registry),
        *_i2_active_worktrees_are_whole(project, active, worked_in),
        *(f"I3 {key} is still {claim['status']}" for key, claim in claims.items() if claim["status"] == "provisioning"),
        *_i4_all_agree(project, claims, left_branches),
        *_i4_no_temporary_file(project),
        *_i5_git_is_well(project),
        *_i6_ledger_is_whole(project, registry),
        *_i8_nothing_is_lost(project, commits),
    ]
    assert not wrong, "\n".join(wrong)


def _registry(project: Project) -> dict[str, Any]:
    path = project.home / "worktrees" / "registry.json"
    return project.registry if path.exists() else {"tasks": {}, "stages": {}}


def _i1_nothing_is_shared(registry: dict[str, Any]) -> list[str]:
    claims = [*registry["tasks"].values(), *registry["stages"].values()]
    ports = [number for numbers in registry.get("ports", {}).values() for number in numbers.values()]
    if len(set(ports)) != len(ports):
        return [f"I1 a port belongs to two worktrees: {registry['ports']}"]
    return [
        f"I1 the {field} {value!r} is held {count} times"
        for field in ("path", "branch", "token")
        for value, count in Counter(claim[field] for claim in claims).items()
        if count > 1
    ]


def _i2_active_worktrees_are_whole(
    project: Project, active: dict[str, Any], worked_in: Collection[str]
) -> Iterable[str]:
    for key, claim in active.items():
        path = Path(claim["path"])
        if not path.is_dir():
            yield f"I2 {key} is active, its folder {path} is not there"
            continue
        head = project.repo.git("-C", str(path), "symbolic-ref", "--quiet", "HEAD", check=False)
        if head != f"refs/heads/{claim['branch']}":
            yield f"I2 {key} is not on its branch but on {head!r}"
        if key in worked_in:
            continue
        changed = project.repo.git("-C", str(path), "status", "--porcelain", "--untracked-files=all")
        if changed:
            yield f"I2 {key} is not clean: {changed}"
        if "#" in key and project.repo.git("-C", str(path), "rev-parse", "HEAD") != claim["base_commit"]:
            yield f"I2 {key} is not at its base"


def _i4_all_agree(project: Project, claims: dict[str, Any], left_branches: Collection[str]) -> Iterable[str]:
    standing = {key: claim for key, claim in claims.items() if claim["status"] == "active"}
    done = {key: claim for key, claim in claims.items() if claim["status"] == "done"}
    must, may = _paths(standing), _paths(standing) | _paths(done)
    listed = set(project.repo.worktree_paths()[1:])
    admin = {str(Path(file.read_text().strip()).parent) for file in _admin_folders(project, "gitdir")}
    worktrees = project.home / "worktrees"
    eventually(lambda: not list((worktrees / ".trash").glob("*")), seconds=60)  # emptied behind the commands
    folders = {str(path) for path in worktrees.glob("*/*/*/*")}
    for what, found in (("git worktree list", listed), ("admin folders", admin), ("folders", folders)):
        yield from (f"I4 {what} lacks {path}" for path in must - found)
        yield from (
            f"I4 {what} has {path}, and no claim has it" for path in found - may if not _is_for_proofs(path, may)
        )
    for folder in _admin_folders(project, ""):
        if not (folder / "gitdir").exists():
            yield f"I4 the admin folder {folder} is half made"
        elif not (folder / "locked").exists():
            yield f"I4 the worktree of {folder} is not locked"
    branches = project.repo.branches() - {"main"}
    held = {claim["branch"] for claim in claims.values()}
    yield from (f"I4 there is no branch {branch}" for branch in {c["branch"] for c in standing.values()} - branches)
    yield from (f"I4 no claim has the branch {branch}" for branch in branches - held - set(left_branches))


def _is_for_proofs(path: str, claimed: Collection[str]) -> bool:
    """Whether it is a checkout for proofs, or their folder, beside the task's worktree."""
    place = path if path.endswith("/proof") else os.path.dirname(path)
    return place.endswith("/proof") and f"{os.path.dirname(place)}/task" in claimed


def _paths(claims: dict[str, Any]) -> set[str]:
    return {claim["path"] for claim in claims.values()}


def _admin_folders(project: Project, file: str) -> list[Path]:
    folder = _common_dir(project) / "worktrees"
    found = [path / file for path in folder.iterdir()] if folder.is_dir() else []
    return [path for path in found if path.exists()]


def _common_dir(project: Project) -> Path:
    return Path(project.repo.git("rev-parse", "--path-format=absolute", "--git-common-dir"))


def _i4_no_temporary_file(project: Project) -> Iterable[str]:
    for path in _common_dir(project).rglob("*"):
        if _is_of_a_killed_git(path):
            continue
        if (path.suffix == ".lock" and path.name not in _LOCK_FILES) or path.name.startswith(("tmp_", ".tmp")):
            yield f"I4 {path} was left behind"
    for root in (project.home, project.repo.path / ".okstra"):
        for path in root.rglob("*"):
            if path.name.endswith((".okstra-tmp", ".holder")):
                yield f"I4 {path} was left behind"
    for context in (project.repo.path / ".okstra").glob("tasks/*/*/runs/implementation/stage-*/state/run-context-*"):
        number = context.stem.removeprefix("run-context-")
        manifest = context.parents[1] / "manifests" / f"run-manifest-implementation-{number}.json"
        if not manifest.exists():
            yield f"I4 {context} is of a run that never was"


def _is_of_a_killed_git(path: Path) -> bool:
    """An object half written is in nobody's way, and goes with the next `git gc`."""
    return path.name.startswith("tmp_obj_") and path.parent.parent.name == "objects"


def _i5_git_is_well(project: Project) -> Iterable[str]:
    fsck = subprocess.run(
        ["git", "-C", str(project.repo.path), "fsck", "--full", "--no-dangling", "--no-progress"],
        env=project.repo.environment,
        capture_output=True,
        text=True,
    )
    if fsck.returncode or fsck.stderr.strip():
        yield f"I5 git fsck: {fsck.stdout}{fsck.stderr}"
    foreign = project.repo.path.parent / "foreign worktree"
    try:
        project.repo.git("worktree", "add", "--quiet", "-b", "foreign", str(foreign))
        project.repo.git("worktree", "remove", str(foreign))
        project.repo.git("branch", "--quiet", "-D", "foreign")
    except AssertionError as failed:
        yield f"I5 a foreign git worktree add: {failed}"


def _i6_ledger_is_whole(project: Project, registry: dict[str, Any]) -> Iterable[str]:
    for ledger in (project.repo.path / ".okstra" / "tasks").glob("*/*/runs/implementation-planning/consumers.jsonl"):
        text = ledger.read_text()
        if text and not text.endswith("\n"):
            yield f"I6 the last row of {ledger} is torn"
        rows = [json.loads(line) for line in text.splitlines()]
        ids = Counter(row["id"] for row in rows)
        yield from (f"I6 {count} rows have the id {row_id}" for row_id, count in ids.items() if count > 1)
    rows = [row for task in registry["tasks"] for row in _rows_of(project, task)]
    written = {(row["run_id"], row["epoch"], row["status"]) for row in rows}
    for key, claim in registry["stages"].items():
        hold = (claim["run_id"], claim["epoch"])
        if (*hold, "started") not in written:
            yield f"I6 {key} has no started row"
        if claim["status"] == "done" and (*hold, "done") not in written:
            yield f"I6 {key} is done and has no done row"
        run, stage = claim["run_id"].rsplit("/", 1)[1], key.rsplit("-", 1)[1]
        folder = Path(claim["plan"]).parents[2] / "implementation" / f"stage-{stage}"
        for name in (f"manifests/run-manifest-implementation-{run}.json", f"state/run-context-{run}.json"):
            if not (folder / name).exists() and claim["status"] != "provisioning":
                yield f"I6 {key} has no {name}"


def _rows_of(project: Project, task_key: str) -> list[dict[str, Any]]:
    rows = []
    for ledger in (project.repo.path / ".okstra" / "tasks").glob("*/*/runs/implementation-planning/consumers.jsonl"):
        rows += [json.loads(line) for line in ledger.read_text().splitlines()]
    return [row for row in rows if row["impl_task_key"] == task_key]


def _i8_nothing_is_lost(project: Project, commits: Iterable[str]) -> Iterable[str]:
    reachable = set(project.repo.git("rev-list", "--all").split())
    return [f"I8 the commit {commit} is on no ref" for commit in commits if commit not in reachable]
