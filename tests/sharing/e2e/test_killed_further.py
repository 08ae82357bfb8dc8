"""What publishes, brings and merges, killed at changes to the file system, git's among them: what okstra then names
finishes it. Nothing is done twice, and no commit is lost (docs/design/claims-between-machines.md has the table).

The rows go on from one another: each begins where the one before was carried out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from support.faults import Preload, seeded
from support.machines import TRANSPORTS, Farm, farm_over
from support.okstra import Ended
from support.plans import plan_text
from support.shared_kills import Play, Ready, strike_all

_FAULTS = ("group", "leader", "self")


def _approve(play: Play) -> Ready:
    plan = play.a.adopt_text(plan_text({1: (), 2: (), 3: (1, 2)}), approved=False)
    return Ready(("plan", "approve", plan, "--yes", "--json"), _check_approved, guided=True)


def _check_approved(play: Play, again: Ended) -> None:
    assert again.status == 0, again
    key, plan = play.a.task_key, Path(again.data["plan"])
    ref = f"refs/okstra/tasks/{key.replace(':', '/')}"
    shared = play.a.repo.git("-C", str(play.farm.bare), "show", f"{ref}:plan.md")
    assert shared.strip() == plan.read_text().strip()
    assert play.farm.log(key).count("okstra: approve the plan") == 1, play.farm.log(key)


def _fetch(play: Play) -> Ready:
    assert play.a.finish(play.a.run_stage()).status == 0
    key, digest = play.a.task_key, play.shared["approval"]["digest"]
    return Ready(("task", "fetch", key, "--trust-digest", digest, "--json"), _check_fetched, play.b, guided=True)


def _check_fetched(play: Play, again: Ended) -> None:
    assert again.status == 0 and again.data["is_approved"], again
    reports = list(play.b.task_root.glob("runs/implementation-planning/reports/*.md"))
    (plan,) = play.a.task_root.glob("runs/implementation-planning/reports/*.md")
    assert [one.read_bytes() for one in reports] == [plan.read_bytes()]
    assert [row["status"] for row in play.b.ledger] == ["started", "done"]
    assert len(again.data["records"]) == 1
    step = play.b.okstra.ok("next", "--json").data
    assert (step["task_key"], step["next"].split()[:2]) == (play.b.task_key, ["okstra", "run"]), step


def _publish(play: Play) -> Ready:
    prepared = play.b.run_stage()
    play.b.work(prepared)
    away = play.farm.bare.with_name("away.git")
    play.farm.bare.rename(away)
    done = play.b.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
    away.rename(play.farm.bare)
    assert done.codes in (["remote-unreachable"], ["remote-refused"]), done
    words = ("stage", "publish", "--run", prepared.data["run_id"], "--json")
    return Ready(words, _check_published, play.b, guided=True)


def _check_published(play: Play, again: Ended) -> None:
    assert again.status == 0, again
    head, shared = again.data["head_commit"], play.shared["stages"]["2"]
    assert (shared["status"], shared["head"], shared["epoch"]) == ("done", head, 1)
    assert [row["status"] for row in play.b.ledger if row["stage"] == 2] == ["started", "done"]
    assert [line for line in play.farm.log(play.b.task_key) if "done: stage 2" in line] == [
        "okstra: done: stage 2 (epoch 1)"
    ]
    assert play.b.repo.git("-C", str(play.farm.bare), "cat-file", "-t", head) == "commit"
    play.check_claims_agree(play.b)


def _integrate(play: Play) -> Ready:
    return Ready(("integrate", "--task-key", play.a.task_key, "--json"), _check_integrated, guided=True)


def _check_integrated(play: Play, again: Ended) -> None:
    assert again.status == 0 or again.codes == ["nothing-to-integrate"], again
    shared, repo = play.shared, play.a.repo
    head = repo.git("rev-parse", "feat-t-1")
    assert shared["integration"]["status"] in ("done", "released"), "others may merge"
    assert shared["integration"]["head"] == head
    merges = repo.git("log", "--merges", "--format=%s", "main..feat-t-1").splitlines()
    assert sorted(merges) == [f"Merge stage {number} of {play.a.task_key}" for number in (1, 2)]
    for number in ("1", "2"):
        done = shared["stages"][number]["head"]
        assert repo.git("merge-base", done, head) == done, f"the commit of stage {number} is not merged"
    other = play.b.okstra("integrate", "--task-key", play.b.task_key, "--json")
    assert (other.status, other.data.get("commit")) == (0, head), other


_ROWS: Mapping[str, Callable[[Play], Ready]] = {
    "approve": _approve,
    "fetch": _fetch,
    "publish": _publish,
    "integrate": _integrate,
}


# The short form strikes the same points each time: a change must not go red for a point that it didn't choose.
def test_a_kill_of_each_is_finished_by_what_okstra_names(tmp_path: Path) -> None:
    play = Play(Farm(tmp_path / "farm"), Preload.build(tmp_path))
    for row, prepare in _ROWS.items():
        assert strike_all(play, row, prepare(play), 1, ["group"], random.Random(1)) == 1


@pytest.mark.stress
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("row", list(_ROWS))
def test_kills_everywhere_do_nothing_twice_and_lose_nothing(tmp_path: Path, row: str, transport: str) -> None:
    most, began = 24 if transport == "file" else 10, time.monotonic()
    with farm_over(transport, tmp_path / "farm") as farm:
        play = Play(farm, Preload.build(tmp_path))
        for name, prepare in _ROWS.items():
            ready = prepare(play)
            if name == row:
                break
            (ready.on or play.a).okstra.ok(*ready.words)
        struck = strike_all(play, row, ready, most, _FAULTS, seeded())
    print(f"{row} over {transport}: {struck} kills in {time.monotonic() - began:.0f} s")
