"""Questions with yes and no at a terminal: only an answer is an answer."""

from __future__ import annotations

import pytest

from support.okstra import Project
from support.sealed import ROOT
from support.terminal import CTRL_D, Terminal

OKSTRA_SH = str(ROOT / "bin" / "okstra.sh")


def ask(project: Project, answer: str) -> Terminal:
    (project.repo.path / "brief.md").write_text("Find the cause.\n")
    flags = ["--task-key", project.task_key, "--task-type", "error-analysis", "--task-brief", "brief.md"]
    terminal = Terminal([OKSTRA_SH, *flags, "--provider", "rehearsal"], project.repo.path, project.okstra.environment)
    terminal.then("[Y/n]", answer)
    return terminal


def prepared(project: Project) -> int:
    return len(project.okstra.ok("list", "--json").data["runs"])


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "\n"])
def test_yes_or_enter_goes_on(project: Project, answer: str) -> None:
    terminal = ask(project, answer)
    terminal.wait_for("error-analysis/001")
    terminal.end()
    assert prepared(project) == 1


@pytest.mark.parametrize("answer", ["n\n", "No\n", CTRL_D])
def test_no_and_the_end_of_input_prepare_nothing(project: Project, answer: str) -> None:
    assert ask(project, answer).end() == 3
    assert prepared(project) == 0


@pytest.mark.parametrize("answer", ["nope\n", "quit\n", "yn\n", "1\n"])
def test_anything_else_asks_again(project: Project, answer: str) -> None:
    terminal = ask(project, answer)
    terminal.wait_for("please answer y or n")
    assert prepared(project) == 0
    terminal.then("[Y/n]", "n\n")
    assert terminal.end() == 3
    assert prepared(project) == 0
