"""Commands, work, deletions and kills in any order: no commit, no file that was not committed, no ledger row is lost.

The model is what a person made: every commit, the bytes of every untracked file, every row that the ledger ever
had. After each step git must still reach all of it, from a ref, from a worktree's HEAD, or as a file that is there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support import invariants
from support.crash import Play, reconcile
from support.faults import Preload, seeded
from support.okstra import Ended, Project

CLEAR_EXITS = {0, 1, 2, 3, 4, 65, 69, 75}
KILLED = -9
REFS = ("--branches", "--tags", "--glob=refs/okstra")
NEEDS = {1: (), 2: (), 3: (1, 2)}
CI = settings(
    max_examples=8,
    stateful_step_count=18,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
PICK = st.integers(0, 1000)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    play = Play(tmp_path, Preload.build(tmp_path))
    play.project.adopt(NEEDS)
    assert play.project.run_stage().status == 0
    play.scene.keep()
    return play


class Life(RuleBasedStateMachine):
    """One task's life. `play` is put back to its beginning for each example."""

    play: Play

    @initialize()
    def begin(self) -> None:
        self.play.scene.restore()
        self.project = self.play.project
        self.commits = {self.project.repo.git("rev-parse", "HEAD")}
        self.texts: dict[Path, str] = {}  # an untracked file, and the id of its bytes
        self.rows: set[str] = set()
        self.kill_at = 0
        self.made = 0

    # What a person does

    @rule(pick=PICK)
    def work(self, pick: int) -> None:
        for at in self._pick(self._folders(), pick):
            self._commit(at)

    @rule(pick=PICK)
    def work_beside_every_branch(self, pick: int) -> None:
        for at in self._pick(self._folders(), pick):
            self.project.repo.git("-C", str(at), "checkout", "--quiet", "--detach")
            self._commit(at)

    @rule(pick=PICK)
    def go_back_to_the_branch(self, pick: int) -> None:
        """Only from where nothing would be left behind: git itself lets go of commits on a detached HEAD."""
        for _, claim in self._pick(sorted(self._claims().items()), pick):
            at, git = Path(claim["path"]), self.project.repo.git
            if at.is_dir() and not self._beside_every_ref(at):
                git("-C", str(at), "checkout", "--quiet", claim["branch"], check=False)

    @rule(pick=PICK)
    def leave_a_file_untracked(self, pick: int) -> None:
        for at in self._pick(self._folders(), pick):
            self.made += 1
            file = at / f"notes-{self.made}.txt"
            file.write_text(f"notes {self.made} {tempfile.gettempprefix()}\n")
            self.texts[file] = self.project.repo.git("hash-object", str(file))

    @rule(pick=PICK)
    def delete_a_worktree_by_hand(self, pick: int) -> None:
        for at in self._pick(self._folders(), pick):
            shutil.rmtree(at)
            self.texts = {file: blob for file, blob in self.texts.items() if at not in file.parents or self._kept(blob)}

    @rule(number=st.integers(1, 160))
    def the_next_command_will_be_killed(self, number: int) -> None:
        self.kill_at = number

    # Commands

    @rule()
    def start_a_stage(self) -> None:
        self._okstra(*self.project.run_args())

    @rule()
    def run_a_phase(self) -> None:
        self._okstra(
            "run",
            "--task-key",
            Project.task_key,
            "--task-type",
            "error-analysis",
            "--request=Do it.",
            "--render-only",
            "--json",
        )

    @rule(pick=PICK)
    def finish(self, pick: int) -> None:
        for run in self._pick(self._runs(), pick):
            self._okstra("stage", "done", "--run", run, "--out-of-plan", "a test", "--no-change", "a test", "--json")

    @rule(pick=PICK, force=st.booleans())
    def give_back(self, pick: int, force: bool) -> None:
        for run in self._pick(self._runs(), pick):
            self._okstra("stage", "release", "--run", run, "--json", *(["--force"] if force else []))

    @rule(pick=PICK)
    def do_over(self, pick: int) -> None:
        for run in self._pick(self._runs(), pick):
            self._okstra("rerun", run, "--render-only", "--json")

    @rule(pick=PICK, force=st.booleans())
    def remove(self, pick: int, force: bool) -> None:
        for key in self._pick(sorted(self._claims()), pick):
            self._okstra("worktree", "remove", key, "--json", *(["--force"] if force else []))

    @rule(pick=PICK)
    def restore(self, pick: int) -> None:
        keys = [Project.task_key, *(f"{Project.task_key}#stage-{stage}" for stage in NEEDS)]
        for key in self._pick(keys, pick):
            self._okstra("worktree", "restore", key, "--json")

    @rule()
    def collect(self) -> None:
        self._okstra("gc", "--max", "0", "--json")

    @rule()
    def integrate(self) -> None:
        self._okstra("integrate", "--task-key", Project.task_key, "--json")

    @rule()
    def put_right(self) -> None:
        self._okstra("reconcile", "--apply", "--json")

    # What always holds

    @precondition(lambda self: hasattr(self, "commits"))
    @invariant()
    def nothing_is_lost(self) -> None:
        reached = self._reached()
        assert self.commits <= reached, f"lost commits: {self.commits - reached}"
        lost = [file for file, blob in self.texts.items() if blob not in reached and not file.is_file()]
        assert not lost, f"lost files: {lost}"
        rows = {row["id"] for row in self.project.ledger}
        assert rows >= self.rows, f"lost rows: {self.rows - rows}"
        self.rows = rows

    def teardown(self) -> None:
        if hasattr(self, "commits"):
            known = {"folder-gone", "done-commit-lost"}
            reconcile(self.project, known)
            self._make_whole()
            self._let_a_minute_pass()
            reconcile(self.project, known)
            left = self.project.repo.branches()
            invariants.check(self.project, worked_in=set(self._claims()), left_branches=left)

    # How it is done

    def _okstra(self, *args: str) -> Ended:
        at, self.kill_at = self.kill_at, 0
        fault = self.play.preload.environment(at=at, do="group") if at else {}
        ended = self.project.okstra(*args, **fault)
        assert ended.status in (CLEAR_EXITS if not at else {*CLEAR_EXITS, KILLED}), (args, ended)
        return ended

    def _make_whole(self) -> None:
        """Worktrees deleted by hand are made again, or their stages given back; HEADs go back to their branches."""
        for key, claim in self._claims().items():
            at = Path(claim["path"])
            if not at.is_dir() and "#" in key and claim["status"] == "active":
                self.project.okstra.ok("stage", "release", "--run", claim["run_id"], "--force", "--json")
            elif not at.is_dir() and "#" not in key and claim["status"] == "active":
                assert self.project.run_phase().status == 0
            elif at.is_dir():
                self.project.repo.git("-C", str(at), "checkout", "--quiet", "--force", claim["branch"])

    def _let_a_minute_pass(self) -> None:
        """For `reconcile`, which takes a file half written for a dead writer's when it is that old."""
        for root in (self.project.home, self.project.repo.path / ".okstra"):
            for file in root.rglob("*.okstra-tmp"):
                os.utime(file, (0, 0))

    def _commit(self, at: Path) -> None:
        self.made += 1
        self.commits.add(self.project.repo.commit({f"work-{self.made}.txt": f"{self.made}\n"}, "work", at=at))

    def _reached(self) -> set[str]:
        """Every object that a ref has, or a worktree's HEAD: read as a file, for git fails where one is half made."""
        texts = [file.read_text().strip() for file in (self.project.repo.path / ".git/worktrees").glob("*/HEAD")]
        heads = [text for text in texts if len(text) == 40 and set(text) != {"0"}]
        objects = self.project.repo.git("rev-list", "--objects", *REFS, *heads).splitlines()
        return {line.split()[0] for line in objects}

    def _beside_every_ref(self, at: Path) -> str:
        return self.project.repo.git("-C", str(at), "rev-list", "HEAD", "--not", *REFS)

    def _kept(self, blob: str) -> bool:
        return blob in self._reached()

    def _claims(self) -> dict[str, Any]:
        return self.play.claims

    def _folders(self) -> list[Path]:
        """Worktrees in which a person can work: nobody is told of those that are half made."""
        told = [claim for _, claim in sorted(self._claims().items()) if claim["status"] != "provisioning"]
        return [path for claim in told if (path := Path(claim["path"])).is_dir()]

    def _runs(self) -> list[str]:
        return [claim["run_id"] for _, claim in sorted(self._claims().items()) if claim.get("run_id")]

    @staticmethod
    def _pick(among: list[Any], pick: int) -> Iterator[Any]:
        if among:
            yield among[pick % len(among)]


def _live(play: Play, profile: settings) -> None:
    number = seeded().randrange(2**32)
    machine = seed(number)(type("Life", (Life,), {"play": play}))
    run_state_machine_as_test(machine, settings=profile)


def test_nothing_is_lost_whatever_happens(play: Play) -> None:
    _live(play, CI)


@pytest.mark.stress
def test_nothing_is_lost_whatever_happens_for_long(play: Play) -> None:
    _live(play, settings(CI, max_examples=60, stateful_step_count=30))
