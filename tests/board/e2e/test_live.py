"""A led run shows a changing line a worker at a terminal, elsewhere a line an event; failures say why."""

from __future__ import annotations

import re
import time

import pytest

from support.faults import eventually
from support.okstra import Project
from support.rehearsal import install, led, led_args, part
from support.sealed import ROOT
from support.terminal import CTRL_C, Terminal

OKSTRA = str(ROOT / "bin" / "okstra")


def test_at_a_terminal_a_workers_line_changes_every_second_and_is_gone_at_the_end(project: Project) -> None:
    install(project, part({"say": "reading the sources"}, {"fault": "hang"}, role="analyst"))
    words = [word for word in led_args(project, "error-analysis") if word != "--json"]
    terminal = Terminal([OKSTRA, *words], project.repo.path, {**project.okstra.environment, "TERM": "xterm"})
    terminal.wait_for("reading the sources", 60)
    terminal.wait_for("2 s", 30)
    begun = time.monotonic()
    terminal.wait_for("3 s", 30)
    terminal.wait_for("4 s", 30)
    assert time.monotonic() - begun < 20
    assert re.search(r"rehearsal\S* +running +[0-9. ]+s +reading the sources", terminal.all_shown)
    assert terminal.is_cooked()
    terminal.type(CTRL_C)
    assert terminal.end() == 130
    after = terminal.all_written.rpartition("okstra: error")[2]
    assert "reading the sources" not in after
    assert terminal.all_written.rfind("\x1b[?25h") > terminal.all_written.rfind("\x1b[?25l")  # the cursor is there


@pytest.mark.parametrize("how", ["batch", pytest.param("run --all-ready", marks=pytest.mark.stress)])
def test_each_worker_of_several_runs_has_a_line_of_its_own(project: Project, how: str) -> None:
    project.adopt({1: (), 2: ()})
    install(project, part({"say": "reading the plan"}, {"fault": "hang"}, role="executor"))
    words = ["run", "--task-key", project.task_key, "--task-type", "implementation", "--all-ready", "--provider"]
    if how == "batch":
        words = ["batch", "--ready-stages", project.task_key, "--with", "--provider rehearsal"]
    words += [] if how == "batch" else ["rehearsal", "--yes"]
    terminal = Terminal([OKSTRA, *words], project.repo.path, {**project.okstra.environment, "TERM": "xterm"})
    eventually(lambda: len(_at_work(terminal)) == 2)
    terminal.type(CTRL_C)
    assert terminal.end() == 130
    assert "reading the plan" not in terminal.all_written.rpartition("okstra: error")[2]


def _at_work(terminal: Terminal) -> set[str]:
    """The stages whose executor's line says what it does."""
    terminal.wait_for("reading the plan")
    line = r"implementation/stage-(\d)/001(?:(?!implementation/).)*? running [^\r\n]* s  reading the plan"
    return set(re.findall(line, terminal.all_shown, re.DOTALL))


def test_elsewhere_each_event_is_a_line_and_a_failure_names_worker_reason_and_log(project: Project) -> None:
    install(project, part({"fault": "login"}, role="analyst"))
    failed = led(project, "error-analysis")
    assert failed.status == 1, failed
    lines = [line for line in failed.stderr.splitlines() if "rehearsal-a: error" in line]
    assert len(lines) == 1 and "\x1b" not in failed.stderr
    assert re.search(r": error, \S+ after [0-9.]+ s: .+; log: /.+rehearsal-a.*\.log$", lines[0]), lines


def test_checks_that_take_long_are_announced_with_their_log(project: Project) -> None:
    project.adopt({1: ()}, exit_check="sleep 2")
    prepared = project.run_stage()
    project.work(prepared)
    argv = [OKSTRA, "stage", "done", "--run", prepared.data["run_id"]]
    terminal = Terminal(argv, project.repo.path, {**project.okstra.environment, "TERM": "xterm"})
    terminal.wait_for("exit check `sleep 2`; its output: /", 60)
    terminal.wait_for("  1 s  exit check `sleep 2`", 30)
    assert terminal.end() == 0
    merged = project.okstra.ok("integrate", project.task_key)
    assert "okstra: exit check of stage 1: `sleep 2`" in merged.stderr
