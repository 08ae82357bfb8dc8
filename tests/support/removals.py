"""Worktrees that can be taken down, and what must be true once they are."""

from __future__ import annotations

from pathlib import Path

from . import invariants
from .faults import eventually
from .okstra import Ended, Project
from .plans import independent
from .repos import Repo

STAGE = f"{Project.task_key}#stage-1"
TASK = Project.task_key


class Place:
    """A worktree of okstra's: of a stage in work (`release`), of a done stage or of a task (`remove`)."""

    def __init__(self, project: Project, kind: str) -> None:
        self.project, self.kind = project, kind
        project.repo.commit({"tracked.txt": "1\n", ".gitignore": "*.log\n"})
        project.adopt(independent(2))
        if kind == "task":
            self.run, self.key = project.run_stage("2"), TASK
            project.okstra.ok("stage", "release", "--run", self.run.data["run_id"])
        else:
            self.run, self.key = project.run_stage(), STAGE
            self.commit_id = project.work(self.run)
        assert self.run.status == 0, self.run
        if kind == "done":
            project.okstra.ok("stage", "done", "--run", self.run.data["run_id"])
        row = project.registry["tasks" if kind == "task" else "stages"][self.key]
        self.at = Repo(Path(row["path"]), project.repo.environment)
        self.branch: str = row["branch"]

    def save_and_remove(self, *more: str) -> Ended:
        return self.project.okstra(*self.words, *more)

    @property
    def words(self) -> tuple[str, ...]:
        if self.kind == "held":
            return ("stage", "release", "--run", self.run.data["run_id"], "--json")
        return ("worktree", "remove", self.key, "--json")

    @property
    def state(self) -> tuple[object, ...]:
        return (
            self.project.ledger,
            self.project.registry,
            self.project.repo.git("for-each-ref"),
            self.project.repo.git("worktree", "list", "--porcelain"),
            self.at.git("status", "--porcelain", "--untracked-files=all"),
        )

    def refused(self, code: str, *more: str, says: str = "") -> None:
        before = self.state
        ended = self.save_and_remove(*more)
        assert (ended.status, ended.codes) == (3, [code]), ended
        assert says in ended.envelope["errors"][0]["message"]
        assert self.state == before

    def gone(self, ended: Ended) -> str:
        """Checks that the worktree is gone and all else is well; answers the ref that keeps what was unsaved."""
        assert ended.status == 0, ended
        assert not self.at.path.exists()
        assert str(self.at.path) not in self.project.repo.worktree_paths()
        assert self.branch in self.project.repo.branches()
        eventually(lambda: not list((self.project.home / "worktrees" / ".trash").glob("*")))
        invariants.check(self.project, left_branches={self.branch, "feat-t-1-s2"}, worked_in={TASK})
        kept: str = ended.data["kept"]
        return kept
