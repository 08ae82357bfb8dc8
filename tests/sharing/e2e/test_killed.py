"""Commands on a shared task, killed at changes to the file system, their git's among them: no stage gets two owners,
none is done twice, and the same command finishes it (docs/design/claims-between-machines.md has the table)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.faults import Point, Preload, Scene, eventually, group_lives, sample, seeded
from support.machines import TRANSPORTS, Farm, farm_over
from support.okstra import Ended

_SHORT = 1


class Ready(NamedTuple):
    """A command on machine A, and what must be true once it was struck and called again."""

    words: tuple[str, ...]
    check: Callable[[Play, Ended], None]


class Play:
    """Two machines in a folder that can be put back to the moment before the command under test."""

    def __init__(self, farm: Farm, preload: Preload) -> None:
        self.scene, self.preload, self.farm = Scene(farm.folder), preload, farm
        self.a, self.b = self.farm.machine("a"), self.farm.machine("b")
        self.farm.approve(self.a, {1: (), 2: (), 3: ()})
        self.farm.join(self.b)

    @property
    def shared(self) -> dict[str, Any]:
        return self.farm.shared(self.a.task_key)

    def points(self, words: Sequence[str]) -> list[Point]:
        self.scene.keep()
        self.a.okstra(*words)  # compiled files
        self.scene.restore()
        ended, points = self.preload.points(self.a.okstra, *words)
        assert ended.status == 0, ended
        return points

    def strike(self, words: Sequence[str], point: Point, fault: str) -> Ended:
        """From the kept state; then the same command again, undisturbed."""
        self.scene.restore()
        environment = self.preload.environment(at=point.number, do=fault)
        process = self.a.okstra.start(*words, **environment)
        process.communicate(timeout=120)
        eventually(lambda: not group_lives(process.pid), seconds=60)
        return self.a.okstra(*words)

    def check_claims_agree(self) -> None:
        """What the remote says is A's, A knows, and the other way round."""
        here = {
            claim["remote_token"]: (key, claim["status"])
            for key, claim in self.a.registry["stages"].items()
            if claim.get("remote_token")
        }
        machine = (self.a.home / "machine-id").read_text().split()[0]
        there = {one["token"]: one for one in self.shared["stages"].values() if one["machine"] == machine}
        held = {token for token, one in there.items() if one["status"] == "claimed"}
        assert held == {token for token, (_, status) in here.items() if status == "active"}
        assert all(status != "provisioning" for _, status in here.values())


def _check_run(play: Play, again: Ended) -> None:
    assert again.status == 0, again
    other = play.b.run_stage()
    assert other.status == 0, other
    play.check_claims_agree()
    runs = {claim["run_id"] for claim in play.a.registry["stages"].values()}
    assert other.data["run_id"] not in runs
    stages = [claim["path"].rpartition("-")[2] for claim in play.a.registry["stages"].values()]
    assert str(other.data["stage"]) not in stages
    epochs = [one["epoch"] for one in play.shared["stages"].values()]
    assert max(epochs) <= 2, "a kill costs one epoch at most"


def _check_done(play: Play, again: Ended) -> None:
    assert again.status == 0 or again.codes == ["stage-done"], again
    (row,) = [row for row in play.a.ledger if row["status"] == "done"]
    shared = play.shared["stages"]["1"]
    assert (shared["status"], shared["head"], shared["epoch"]) == ("done", row["head_commit"], row["epoch"])
    play.check_claims_agree()
    listed = play.b.okstra.ok("stage", "list", play.b.task_key, "--json").data["stages"][0]
    assert (listed["status"], listed["head_commit"]) == ("done", row["head_commit"])


def _check_released(play: Play, again: Ended) -> None:
    assert again.status == 0 or again.codes == ["stage-not-held"], again
    assert play.a.okstra("reconcile", "--apply", "--json").status in (0, 4)
    play.check_claims_agree()
    assert play.b.run_stage("1").status == 0


def _run(play: Play) -> Ready:
    return Ready(play.a.run_args(), _check_run)


def _done(play: Play) -> Ready:
    prepared = play.a.run_stage()
    play.a.work(prepared)
    return Ready(("stage", "done", "--run", prepared.data["run_id"], "--json"), _check_done)


def _release(play: Play) -> Ready:
    prepared = play.a.run_stage()
    return Ready(("stage", "release", "--run", prepared.data["run_id"], "--json"), _check_released)


_ROWS: dict[str, Callable[[Play], Ready]] = {"run": _run, "done": _done, "release": _release}


def strike_all(farm: Farm, folder: Path, row: str, most: int, faults: Sequence[str]) -> int:
    """How many points were struck; each must have ended well."""
    play = Play(farm, Preload.build(folder))
    ready = _ROWS[row](play)
    points = play.points(ready.words)
    struck = 0
    for fault in faults:
        for point in sample(seeded(), points, most):
            again = play.strike(ready.words, point, fault)
            try:
                ready.check(play, again)
            except AssertionError as wrong:
                raise AssertionError(f"{row}, {fault} at {point}: {wrong}\n{again}") from wrong
            struck += 1
    return struck


def test_a_kill_gives_no_stage_two_owners(tmp_path: Path) -> None:
    assert strike_all(Farm(tmp_path / "farm"), tmp_path, "run", _SHORT, ["group"]) == _SHORT


@pytest.mark.stress
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("row", list(_ROWS))
def test_kills_everywhere_give_no_stage_two_owners(tmp_path: Path, row: str, transport: str) -> None:
    most = 120 if transport == "file" else 40
    with farm_over(transport, tmp_path / "farm") as farm:
        struck = strike_all(farm, tmp_path, row, most, ["group", "leader", "self"])
    print(f"{row} over {transport}: {struck} kills, none gave a stage two owners")
