"""A worktree is not taken from a run: not while it is led, not while it is prepared; and not held for ever."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.faults import eventually
from support.live_runs import LiveRun
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, install, led, part, result

TASK = Project.task_key
STAGE = f"{TASK}#stage-1"
ANALYSIS = f"{TASK}/error-analysis"


def users(project: Project) -> list[str]:
    listed: list[dict[str, Any]] = project.registry["tasks"][TASK]["users"]
    return [user["run_id"] for user in listed]


def verdict(project: Project, key: str, *more: str) -> tuple[str, str]:
    swept = project.okstra.ok("gc", *more, "--json").data
    (row,) = [row for row in swept["worktrees"] if row["key"] == key]
    assert key not in [removed["key"] for removed in swept["removed"]], "it is said to be removed"
    return row["verdict"], row["proof"]


def refused(project: Project, key: str, *more: str) -> str:
    ended = project.okstra("worktree", "remove", key, *more, "--json")
    assert (ended.status, ended.codes) == (3, ["worktree-held"]), ended
    error: dict[str, str] = ended.envelope["errors"][0]
    return f"{error['message']}; {error['try']}"


def nobody_takes(project: Project, key: str, run: str) -> None:
    """Every command that removes worktrees, with each of its flags."""
    said = f"{run} is running"
    assert verdict(project, key)[0] == "held"
    for more in ((), ("--max", "0"), ("--max", "1K")):
        kind, proof = verdict(project, key, *more)
        assert kind == "held" and proof.startswith(said), (more, proof)
    assert said in refused(project, key)
    assert said in refused(project, key, "--force")
    project.okstra("reconcile", "--apply")
    assert Path(project.okstra.ok("worktree", "lookup", key).stdout.strip()).is_dir()


@pytest.fixture
def analysis(project: Project) -> Iterator[LiveRun]:
    """A led analysis that has an analyst at work until the test lets it go on."""
    gate = project.repo.path.parent / "gate"
    install(
        project,
        part(
            {"run": f"until [ -e {gate} ]; do sleep 0.05; done"}, {"result": result()}, worker="rehearsal-a", round=""
        ),
    )
    live = LiveRun.start(project, "error-analysis")
    live.wait_for_event("dispatched")
    yield live
    gate.touch()
    live.process.wait(30)


def let_go(project: Project) -> None:
    (project.repo.path.parent / "gate").touch()


def test_a_led_run_keeps_its_worktree_and_passes(project: Project, analysis: LiveRun) -> None:
    nobody_takes(project, TASK, analysis.run)
    let_go(project)
    ended = analysis.ended()
    assert ended.status == 0, ended


def test_a_completed_run_lets_go_of_it(project: Project) -> None:
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    assert users(project) == []
    swept = project.okstra.ok("gc", "--json")
    assert [row["key"] for row in swept.data["removed"]] == [TASK]


def test_a_killed_lead_does_not_hold_it_for_ever(project: Project, analysis: LiveRun) -> None:
    nobody_takes(project, TASK, analysis.run)
    os.kill(analysis.process.pid, signal.SIGKILL)
    analysis.process.wait()
    let_go(project)
    analysis.wait_until_nothing_is_left()
    eventually(lambda: project.okstra("worktree", "remove", TASK, "--json").status == 0)


def test_a_prepared_run_is_removed_with_force_alone(project: Project) -> None:
    run = project.run_phase().data
    for more in ((), ("--max", "0")):
        kind, proof = verdict(project, TASK, *more)
        assert kind == "held" and proof.startswith(f"{run['run_id']} is prepared")
    said = refused(project, TASK)
    assert f"{run['run_id']} is prepared" in said and f"okstra worktree remove {TASK} --force" in said
    project.okstra.ok("worktree", "remove", TASK, "--force")
    assert not Path(run["worktree"]["path"]).exists()


def test_every_run_that_shares_it_counts(project: Project) -> None:
    first = project.run_phase().data["run_id"]
    second = project.run_phase("implementation-planning").data["run_id"]
    assert users(project) == [first, second]
    assert led(project, "requirements-discovery").status == 0
    assert users(project) == [first, second], "another phase's end supersedes nobody"
    assert verdict(project, TASK)[1].startswith(f"{first} is prepared")


def test_a_completed_run_supersedes_earlier_prepared_ones_of_its_phase(project: Project) -> None:
    other = project.run_phase("implementation-planning").data["run_id"]
    project.run_phase()
    assert led(project, "error-analysis").status == 0
    later = project.run_phase().data["run_id"]
    assert users(project) == [other, later]


def test_a_prepare_that_fails_holds_nothing(project: Project) -> None:
    first = project.run_phase().data["run_id"]
    manifest = project.task_root / "runs/error-analysis/manifests/run-manifest-error-analysis-002.json"
    manifest.mkdir()
    assert project.run_phase().status != 0
    assert users(project) == [first]


def test_where_nobody_wrote_the_users_down_the_index_tells(project: Project, analysis: LiveRun) -> None:
    """An older okstra's registry, and one that was rebuilt."""
    path = project.home / "worktrees" / "registry.json"
    document = json.loads(path.read_text())
    del document["tasks"][TASK]["users"]
    path.write_text(json.dumps(document))
    nobody_takes(project, TASK, analysis.run)
    prepared = project.run_phase("implementation-planning").data["run_id"]
    assert users(project) == [analysis.run, prepared]
    let_go(project)
    assert analysis.ended().status == 0
    assert verdict(project, TASK)[1].startswith(f"{prepared} is prepared")


def test_a_done_stages_worktree_stays_while_its_run_writes_the_report(project: Project) -> None:
    project.adopt(independent(1))
    gate = project.repo.path.parent / "gate"
    write = {"write": {"path": "stage-1/it.py", "content": "# stage 1\n"}}
    report = {"report": {"verdict": {"conclusion": "built"}}}
    install(
        project,
        part(write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor"),
        part({"run": f"until [ -e {gate} ]; do sleep 0.05; done"}, report, role="report-writer"),
    )
    live = LiveRun.start(project, "implementation")
    eventually(lambda: any(row.get("worker") == "report-writer" for row in live.events), 30)
    assert project.registry["stages"][STAGE]["status"] == "done"
    nobody_takes(project, STAGE, live.run)
    gate.touch()
    ended: Ended = live.ended()
    assert ended.status == 0, ended
    assert project.registry["stages"][STAGE]["owner"] is None
    assert STAGE in [row["key"] for row in project.okstra.ok("gc", "--max", "0", "--json").data["removed"]]
