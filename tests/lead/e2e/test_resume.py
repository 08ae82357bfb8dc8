"""Led runs killed at every event and resumed: nothing is done twice, nothing skipped, and the tree is the same.

The kill strikes okstra alone: when what the event tells has happened and the event is about to be written, or when
it has just been written and before it is synced. The workers' supervisors live on, and find themselves orphaned while
the resumed run is under way.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.agents.sweep import find
from support import resuming
from support.faults import Preload, Scene, eventually
from support.okstra import Okstra, Project
from support.repos import Repo
from support.resuming import PLAYS, Play
from support.sealed import sealed_environment

BEFORE, AFTER = "write", "fsync"


class Stage:
    """A phase that is played again and again from the same start; the first time undisturbed."""

    def __init__(self, folder: Path, play: Play) -> None:
        outside = folder / "outside"
        home = outside / "home"
        home.mkdir(parents=True)
        environment = sealed_environment(home)
        repo = Repo.init(outside / "project", environment)
        okstra = Okstra(environment, repo.path)
        okstra.ok("setup", "--project-id", "demo", "--yes")
        self.project, self.play = Project(repo, okstra), play
        self._preload = Preload.build(folder)
        play.prepare(self.project)
        self._scene = Scene(outside)
        self._scene.keep()
        whole = okstra(*play.args(self.project), **resuming.environment(self.project))
        assert whole.status == 0, whole
        self.run = str(whole.data["run_id"])
        # A run that checks its worktree out owes the disk its first event, which is synced behind the command.
        self.owed = whole.data["worktree"]["status"] == "created"
        self.events = resuming.events(self.project, play)
        self.tree = resuming.tree(self.project)

    def kill(self, number: int, call: str) -> None:
        self._scene.restore()
        at = number - (call == AFTER and self.owed)
        fault = self._preload.environment(call=call, on="events-001.jsonl", at=at, do="leader")
        args = self.play.args(self.project)
        killed = self.project.okstra(*args, **{**resuming.environment(self.project), **fault})
        assert killed.status == -9, (number, call, killed)
        assert len(resuming.events(self.project, self.play)) == number - (call == BEFORE)

    def check_resumed(self) -> None:
        before = resuming.events(self.project, self.play)
        number = len(before)
        ended = resuming.resumed(self.project, self.run)
        assert ended.status == 0, (number, before[-1], ended)
        after = resuming.events(self.project, self.play)
        assert resuming.dispatched_again(after) == [], (number, before[-1])
        assert resuming.asked(after) == resuming.asked(self.events), (number, before[-1])
        eventually(lambda: not any(find(token) for token in resuming.tokens(after)))
        self.check_tree(number, before[-1]["event"])

    def check_tree(self, number: int, event: str) -> None:
        found = resuming.tree(self.project)
        assert found.keys() == self.tree.keys(), (number, event)
        for name, text in self.tree.items():
            assert found[name] == text, f"after {number} ({event}), {name}"


def test_a_run_killed_at_an_event_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PLAYS["error-analysis"])
    for number in range(2, len(stage.events) + 1, 2):
        stage.kill(number, AFTER)
        stage.check_resumed()


@pytest.mark.parametrize("phase", [phase for phase in PLAYS if phase != "error-analysis"])
def test_each_phase_killed_at_some_events(tmp_path: Path, phase: str) -> None:
    """By turns before and after it is written; a hand-off, which changes what is elsewhere, before."""
    stage = Stage(tmp_path, PLAYS[phase])
    elsewhere = phase == "release-handoff"
    for number in range(3, len(stage.events) + 1, 2 if elsewhere else 6):
        stage.kill(number, BEFORE if elsewhere or number % 2 else AFTER)
        stage.check_resumed()


@pytest.mark.stress
@pytest.mark.parametrize("call", [BEFORE, AFTER])
@pytest.mark.parametrize("phase", PLAYS)
def test_each_phase_killed_at_every_event(tmp_path: Path, phase: str, call: str) -> None:
    stage = Stage(tmp_path, PLAYS[phase])
    for number in range(2, len(stage.events) + 1):
        stage.kill(number, call)
        stage.check_resumed()
