"""A kill while a quarantine is made, worked in or taken home loses no commit and leaves nothing half done: the next
command that meets it finishes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from okstra_ctl.quarantine import record
from okstra_ctl.quarantine.recover import abandoned, sweep, take_abandoned
from support import crash_stages, crash_worktrees, kill_matrix
from support.faults import Point, Preload, eventually, sample, seeded
from support.okstra import Ended
from support.quarantines import Lab
from support.repos import Repo
from support.sealed import ROOT

_MAKE = "print(lab.quarantine().folder)"
_TAKE = "take_home(record.read(folder))"
_WORK = """
import os, subprocess
one = record.read(folder)
there = {"GIT_DIR": one.admin, "GIT_WORK_TREE": one.worktree}
there["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = f"{one.common_dir}/objects"
(lab.at / "n").write_text("n")
for words in (("add", "n"), ("commit", "--quiet", "-m", "feat: n")):
    subprocess.run(["git", "-C", one.worktree, *words], env={**os.environ, **there}, check=True)
"""
_SHORT = 8
_PLAY = """
import json, sys
from pathlib import Path
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.quarantine import record
from okstra_ctl.quarantine.take_home import take_home
from support.quarantines import Lab
lab = Lab.__new__(Lab)
given = json.loads(sys.argv[1])
lab.folder, lab.at, lab.home = Path(given["folder"]), Path(given["at"]), HomePaths(given["home"])
folder = given["quarantine"]
"""


class Player:
    """A process that makes a quarantine of the lab, or takes one home."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.quarantine = lab, ""

    def __call__(self, code: str, **more: str) -> Ended:
        lab = self.lab
        given = {"folder": lab.folder, "at": lab.at, "home": lab.home.root, "quarantine": self.quarantine}
        environment = {**lab.repo.environment, "PYTHONPATH": f"{ROOT / 'python'}:{ROOT / 'tests'}", **more}
        argv = [sys.executable, "-c", _PLAY + code, json.dumps({name: str(value) for name, value in given.items()})]
        process = subprocess.Popen(
            argv,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        stdout, stderr = process.communicate(timeout=120)
        return Ended(process.returncode, stdout, stderr)

    def make(self) -> None:
        self.quarantine = self(_MAKE).stdout.strip()

    def commit(self) -> str:
        """A commit inside, as a worker makes it, by a git that is led there without a sandbox."""
        one = record.read(self.quarantine)
        assert one is not None
        there = {"GIT_DIR": one.admin, "GIT_WORK_TREE": one.worktree}
        objects = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{one.common_dir}/objects"}
        at = Repo(self.lab.at, {**self.lab.repo.environment, **there, **objects})
        (self.lab.at / "n").write_text("n\n")
        at.git("add", "n")
        at.git("commit", "--quiet", "-m", "feat: n")
        return at.git("rev-parse", "HEAD")


@pytest.fixture
def player(tmp_path: Path, environment: dict[str, str]) -> Player:
    return Player(Lab(tmp_path / "lab", environment, "files"))


def left_in(lab: Lab) -> list[str]:
    """Locks of a killed git, and quarantines."""
    found = list((lab.project / ".git").rglob("*.lock"))
    return [str(path) for path in found if path.name != "okstra.lock"] + list(record.folders(lab.home))


def recover(lab: Lab) -> list[str]:
    for folder in record.folders(lab.home):
        os.utime(folder, (0, 0))  # as if a minute had passed
    eventually(lambda: take_abandoned(lab.home) is not None and not list(abandoned(lab.home)))
    sweep(lab.home)
    return left_in(lab)


def check_strikes(
    player: Player, preload: Preload, code: str, points: Sequence[Point], commit: str, *, row: str, found: int
) -> None:
    """Strikes at the points, of `found` in all; many of them are a line of the published table."""
    begin, wrong = time.monotonic(), []
    for point in points:
        try:
            _check_strike(player, preload, code, point, commit)
        except AssertionError as error:
            wrong.append(f"{point}: {error}")
    if len(points) > _SHORT:
        order = [*crash_stages.ROWS, *crash_worktrees.ROWS, *kill_matrix.OF_QUARANTINES]
        counts = {"points": found, "struck": len(points), "wrong": len(wrong)}
        kill_matrix.record(row, "group", **counts, seconds=round(time.monotonic() - begin), order=order)
    assert not wrong, f"{len(wrong)} of {len(points)} points\n" + "\n".join(wrong[:8])


def _check_strike(player: Player, preload: Preload, code: str, point: Point, commit: str) -> None:
    lab = player.lab
    lab.restore()
    if code != _MAKE:
        player.make()
    old = lab.tip()
    expected = {player.commit() if commit else old}
    preload.strike(player, [code], at=point.number, do="group")  # type: ignore[arg-type]
    assert recover(lab) == []
    tip = lab.tip()
    if code == _WORK and tip != old:  # its git was killed after its branch had moved
        assert (lab.repo.git("rev-parse", f"{tip}^"), lab.repo.git("show", f"{tip}:n")) == (old, "n")
        expected = {tip}
    assert tip in expected
    assert lab.status() in ("", "?? n" if code == _WORK else "")
    lab.repo.git("fsck", "--no-dangling")
    lab.repo.commit({"m": "m\n"}, at=lab.at)  # no lock is in the way


def points_of(player: Player, preload: Preload, code: str) -> list[Point]:
    ended, points = preload.points(player, code)  # type: ignore[arg-type]
    assert ended.status == 0, ended
    return [point for point in points if point.operation not in ("fsync", "fdatasync", "syncfs")]


@pytest.mark.parametrize("most", [5, pytest.param(1000, marks=pytest.mark.stress)])
def test_a_kill_while_it_is_made_leaves_nothing(player: Player, tmp_path: Path, most: int) -> None:
    preload = Preload.build(tmp_path)
    player(_MAKE)
    player.lab.restore()
    points = points_of(player, preload, _MAKE)
    chosen = sample(seeded(), points, most)
    check_strikes(player, preload, _MAKE, chosen, "", row="quarantine made", found=len(points))


@pytest.mark.parametrize("most", [4, pytest.param(1000, marks=pytest.mark.stress)])
def test_a_kill_of_a_git_at_work_in_it_leaves_the_whole_commit_or_none(
    player: Player, tmp_path: Path, most: int
) -> None:
    """As when the sandbox dies under it."""
    preload = Preload.build(tmp_path)
    player.make()
    points = points_of(player, preload, _WORK)
    chosen = sample(seeded(), points, most)
    check_strikes(player, preload, _WORK, chosen, "", row="quarantine worked in", found=len(points))


@pytest.mark.parametrize("most", [8, pytest.param(1000, marks=pytest.mark.stress)])
def test_a_kill_while_it_is_taken_home_ends_in_the_whole_commit(player: Player, tmp_path: Path, most: int) -> None:
    preload = Preload.build(tmp_path)
    player.make()
    player.commit()
    points = points_of(player, preload, _TAKE)
    assert player.lab.status() == ""
    chosen = sample(seeded(), points, most)
    check_strikes(player, preload, _TAKE, chosen, "commit", row="quarantine taken home", found=len(points))


@pytest.mark.stress
def test_a_kill_while_it_is_taken_home_into_tables(tmp_path: Path, environment: dict[str, str]) -> None:
    player, preload = Player(Lab(tmp_path / "lab", environment, "reftable")), Preload.build(tmp_path)
    player.make()
    player.commit()
    points = points_of(player, preload, _TAKE)
    chosen = sample(seeded(), points, 60)
    check_strikes(player, preload, _TAKE, chosen, "commit", row="quarantine taken home, reftable", found=len(points))


def test_a_kill_while_the_worker_works_ends_in_what_it_committed(player: Player) -> None:
    player.make()
    commit = player.commit()
    (player.lab.at / "README.md").write_text("not committed\n")
    assert recover(player.lab) == []
    assert player.lab.tip() == commit
    assert player.lab.status() == " M README.md"


def test_one_whose_okstra_is_alive_is_left_alone(player: Player) -> None:
    mine = player.lab.quarantine()
    assert take_abandoned(player.lab.home) == []
    assert Path(mine.folder).is_dir()
