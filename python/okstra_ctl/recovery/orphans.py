"""What a survey finds, each with what to do, and with the repair where okstra may make it (docs/how-to/recover.md).

Found here: worktrees under okstra's home without a claim, left by a crash or by a lost registry; and done commits that
a rebase or squash rewrote, by their patch ids.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .. import git
from ..claims import ledger_file
from ..claims.ledger_file import ledger_path
from ..claims.ledger_rows import DONE_ROWS, LedgerRow, row_id
from ..claims.registry_document import RegistryDoc, TaskClaim
from ..errors import OkstraError
from ..git import merge, worktree_admin
from ..home_paths import home_of_worktree
from ..names import (
    BRANCH_PREFIXES,
    DEFAULT_CATEGORY,
    RunId,
    StageKey,
    TaskKey,
    number_in,
    parse_place_key,
    stage_branch,
    task_branch,
)
from ..paths import ProjectFiles
from ..plan import plans
from ..plan.model import StageMap
from ..quoting import okstra_command, quote
from ..runs.manifest import SCHEMA
from ..services import Services
from ..settings.project import teardown_commands
from ..sharing.joining import known_view
from ..status import LedgerStatus, Word
from ..system import trash
from ..system.files import read_json
from ..system.locks import LockKind, locked
from ..tasks.records import read_manifest
from ..worktrees import create, proofs
from ..worktrees.create import PREFIX, clear_abandoned, half_made, is_abandoned
from ..worktrees.remove import set_aside_saved
from ..worktrees.unsaved import Saved, SavePolicy, save_unsaved
from ..worktrees.users import led_run

ALREADY_DONE = "another command has dealt with it; nothing was changed"
"""What an act returns when its check under the lock finds nothing left to repair."""

_REASON = "okstra "


class Kind(Word):
    """What can be wrong."""

    ABANDONED = "abandoned"
    STARTED_ROW = "started-row-missing"
    DONE_MARK = "done-mark-missing"
    INTERRUPTED = "interrupted"
    FOLDER_GONE = "folder-gone"
    ORPHAN = "orphan-worktree"
    QUARANTINE = "quarantine-left"
    OTHER_HOME = "worktree-of-another-home"
    SCRATCH = "scratch-left"
    MERGE = "merge-unfinished"
    REWRITTEN = "done-commit-rewritten"
    LOST_COMMIT = "done-commit-lost"
    LEDGER_LINES = "ledger-lines-unreadable"
    INDEX = "index-unreadable"
    NOT_INDEXED = "not-indexed"
    CATALOG = "catalogue-behind"
    PROJECT_GONE = "project-gone"
    REMOTE = "claims-at-remote"
    UNPUBLISHED = "stage-unpublished"


class Finding(NamedTuple):
    """`act` repairs it and returns what it did; None where a person decides, as `way_on` says.

    Every act checks again, under the lock, whether the finding still applies: a command may have started since.
    `notice`: nothing is wrong, and there is nothing to do from here.
    """

    kind: Kind
    subject: str
    what: str
    way_on: str
    act: Callable[[], str] | None = None
    notice: bool = False


class Outcome(NamedTuple):
    """One finding after the command: `done` says what was done, `failed` why it failed."""

    found: Finding
    done: str = ""
    failed: str = ""

    @property
    def open(self) -> bool:
        return not self.done and not self.found.notice


def orphans_of(repository: git.Repository, root: str, services: Services) -> Iterator[Finding]:
    """Those of one repository, recognised by their lock reason.

    The registry is read after git's records: a claim exists before its worktree and is removed after it. The
    records are read as files: `git worktree list` fails on a half-written one.
    """
    admins = worktree_admin.admin_folders(repository.common_dir)
    doc = services.registry.read()
    claimed = _claimed(doc)
    for admin in admins:
        key = key_of_reason(admin.reason)
        if key is None or not admin.worktree or os.path.realpath(admin.worktree) in claimed:
            continue
        if not trash.is_ours(services.home, admin.worktree):
            yield _of_another_home(admin.worktree, key)
        elif proofs.is_proof(admin.worktree, admin.reason):
            yield from _proof(admin.worktree, key, doc, repository, services)
        elif not is_scratch(admin.worktree):
            yield _orphan(admin, key, repository, root, services)
        elif is_abandoned(admin.worktree):
            yield from _scratch(admin.worktree, key, repository, services)
    task = next((key for key, claim in doc.tasks() if claim.project_root == root), None)
    if task is not None:
        for folder in half_made(repository):
            yield from _scratch(folder, task, repository, services)


def is_scratch(path: str) -> bool:
    """Whether the worktree is one that an integration tries merges in."""
    return os.path.basename(path).startswith(PREFIX)


def key_of_reason(reason: str | None) -> TaskKey | StageKey | None:
    """The task or stage that a worktree was made for; None for one that is not okstra's."""
    if not reason or not reason.startswith(_REASON):
        return None
    text = reason.removeprefix(_REASON).removesuffix(" integrate").partition(" epoch ")[0].partition(proofs.MARK)[0]
    try:
        return parse_place_key(text)
    except OkstraError:
        return None


def epoch_of_reason(reason: str) -> int:
    """The epoch that a stage's worktree was made under; 0 for a task's."""
    _, found, number = reason.rpartition(" epoch ")
    return (number_in(number) or 0) if found else 0


def _claimed(doc: RegistryDoc) -> set[str]:
    return {os.path.realpath(path) for _, path in doc.claims()}


def _of_another_home(path: str, key: TaskKey | StageKey) -> Finding:
    """A worktree of another okstra home: it is in that home's registry, and must be left alone here."""
    home = home_of_worktree(path)
    if not home:
        what = f"the worktree {path} stands outside okstra's home"
        way_on = "if you moved it there, move it back: git worktree move"
    else:
        what = f"the worktree {path} belongs to the okstra home {home}"
        way_on = f"nothing from here; there: OKSTRA_HOME={quote(home)} okstra reconcile"
    return Finding(Kind.OTHER_HOME, str(key), what, way_on, notice=True)


def _scratch(path: str, key: TaskKey | StageKey, repository: git.Repository, services: Services) -> Iterator[Finding]:
    task = key.task if isinstance(key, StageKey) else key

    def clear() -> str:
        clear_abandoned(services.home, repository, task)
        return f"removed {path}" if not os.path.exists(path) else "its integration is still going on"

    yield Finding(Kind.SCRATCH, str(task), f"an integration left {path}", "okstra reconcile --apply", clear)


def _proof(
    path: str, key: TaskKey | StageKey, doc: RegistryDoc, repository: git.Repository, services: Services
) -> Iterator[Finding]:
    """A checkout for proofs is removed with its task's worktree, so only a lost registry leaves one behind."""
    task = key.task if isinstance(key, StageKey) else key
    if doc.task(task) is not None:
        return

    def remove() -> str:
        if services.registry.read().task(task) is not None:
            return ALREADY_DONE
        return f"removed {path}" if proofs.remove(services.home, repository, task) else ALREADY_DONE

    what = f"no task has the checkout for proofs {path}"
    yield Finding(Kind.SCRATCH, str(task), what, "okstra reconcile --apply", remove)


def _orphan(
    admin: worktree_admin.AdminFolder,
    key: TaskKey | StageKey,
    repository: git.Repository,
    root: str,
    services: Services,
) -> Finding:
    path = admin.worktree

    what = f"no reservation knows the worktree {path}"
    run = led_run(key, services)
    if run:  # the registry was lost while it ran
        return Finding(Kind.ORPHAN, str(key), f"{what}, in which {run} is running", "okstra reconcile --rebuild")
    try:
        commands = teardown_commands(ProjectFiles(root).config)
    except OkstraError as error:  # settings that can't be read: nobody knows what is to be torn down
        return Finding(Kind.ORPHAN, str(key), what, f"{error.where}: {error.message}")
    if commands and os.path.isdir(path):  # what its set-up began may go on, on ports that the registry alone knew
        ends = "; ".join(f"`{command}`" for command in commands)
        way_on = (
            "okstra reconcile --rebuild; its release or removal then runs worktreeTeardown, without the ports it had"
        )
        return Finding(Kind.ORPHAN, str(key), what, f"{way_on}: {ends}")

    def unclaimed(doc: RegistryDoc) -> bool:
        """Whether it still is the worktree that was found, and unclaimed."""
        same = worktree_admin.at(repository.common_dir, path) == admin
        return same and os.path.realpath(path) not in _claimed(doc) and not led_run(key, services)

    def save_and_remove() -> str:
        if not unclaimed(services.registry.read()):
            return ALREADY_DONE
        saved = save_unsaved(path, key, SavePolicy(force=True)) if os.path.isdir(path) else Saved("")
        reason = admin.reason or ""
        branches = {*_standing_branches(key, repository), *_branches_made(key, reason, root)}
        with locked(LockKind.REPOSITORY, repository.lock) as lock:  # a run adds its worktree under it, after its claim
            doc = services.registry.read()
            if not unclaimed(doc):
                return ALREADY_DONE
            aside, saved = set_aside_saved(path, key, saved, services)
            if aside:
                trash.discard_aside(aside)
            create.forget(repository, path)
            free = sorted(branch for branch in branches if doc.holder_of_branch(root, branch) is None)
            taken = create.delete_untouched_branches(repository, free, reason, lock.keep_open)
        trash.sweep(services.home)
        also = f" with its untouched branch {taken[0]}" if taken else ""
        return f"removed {path}{also}" + (f"; unsaved work is kept by {saved.ref}" if saved.ref else "")

    ways = "okstra reconcile --apply removes it, keeping its work; --rebuild takes it into the registry"
    return Finding(Kind.ORPHAN, str(key), what, ways, save_and_remove)


def _standing_branches(key: TaskKey | StageKey, repository: git.Repository) -> frozenset[str]:
    """The branches that may be its own, under any work category."""
    task = key.task if isinstance(key, StageKey) else key
    return git.branches_like(repository.top, *(task_branch(category, task) for category in BRANCH_PREFIXES))


def _branches_made(key: TaskKey | StageKey, reason: str, root: str) -> list[str]:
    """The branches whose creation for it may have been killed."""
    if isinstance(key, TaskKey):
        return [task_branch(category_of(root, key), key)]
    of_task = task_branch(category_of(root, key.task), key.task)
    epoch = epoch_of_reason(reason)
    return [stage_branch(of_task, key.stage, epoch, taken) for taken in ((), (stage_branch(of_task, key.stage, 1),))]


def category_of(root: str, key: TaskKey) -> str:
    """The work category that the task was begun with."""
    manifest = read_manifest(ProjectFiles(root).task(key)) or {}
    category = str(manifest.get("work_category", ""))
    return category if category in BRANCH_PREFIXES else DEFAULT_CATEGORY


def rewritten_commits(
    key: TaskKey, claim: TaskClaim, repository: git.Repository, services: Services
) -> Iterator[Finding]:
    """One finding for each done commit that no branch has any more, or that a branch has in another form."""
    files = ProjectFiles(claim.project_root).task(key)
    plan = plans.latest(files)
    stage_map = _stage_map(plan, services)
    if plan is None or stage_map is None:
        return
    view = ledger_file.read(ledger_path(plan), task_key=str(key), plan_digest=stage_map.digest)
    elsewhere = known_view(claim.project_root, key, services).stages
    for stage, row in sorted(view.newest.items()):
        on_other_machine = stage in elsewhere and elsewhere[stage].host  # its commit need not be here
        if row.status in DONE_ROWS and row.head_commit and not on_other_machine:
            base = _base_of(row, claim)
            found = _look_at(StageKey(key, stage), row, base, claim, repository, plan, services)
            if found is not None:
                yield found


def _stage_map(plan: str | None, services: Services) -> StageMap | None:
    try:
        return plans.load(plan, services).stage_map if plan else None
    except OkstraError:
        return None


def _base_of(row: LedgerRow, claim: TaskClaim) -> str:
    """Where the stage's own commits begin, by its run's manifest."""
    run = RunId.parse(row.run_id)
    manifest = read_json(ProjectFiles(claim.project_root).task(run.task).run_of(run).manifest, SCHEMA) or {}
    return str(manifest.get("base_commit", ""))


def _look_at(
    key: StageKey,
    row: LedgerRow,
    base: str,
    claim: TaskClaim,
    repository: git.Repository,
    plan: str,
    services: Services,
) -> Finding | None:
    top, places = repository.top, _places(claim, repository)
    if any(git.is_ancestor(top, row.head_commit, place) for place in places):
        return None
    new = next((found for place in places if (found := _rewritten_as(top, base, row.head_commit, place))), "")
    if new:
        what = f"its done commit {row.head_commit[:12]} was written anew as {new[:12]}"
        superseded = _superseded_row(row, new, services.clock.now())
        return Finding(
            Kind.REWRITTEN,
            str(key),
            what,
            "okstra reconcile --apply",
            lambda: _write_superseded(key, row, superseded, plan, services),
        )
    if git.is_on_a_branch(top, row.head_commit):
        return None
    what = f"its done commit {row.head_commit[:12]} is on no branch, and nothing with the same changes was found"
    ways = f"git branch rescue-{key.stage} {row.head_commit[:12]}; or {okstra_command('run', '--again', row.run_id)}"
    return Finding(Kind.LOST_COMMIT, str(key), what, ways)


def _write_superseded(key: StageKey, row: LedgerRow, superseded: LedgerRow, plan: str, services: Services) -> str:
    """Under the registry lock, so that no run can claim the stage while the row is checked."""
    with services.registry.transaction():
        view = ledger_file.read(ledger_path(plan), task_key=str(key.task), plan_digest=row.plan_digest)
        if view.newest.get(key.stage) != row:
            return ALREADY_DONE
        return f"wrote {ledger_file.append(ledger_path(plan), [superseded])} superseded row"


def _places(claim: TaskClaim, repository: git.Repository) -> list[str]:
    """Where stages end up: the task branch, and the branch of the main worktree."""
    found = [git.branch_commit(repository.top, claim.branch) or "", repository.head]
    return [commit for commit in dict.fromkeys(found) if commit]


def _rewritten_as(top: str, base: str, head: str, place: str) -> str:
    """The commit of `place` that has all changes of `base..head`: the last of a rebase, or the one of a squash."""
    if not base or not git.resolve(top, base) or not git.resolve(top, head):
        return ""
    there = merge.patch_ids(top, [place, f"^{base}"])
    ours = merge.patch_ids(top, [head, f"^{base}"])
    if ours and all(patch in there for patch in ours):
        return git.newest_of(top, [there[patch] for patch in ours])
    return there.get(merge.patch_id_of_range(top, base, head), "")


def _superseded_row(row: LedgerRow, commit: str, at: str) -> LedgerRow:
    return row._replace(
        id=f"{row_id(row.run_id, row.epoch, LedgerStatus.SUPERSEDED)}:{commit[:12]}",
        status=LedgerStatus.SUPERSEDED,
        at=at,
        head_commit=commit,
        note=f"was {row.head_commit}",
    )
