"""A lead that is killed after its stage was published, before its gates are passed: what is next on its own machine,
and on another one once the first is gone."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from typing import NamedTuple

import pytest

from support.live_runs import LiveRun
from support.machines import Farm
from support.okstra import Ended, Project
from support.rehearsal import executed, install, part

_RUN = f"{Project.task_key}/implementation/stage-1/001"
_BUILDS = part(
    {"write": {"path": "stage-1/it.py", "content": "# 1\n"}},
    {"commit": "feat: it"},
    {"result": executed(1, 2)},
    role="executor",
)


class Played(NamedTuple):
    """A leads stage 1 and is killed in its report; B does stage 2, merges by hand as okstra names it; A goes on."""

    a: Project
    b: Project
    ends: dict[str, Ended]


def _look(machine: Project, when: str) -> dict[str, Ended]:
    key = machine.task_key
    return {
        f"{when}: next": machine.okstra.ok("next", key, "--json"),
        f"{when}: status": machine.okstra.ok("status", "--json"),
        f"{when}: schedule": machine.okstra.ok("next", "--all", "--json"),
    }


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    farm = Farm(tmp_path_factory.mktemp("farm"))
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: (), 2: (), 3: (1, 2)})
    farm.join(b)
    install(a, _BUILDS, part({"fault": "hang"}, role="report-writer"))
    live = LiveRun.start(a, "implementation", "--stage", "1")
    live.wait_for_event("done")
    ends = _look(a, "alive")
    os.kill(live.process.pid, signal.SIGKILL)
    live.ended()
    live.wait_until_nothing_is_left()
    assert farm.shared(a.task_key)["stages"]["1"]["gates"] == "open"
    assert b.finish(b.run_stage("2")).status == 0
    a.okstra.ok("stage", "list", a.task_key)
    ends |= _look(a, "killed")
    ends["refused here"] = a.okstra("integrate", "--task-key", a.task_key, "--json")
    ends["refused there"] = b.okstra("integrate", "--task-key", b.task_key, "--json")
    ends["merged there"] = _merge_by_hand(b, ends["refused there"])
    install(a, _BUILDS)
    ends["resumed"] = a.okstra("resume", _RUN, "--json")
    ends |= _look(a, "resumed")
    return Played(a, b, ends)


def _merge_by_hand(machine: Project, refused: Ended) -> Ended:
    """What the refusal names."""
    by_hand, _, step = refused.envelope["errors"][0]["try"].partition("by hand: ")[2].partition("; then ")
    subprocess.run(shlex.split(by_hand), env=machine.okstra.environment, check=True, capture_output=True)
    return machine.okstra(*shlex.split(step)[1:], "--json")


def _unit(ended: Ended, name: str) -> tuple[str, str]:
    (unit,) = [one for units in ended.data["rounds"] for one in units if one["name"] == name]
    return unit["status"], unit["command"]


@pytest.mark.parametrize(
    ("when", "status", "step"), [("alive", "running", "wait"), ("killed", "interrupted", "resume")]
)
def test_the_run_of_a_done_stage_goes_before_its_merge_until_its_gates_are_passed(
    played: Played, when: str, status: str, step: str
) -> None:
    command = f"okstra {step} {_RUN}"
    assert played.ends[f"{when}: next"].data["next"] == command
    (row,) = played.ends[f"{when}: status"].data["runs"]
    assert (row["run_id"], row["status"], row["next"]) == (_RUN, status, command)
    assert _unit(played.ends[f"{when}: schedule"], "stage 1") == (status, command)


def test_a_merge_that_would_be_refused_is_not_proposed(played: Played) -> None:
    assert played.ends["refused here"].codes == ["gates-not-passed"]
    assert _unit(played.ends["killed: schedule"], "merge") == ("waiting", "")


def test_once_its_gates_are_passed_the_merge_is_next(played: Played) -> None:
    assert played.ends["resumed"].status == 0, played.ends["resumed"]
    assert played.ends["resumed: next"].data["next"] == f"okstra integrate --task-key {Project.task_key}"
    assert played.ends["resumed: status"].data["runs"] == []


def test_where_that_machine_is_gone_the_refusal_names_a_way_that_leads_on(played: Played) -> None:
    assert played.ends["refused there"].codes == ["gates-not-passed"]
    merged = played.ends["merged there"]
    assert (merged.status, merged.data["merged"]) == (0, [2]), merged
    files = played.b.repo.git("ls-tree", "-r", "--name-only", "feat-t-1").splitlines()
    assert {"stage-1/it.py", "stage-2/it.py"} <= set(files)
