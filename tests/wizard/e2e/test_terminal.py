"""`okstra.sh` at a real pseudo-terminal: lists, fields, the way back, both languages, a stop that leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.okstra import Project
from support.sealed import ROOT
from support.terminal import CTRL_C, CTRL_D, DOWN, ENTER, ESCAPE, LEFT, SPACE, TAB, UP, Terminal

DOOR = str(ROOT / "bin" / "okstra.sh")


def at_terminal(project: Project, *flags: str, rows: int = 24, columns: int = 80, term: str = "xterm") -> Terminal:
    environment = {**project.okstra.environment, "TERM": term}
    return Terminal([DOOR, *flags], project.repo.path, environment, rows=rows, columns=columns)


def everything(project: Project) -> set[str]:
    return {str(path) for folder in (project.repo.path, project.home) for path in folder.rglob("*")}


def test_arrows_fields_more_and_the_command_line_before_the_start(project: Project) -> None:
    (project.repo.path / "request.md").write_text("Do it.")
    at = at_terminal(project, "--render-only", columns=240)
    at.then("What is wanted?", f"req{TAB}")
    at.then("uest.md", ENTER)
    at.then("Task group [tasks]", f"core{ENTER}")
    at.then("Task id [do-it", f"T-9{ENTER}")
    at.then("Which phase?", UP + ENTER)  # from the first to the last, which is "more": it unfolds
    at.then("Release hand-off", UP + ENTER)
    at.then("Kind of work", DOWN + ENTER)
    at.then("branch starts", ENTER)
    at.then("Settings", DOWN + ENTER)
    at.then("Models", ENTER)
    at.then("Who analyses", SPACE + DOWN + SPACE + ENTER)  # nobody is not the default
    at.then("Name providers that okstra knows", SPACE + DOWN + DOWN + SPACE + ENTER)
    at.then("A critic?", ENTER)
    at.then("A word", f"look twice{ENTER}")
    at.then("Related", ENTER)
    at.then("Answers", ENTER)
    at.then("Is this branch right?", ENTER)
    shown = at.wait_for("Start it?")
    assert "okstra run --task-group core --task-id T-9 --task-type implementation-planning" in shown
    assert "--task-brief=request.md --work-category=bugfix --workers=codex,gemini --critic=off" in shown
    assert "'--directive=look twice' --yes --render-only" in shown
    at.then("yes", ENTER)
    assert at.end() == 0, at.all_shown
    assert "demo:core:T-9/implementation-planning/001" in at.all_shown


@pytest.mark.parametrize("key", [ESCAPE, LEFT])
def test_the_way_back_keeps_what_was_typed(project: Project, key: str) -> None:
    at = at_terminal(project, "--dry-run", "--task-type", "error-analysis", columns=200)
    at.then("What is wanted?", f"It is slow{ENTER}")
    at.then("Task group", f"core{ENTER}")
    at.then("Task id", f"T-8{ENTER}")
    at.then("Kind of work", key)
    at.then("> T-8", ESCAPE)
    at.then("> core", ENTER)
    at.then("> T-8", f"8{ENTER}")
    at.then("Kind of work", ENTER)
    at.then("branch starts", ENTER)
    at.then("Settings", ENTER)
    at.then("Is this branch right? fix-t-88", ENTER)
    at.then("Start it?", ENTER)
    assert at.end() == 0, at.all_shown
    assert "would prepare  demo:core:T-88/error-analysis/001" in at.all_shown


def test_back_before_the_first_question_and_a_wrong_answer_say_why(project: Project) -> None:
    at = at_terminal(project, "--request", "It is slow")
    at.then("Task group", ESCAPE)
    at.then("There is nothing before this question.", f"a:b{ENTER}")
    at.then("64", CTRL_C)  # the rule of a name, and the wrong one to mend
    assert "> a:b" in at.all_shown
    assert at.end() == 130


def test_korean(project: Project) -> None:
    at = at_terminal(project, "--report-language", "ko", "--render-only", columns=200)
    at.then("무엇을 원하시나요?", f"목록이 비면 멈춘다{ENTER}")
    at.then("작업 그룹 [tasks]", f"core{ENTER}")
    at.then("작업 ID [목록이-비면-멈춘다]", f"T-7{ENTER}")
    at.then("어떤 단계를 실행할까요?", DOWN + DOWN + ENTER)
    at.then("작업 종류", ENTER)
    at.then("시작점", ENTER)
    at.then("설정", ENTER)
    at.then("이 브랜치가 맞나요?", ENTER)
    at.wait_for("명령: okstra run")
    at.then("시작할까요?", ENTER)
    assert at.end() == 0, at.all_shown
    assert "demo:core:T-7/error-analysis/001" in at.all_shown


@pytest.mark.parametrize(("key", "status"), [(CTRL_C, 130), (CTRL_D, 2)])
@pytest.mark.parametrize("where", ["a field", "a list"])
def test_a_stop_leaves_nothing_and_the_terminal_as_it_was(project: Project, key: str, status: int, where: str) -> None:
    before = everything(project)
    at = at_terminal(project, "--task-group", "g")
    if where == "a list":
        at.then("What is wanted?", f"It is slow{ENTER}")
        at.then("Task id", f"x{ENTER}")
    at.then("Which phase?" if where == "a list" else "What is wanted?", key)
    at.wait_for("okstra: error: ")
    assert at.is_cooked()
    assert at.end() == status, at.all_shown
    assert everything(project) == before


@pytest.mark.parametrize("question", ["What is wanted?", "Which phase?"])
def test_a_signal_to_end_leaves_the_terminal_as_it_was(project: Project, question: str) -> None:
    before = everything(project)
    known = ("--task-id", "i", "--request", "It is slow") if question == "Which phase?" else ()
    at = at_terminal(project, "--task-group", "g", *known)
    at.then(question, "")
    assert not at.is_cooked()
    os.kill(at.pid, signal.SIGTERM)
    at.wait_for("okstra: error: interrupted")
    assert at.is_cooked()
    assert at.end() == 130
    assert everything(project) == before


def test_no_leaves_nothing(project: Project) -> None:
    before = everything(project)
    at = at_terminal(project, "--task-group", "g", "--task-id", "i", "--task-type", "error-analysis", "--request", "x")
    assert "Start" not in at.all_shown
    at.then("[Y/n]", "n\n")  # nothing is missing: the wizard has nothing to ask
    assert at.end() == 3
    at = at_terminal(project, "--task-group", "g", "--task-type", "error-analysis")
    at.then("What is wanted?", f"It is slow{ENTER}")
    at.then("Task id", f"i{ENTER}")
    for label in ("Kind of work", "branch starts", "Settings"):
        at.then(label, ENTER)
    at.then("Is this branch right?", DOWN + ENTER)
    assert at.end() == 3, at.all_shown
    assert "nothing was prepared" in at.all_shown
    assert everything(project) == before


def test_a_stage_is_shown_with_its_status_what_it_waits_for_and_its_files(project: Project) -> None:
    project.adopt({1: (), 2: (1,)})
    at = at_terminal(
        project, "--task-type", "implementation", "--task-group", "core", "--render-only", "--fix-cycle=no"
    )
    at.then("Task id", f"T-1{ENTER}")
    shown = at.wait_for("blocked; ← 1")
    assert "ready; stage-1/" in shown
    at.then("", UP + ENTER)
    at.then("That stage is not ready", UP + ENTER)
    at.then("Who builds it?", ENTER)
    at.then("Settings", ENTER)
    at.then("Start it?", ENTER)
    assert at.end() == 0, at.all_shown
    assert "demo:core:T-1/implementation/stage-1/001" in at.all_shown


@pytest.mark.parametrize(("rows", "columns"), [(4, 80), (3, 12), (24, 8)])
def test_a_window_that_is_too_small_still_takes_answers(project: Project, rows: int, columns: int) -> None:
    at = at_terminal(project, "--dry-run", "--task-group", "g", "--task-id", "i", rows=rows, columns=columns)
    at.then(">", f"It is slow{ENTER}")
    for keys in (DOWN + DOWN, "", "", "", "", ""):  # phase, category, base, settings, branch, start
        time.sleep(0.5)
        at.then("", f"{keys}{ENTER}")
    assert at.end() == 0, at.all_shown
    assert "g:i/error-analysis/001" in at.all_shown


def test_a_window_that_shrinks_and_grows_under_a_question(project: Project) -> None:
    at = at_terminal(project, "--dry-run", "--task-group", "g", "--task-id", "i")
    at.then("What is wanted?", f"It is slow{ENTER}")
    at.then("Which phase?", DOWN)
    at.resize(2, 15)
    at.then("> Improvement", DOWN)
    at.resize(30, 100)
    at.then("> Error analysis", ENTER)
    for label in ("Kind of work", "branch starts", "Settings", "Is this branch", "Start it?"):
        at.then(label, ENTER)
    assert at.end() == 0, at.all_shown
    assert "g:i/error-analysis/001" in at.all_shown


@pytest.mark.parametrize(("rows", "term"), [(24, "dumb"), (1, "xterm")])
def test_a_dumb_or_tiny_terminal_is_asked_line_by_line(project: Project, rows: int, term: str) -> None:
    at = at_terminal(project, "--task-group", "g", rows=rows, term=term)
    at.then("< goes back.", CTRL_C)
    assert at.end() == 130


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not there: the screen as a terminal draws it was not looked at")
    call = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    yield call
    subprocess.run([*call, "kill-server"], capture_output=True)


def test_the_screen_as_a_real_terminal_draws_it(project: Project, tmux: list[str]) -> None:
    environment = {name: text for name, text in project.okstra.environment.items() if name != "TMUX"}
    command = f"{DOOR} --report-language ko --task-group g --task-id i --request 'It is slow'; echo ended $?; exec cat"
    start = [*tmux, "-u", "new-session", "-d", "-x", "60", "-y", "14", "sh", "-c", command]
    subprocess.run(start, cwd=project.repo.path, env=environment, check=True)

    def screen_with(text: str) -> list[str]:
        for _ in range(100):
            shown = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True).stdout
            if text in shown:
                return [line for line in shown.splitlines() if line]
            time.sleep(0.1)
        raise AssertionError(shown)

    def press(*keys: str) -> None:
        subprocess.run([*tmux, "send-keys", *keys], check=True)

    first = screen_with("> 요구 사항 파악  무엇을 요청하고 무엇이 빠졌는지")
    assert first[0] == "? 어떤 단계를 실행할까요?"
    assert "  ↑ ↓ 이동, Enter 선택, Esc 뒤로, Ctrl-C 중단" in first
    assert "Use arrow keys" not in "\n".join(first)
    press("Down", "Down")
    assert "   요구 사항 파악  무엇을 요청하고 무엇이 빠졌는지" in screen_with("> 오류 분석")
    press("Enter")
    assert screen_with("작업 종류")[0] == "어떤 단계를 실행할까요? 오류 분석"
    press("C-c")
    ended = screen_with("ended 130")
    assert ended[0] == "어떤 단계를 실행할까요? 오류 분석"
    assert "작업 종류" not in "\n".join(ended)
