"""Questions with yes and no at a terminal: only an answer is an answer."""

from __future__ import annotations

import pytest

from support.okstra import Project
from support.sealed import ROOT
from support.terminal import CTRL_C, CTRL_D, Terminal

OKSTRA = str(ROOT / "bin" / "okstra")
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


# The command, with PLAN for a plan that nobody approved yet, and the end of what it asks.
_QUESTIONS = {
    "init": "[Y/n]",
    "setup --project-id demo": "[Y/n]",
    "next": "[Y/n]",
    "plan approve PLAN": "[y/N]",
    "trust": "[y/N]",
    "review --staged --provider rehearsal": "[Y/n]",
    "run --task-key T-1 --task-type error-analysis --request x --provider rehearsal": "[Y/n]",
}


@pytest.mark.parametrize("key", ["n\n", CTRL_D, CTRL_C], ids=["no", "end of input", "interrupt"])
def test_cancelling_at_a_question_leaves_nothing_behind(project: Project, key: str) -> None:
    plan = project.adopt({1: ()}, approved=False)
    project.okstra.ok("config", "set", "--project", "qaCommands", "true")
    (project.repo.path / "staged.txt").write_text("staged\n")
    project.repo.git("add", "staged.txt")
    for line, asks in _QUESTIONS.items():
        before = _picture(project)
        words = line.replace("PLAN", plan).split()
        terminal = Terminal([OKSTRA, *words], project.repo.path, project.okstra.environment)
        terminal.then(asks, key)
        assert terminal.end() == (130 if key == CTRL_C else 3), (line, terminal.all_shown)
        assert "Traceback" not in terminal.all_shown, line
        assert _picture(project) == before, line


def _picture(project: Project) -> dict[str, bytes]:
    """The files of project, repository and home; without what locks leave, git's own index of times, and objects that
    no ref names: git drops them by itself."""
    files = [path for root in (project.repo.path, project.home) for path in root.rglob("*") if path.is_file()]
    passing = ("index", "FETCH_HEAD")
    return {
        str(path): path.read_bytes()
        for path in files
        if ".lock" not in str(path)
        and ".git/objects" not in str(path)
        and not (path.parent.name == ".git" and path.name in passing)
    }
