"""No process of a run outlives it, whatever ended it; and what ended it, the run can be resumed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.faults import eventually
from support.live_runs import LiveRun
from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, install, part, report_of, result

# Two that don't end by themselves: one that left a process behind in a session of its own, and one that is deaf.
STRAY = {"run": "setsid sleep 300 </dev/null >/dev/null 2>&1 &"}
LINGERING = part(STRAY, {"result": result()}, {"fault": "hang"}, worker="rehearsal-a")
DEAF = part({"fault": "deaf"}, worker="rehearsal-b")
OF_BOTH = 3


@pytest.fixture
def live(project: Project) -> Iterator[LiveRun]:
    install(project, LINGERING, DEAF)
    run = LiveRun.start(project, "error-analysis")
    run.wait_for_processes(OF_BOTH)
    yield run
    run.process.kill()
    run.process.communicate()


def heal(run: LiveRun) -> None:
    """Workers that behave; then a resume ends the run well, and what was left is gone."""
    install(run.project)
    resumed = run.resume()
    assert resumed.status == 0, resumed
    assert run.processes() == []
    assert run.outcome == "completed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_and_the_run_goes_on_later(live: LiveRun, number: signal.Signals) -> None:
    os.kill(live.process.pid, number)
    ended = live.ended()
    assert (ended.status, ended.codes) == (130, ["interrupted"])
    assert live.processes() == []
    assert live.outcome == "interrupted"
    heal(live)


def test_more_signals_change_nothing(live: LiveRun) -> None:
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] * 100:
        os.kill(live.process.pid, number)
    assert live.ended().status == 130
    assert live.processes() == []


def test_a_closed_terminal_ends_all(project: Project) -> None:
    install(project, LINGERING, DEAF)
    live, terminal = LiveRun.start_at_a_terminal(project, "error-analysis")
    live.wait_for_processes(OF_BOTH)
    os.close(terminal)
    assert live.ended().status == 130
    assert live.processes() == []
    heal(live)


def test_okstra_killed(live: LiveRun) -> None:
    live.process.kill()
    live.process.wait()
    live.wait_until_nothing_is_left()
    heal(live)


def test_a_warden_killed(live: LiveRun) -> None:
    """okstra ends what the supervisor ran, and goes on without that worker's answer."""
    supervisors = live.supervisors()
    os.kill(supervisors["rehearsal-a"], signal.SIGKILL)
    eventually(lambda: len(live.events) > 4)
    (end,) = [row for row in live.events if row["event"] == "ended"]
    assert (end["worker"], end["outcome"], end["state"]) == ("rehearsal-a", "error", "unavailable")
    os.kill(supervisors["rehearsal-b"], signal.SIGKILL)
    ended = live.ended()
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    assert report_of(ended)["gates"]["convergence"]["gate"] == "aborted-non-result"
    assert live.processes() == []
    heal(live)


def test_okstra_and_its_wardens_killed(live: LiveRun) -> None:
    """Then nobody is left to clean up: the clients end with their supervisors, strays when the run is resumed."""
    supervisors = live.supervisors()
    assert len(supervisors) == 2
    live.process.kill()
    for pid in supervisors.values():
        os.kill(pid, signal.SIGKILL)
    live.process.wait()
    eventually(lambda: len(live.processes()) <= 1)
    heal(live)


def test_okstra_that_stands_still_frees_no_worker_of_its_limits(project: Project) -> None:
    install(project, LINGERING, DEAF, limits={"softMinutes": 2 / 60, "hardMinutes": 3 / 60})
    live = LiveRun.start(project, "error-analysis")
    live.wait_for_processes(OF_BOTH)
    os.kill(live.process.pid, signal.SIGSTOP)
    live.wait_until_nothing_is_left()
    os.kill(live.process.pid, signal.SIGCONT)
    ended = live.ended()
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    outcomes = [row["outcome"] for row in report_of(ended)["execution"][:2]]
    assert outcomes == ["timeout", "timeout"]


def checked_by(project: Project, command: str, **limits: float) -> LiveRun:
    settings = project.repo.path / ".okstra" / "project.json"
    install(project, **({"limits": limits} if limits else {}))
    settings.write_text(settings.read_text().replace('"qaCommands": []', f'"qaCommands": ["{command}"]'))
    return LiveRun.start(project, "final-verification")


SLOW_CHECK = "setsid sleep 300 & sleep 300"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_check_ends_with_the_run(project: Project, number: signal.Signals) -> None:
    live = checked_by(project, SLOW_CHECK)
    live.wait_for_processes(3)
    os.kill(live.process.pid, number)
    assert live.ended().status == (130 if number is signal.SIGINT else -9)
    live.wait_until_nothing_is_left()
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(settings.read_text().replace(SLOW_CHECK, "true"))
    heal(live)


def test_a_check_that_does_not_end_is_red(project: Project) -> None:
    live = checked_by(project, SLOW_CHECK, softMinutes=3 / 60, hardMinutes=3 / 60)
    ended = live.ended()
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    assert live.processes() == []
    gate = report_of(ended)["gates"]["checks"]
    assert gate == {"gate": "failed", "note": f"`{SLOW_CHECK}` exit 124"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_exit_check_ends_with_the_run(project: Project, number: signal.Signals) -> None:
    """The stage is not done then; once the check is green, a resume finishes it, and nobody is asked again."""
    gate = project.repo.path.parent / "green"
    project.adopt(independent(1), exit_check=f"if ! test -f {gate}; then {SLOW_CHECK}; fi")
    work = ({"write": {"path": "stage-1/it.py", "content": "x = 1\n"}}, {"commit": "feat: it"})
    install(project, part(*work, {"result": executed(1, 2)}, role="executor"))
    live = LiveRun.start(project, "implementation")
    live.wait_for_event("check-started")
    live.wait_for_processes(3)
    os.kill(live.process.pid, number)
    assert live.ended().status == (130 if number is signal.SIGTERM else -9)
    live.wait_until_nothing_is_left()
    assert [row["status"] for row in project.ledger] == ["started"]
    gate.touch()
    asked = [row for row in live.events if row["event"] == "dispatched"]
    resumed = live.resume()
    assert resumed.status == 0, resumed
    again = [row["worker"] for row in live.events if row["event"] == "dispatched"][len(asked) :]
    assert again == ["report-writer"]
    assert [row["status"] for row in project.ledger] == ["started", "done"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_exit_check_that_a_person_started_ends_with_its_command(project: Project, number: signal.Signals) -> None:
    """Else it would go on beside the one of the next try."""
    gate = project.repo.path.parent / "green"
    project.adopt(independent(1), exit_check=f"if ! test -f {gate}; then {SLOW_CHECK}; fi")
    run = project.run_stage()
    project.repo.commit({"stage-1/it.py": "x = 1\n"}, "feat: it", at=Path(run.data["worktree"]["path"]))
    done = ("stage", "done", "--run", run.data["run_id"], "--json")
    live = LiveRun(project, "implementation", project.okstra.start(*done))
    live.wait_for_event("check-started")
    live.wait_for_processes(3)
    os.kill(live.process.pid, number)
    live.process.wait(30)
    live.wait_until_nothing_is_left()
    assert [row["status"] for row in project.ledger] == ["started"]
    gate.touch()
    assert project.okstra(*done).status == 0
    assert [row["status"] for row in project.ledger] == ["started", "done"]
