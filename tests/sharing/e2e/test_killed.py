"""Commands on a shared task, killed at changes to the file system, their git's among them: no stage gets two owners,
none is done twice, and the same command finishes it (docs/design/claims-between-machines.md has the table)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from support.faults import Preload, seeded
from support.machines import TRANSPORTS, Farm, farm_over
from support.okstra import Ended
from support.shared_kills import Play, Ready, Rows, strike_all

_SHORT = 1


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


_ROWS: Rows = {"run": _run, "done": _done, "release": _release}


def _planned(farm: Farm, folder: Path) -> Play:
    play = Play(farm, Preload.build(folder))
    farm.approve(play.a, {1: (), 2: (), 3: ()})
    farm.join(play.b)
    return play


def test_a_kill_gives_no_stage_two_owners(tmp_path: Path) -> None:
    play = _planned(Farm(tmp_path / "farm"), tmp_path)
    assert strike_all(play, "run", _run(play), _SHORT, ["group"], random.Random(1)) == _SHORT


@pytest.mark.stress
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("row", list(_ROWS))
def test_kills_everywhere_give_no_stage_two_owners(tmp_path: Path, row: str, transport: str) -> None:
    most = 120 if transport == "file" else 40
    with farm_over(transport, tmp_path / "farm") as farm:
        play = _planned(farm, tmp_path)
        struck = strike_all(play, row, _ROWS[row](play), most, ["group", "leader", "self"], seeded())
    print(f"{row} over {transport}: {struck} kills, none gave a stage two owners")
