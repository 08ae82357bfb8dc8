"""Every path inside okstra's home, in one place (docs/formats.md)."""

from __future__ import annotations

import os
from typing import NamedTuple

from .names import TaskKey

WORKTREE_DEPTH = 4  # below `worktrees`: <project>/<group>/<id>/<name>
PROOFS = "proof"  # the <name> that holds checkouts of okstra's own, one level deeper


class HomePaths(NamedTuple):
    """`root` is `OKSTRA_HOME`, or `~/.okstra`."""

    root: str

    @property
    def config(self) -> str:
        return os.path.join(self.root, "config.json")

    @property
    def config_lock(self) -> str:
        return os.path.join(self.root, ".locks", "config.lock")

    @property
    def trusted(self) -> str:
        """Digests of the commands in projects' settings that a person trusts."""
        return os.path.join(self.root, "trusted.json")

    @property
    def trusted_lock(self) -> str:
        return os.path.join(self.root, ".locks", "trusted.lock")

    @property
    def dropped(self) -> str:
        """The tasks and runs that nobody wants any more."""
        return os.path.join(self.root, "dropped.json")

    @property
    def dropped_lock(self) -> str:
        return os.path.join(self.root, ".locks", "dropped.lock")

    @property
    def machine_id(self) -> str:
        """One line: a random id by which other machines tell this home from theirs."""
        return os.path.join(self.root, "machine-id")

    @property
    def machine_id_lock(self) -> str:
        return os.path.join(self.root, ".locks", "machine-id.lock")

    @property
    def remotes(self) -> str:
        """Bare repositories, one for each git remote that has claims."""
        return os.path.join(self.root, "remotes")

    def side_repository(self, digest: str) -> str:
        """What okstra has read of a remote; `digest` is that of the remote's address."""
        return os.path.join(self.remotes, f"{digest}.git")

    def remote_lock(self, digest: str) -> str:
        return os.path.join(self.remotes, f"{digest}.lock")

    def watched_claims(self, digest: str) -> str:
        """Since when this home has seen the claims of a remote as they are."""
        return os.path.join(self.remotes, f"{digest}.watched.json")

    @property
    def memory_book(self) -> str:
        return os.path.join(self.root, "memory-book")

    @property
    def memory_index(self) -> str:
        return os.path.join(self.memory_book, "index.json")

    @property
    def memory_lock(self) -> str:
        return os.path.join(self.root, ".locks", "memory.lock")

    def receipt(self, digest: str) -> str:
        """The start of a run's isolation receipt, kept outside the project; `digest` is that of the manifest's path."""
        return os.path.join(self.root, "receipts", f"receipt-{digest}.json")

    @property
    def sandbox(self) -> str:
        """What a sandbox needs: for each worker at work, a folder with its client's private state."""
        return os.path.join(self.root, "sandbox")

    @property
    def quarantines(self) -> str:
        """Private git folders of executors, while they work and until their commits are taken home."""
        return os.path.join(self.root, "quarantines")

    @property
    def placed(self) -> str:
        """The jobs that were placed on a fleet from here, one file each, until their stages are done."""
        return os.path.join(self.root, "placed")

    def node_scratch(self, name: str) -> str:
        """Where a fleet's node keeps what Dask needs; Dask clears what a killed one left there."""
        return os.path.join(self.root, "nodes", name)

    @property
    def worktrees(self) -> str:
        return os.path.join(self.root, "worktrees")

    @property
    def registry(self) -> str:
        return os.path.join(self.worktrees, "registry.json")

    @property
    def registry_lock(self) -> str:
        return os.path.join(self.worktrees, "registry.lock")

    @property
    def trash(self) -> str:
        return os.path.join(self.worktrees, ".trash")

    def approvals(self, project: str) -> str:
        """A project's approvals: one row for each time that somebody approved a plan."""
        return os.path.join(self.root, "approvals", project, "approvals.jsonl")

    def approved_text(self, project: str, digest: str) -> str:
        """The text of the plan that was approved, by the digest of its Stage Map."""
        return os.path.join(self.root, "approvals", project, f"{digest}.md")

    def approved_map(self, project: str, digest: str) -> str:
        """The Stage Map of that text as it was checked, so that most commands need no markdown parser."""
        return os.path.join(self.root, "approvals", project, f"{digest}.json")

    @property
    def approvals_lock(self) -> str:
        return os.path.join(self.root, ".locks", "approvals.lock")

    def seals(self, project: str) -> str:
        """A project's seals: one row for each time that a run ended, with digests of what it left."""
        return os.path.join(self.root, "seals", f"{project}.jsonl")

    @property
    def seals_lock(self) -> str:
        return os.path.join(self.root, ".locks", "seals.lock")

    @property
    def run_index(self) -> str:
        """The index of runs."""
        return os.path.join(self.root, "index.sqlite3")

    @property
    def index_aside(self) -> str:
        """Damaged indexes that were set aside, and the index files of earlier versions."""
        return os.path.join(self.root, "index-aside")

    @property
    def active_index(self) -> str:
        return os.path.join(self.root, "active.jsonl")

    @property
    def recent_index(self) -> str:
        return os.path.join(self.root, "recent.jsonl")

    @property
    def index_archive(self) -> str:
        """The folder of `<yyyy-mm>.jsonl`, which only earlier versions wrote, as the two files above."""
        return os.path.join(self.root, "archive")

    @property
    def index_lock(self) -> str:
        return os.path.join(self.root, ".locks", "index.lock")

    @property
    def board_lock(self) -> str:
        return os.path.join(self.root, ".locks", "board.lock")

    @property
    def installed_version(self) -> str:
        """One line: the version that installed skills, agents and the runtime."""
        return os.path.join(self.root, "version")

    @property
    def bug_log(self) -> str:
        return self.log("internal-errors.log")

    def log(self, name: str) -> str:
        return os.path.join(self.root, "logs", name)

    def task_place(self, key: TaskKey) -> str:
        return os.path.join(self.worktrees, key.project_segment, key.group_segment, key.id_segment)

    def task_worktree(self, key: TaskKey) -> str:
        return os.path.join(self.task_place(key), "task")

    def proofs(self, key: TaskKey) -> str:
        """The folder of the checkouts in which okstra runs what is to be proven of the task."""
        return os.path.join(self.task_place(key), PROOFS)

    def proofs_lock(self, key: TaskKey) -> str:
        return os.path.join(self.proofs(key), ".lock")

    def stage_worktree(self, key: TaskKey, stage: int) -> str:
        """Beside the task worktree, never inside it: nested checkouts swallow one another."""
        return os.path.join(self.task_place(key), f"stage-{stage}")


def home_of_worktree(path: str) -> str:
    """The okstra home in which a worktree's path lies; empty if it lies in none."""
    parts = os.path.normpath(path).split(os.sep)
    parts = parts[:-1] if len(parts) > 1 and parts[-2] == PROOFS else parts
    return os.sep.join(parts[:-5]) if len(parts) > 6 and parts[-5] == "worktrees" else ""
