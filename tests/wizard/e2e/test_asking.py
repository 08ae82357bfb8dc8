"""`okstra.sh` at a terminal asks for what is missing; without one it never waits."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

from support.clients_on_path import client
from support.okstra import Project
from support.sealed import ROOT


def _talk(project: Project, answers: list[str], *flags: str) -> tuple[int, str]:
    """Runs okstra.sh at a pseudo-terminal, types the answers, and answers status and screen."""
    agent = project.repo.path.parent / "agents" / "claude"  # where an agent is, a person's run is led by it
    agent.parent.mkdir(exist_ok=True)
    client(agent.parent, "claude", works=f'env >{agent}.env; printf "%s\\n" "$$ $PWD" "$@" >{agent}.args')
    client(agent.parent, "codex")
    environment = project.okstra.environment
    environment = {**environment, "PATH": f"{agent.parent}:{environment['PATH']}", "TERM": "dumb"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.repo.path)
        door = str(ROOT / "bin" / "okstra.sh")
        os.execve(door, [door, *flags], environment)
    os.write(terminal, "".join(f"{answer}\n" for answer in answers).encode())
    screen = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        screen += chunk
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), screen.decode("utf-8", "replace")


def _tasks(project: Project) -> list[str]:
    return [path.name for path in (project.repo.path / ".okstra" / "tasks").glob("*/*")]


def test_it_asks_and_prepares(project: Project) -> None:
    status, screen = _talk(project, ["", "It crashes on empty lists", "core", "ASK-1", "", "", "", "", "y", "y"])
    assert status == 0, screen
    assert "Which phase?" in screen
    assert "demo:core:ASK-1/error-analysis/001" in screen
    assert list(
        (project.repo.path / ".okstra" / "tasks" / "core" / "ask-1").glob("runs/error-analysis/manifests/*.json")
    )
    assert screen.count("! This can't be empty.") == 1
    brief = project.repo.path / ".okstra" / "tasks" / "core" / "ask-1" / "brief.md"
    assert "It crashes on empty lists" in brief.read_text()


def test_a_wrong_answer_is_asked_again(project: Project) -> None:
    answers = [
        "no-such-brief",
        "It is slow",
        "core",
        "ASK-2",
        "99",
        "nonsense",
        "error-analysis",
        "",
        "",
        "",
        "yes",
        "1",
    ]
    status, screen = _talk(project, answers)
    assert status == 0, screen
    assert screen.count("! Pick one of the values shown.") == 2
    assert screen.count("! There is no such file.") == 1
    assert _tasks(project) == ["ask-2"]


def test_back_more_and_several_answers(project: Project) -> None:
    _, screen = _talk(
        project,
        [
            "It is slow",
            "cor",
            "<",
            "core",
            "ASK-4",
            "+",
            "7",
            "chore",
            "",
            "2",
            "",
            "1, gemini",
            "",
            "",
            "",
            "",
            "2",
            "",
            "y",
            "n",
        ],
    )
    assert "--task-group core --task-id ASK-4 --task-type release-handoff" in screen
    assert "--work-category=chore --workers=claude,gemini --pr '--request=It is slow' --yes" in screen
    assert screen.count("! Mark at least one step") == 1
    assert screen.index("4  Implementation planning") < screen.index("+  more") < screen.index("7  Release hand-off")
    assert _tasks(project) == []


def test_no_at_the_confirmation_writes_nothing(project: Project) -> None:
    status, screen = _talk(project, ["It is slow", "core", "ASK-3", "3", "", "", "", "y", "n"])
    assert status == 3, screen
    assert "nothing was prepared" in screen
    assert not (project.repo.path / ".okstra" / "tasks").exists()


def test_what_flags_answer_is_not_asked(project: Project) -> None:
    flags = ("--task-group", "core", "--work-category", "docs", "--directive", "two words", "--render-only", "--plain")
    status, screen = _talk(project, ["It is slow", "ASK-5", "3", "", "", "y", "y"], *flags)
    assert status == 0, screen
    assert "Task group" not in screen
    assert "Kind of work" not in screen
    assert "--work-category=docs '--directive=two words' '--request=It is slow' --yes --render-only" in screen.replace(
        "\r\n", ""
    )
    assert "docs-ask-5" in screen


def test_a_flag_that_cannot_be_is_told_before_anything_is_asked(project: Project) -> None:
    status, screen = _talk(project, [], "--task-type", "coding")
    assert status == 2, screen
    assert "task-type 'coding'" in screen
    assert "Task group" not in screen


def test_the_end_of_the_input_is_no_answer(project: Project) -> None:
    status, screen = _talk(project, ["It is slow", "\x04"])
    assert status == 2, screen
    assert "the input ended" in screen
    assert _tasks(project) == []


def test_flags_at_a_terminal_are_confirmed_once(project: Project) -> None:
    flags = ("--task-type", "error-analysis", "--task-group", "core", "--task-id", "T-9", "--request=Do it.")
    status, screen = _talk(project, ["y"], *flags)
    assert status == 0, screen
    assert screen.count("[Y/n]") == 1
    status, screen = _talk(project, [], *flags, "--yes")
    assert status == 0, screen
    assert "[Y/n]" not in screen


def test_without_a_terminal_what_is_missing_is_an_error(project: Project) -> None:
    done = subprocess.run(
        [str(ROOT / "bin" / "okstra.sh")],
        cwd=project.repo.path,
        env=project.okstra.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "okstra run 'what is wanted'" in done.stderr
    assert not Path(project.repo.path / ".okstra" / "tasks").exists()


def test_a_persons_claude_takes_the_run_over(project: Project) -> None:
    flags = ("--task-type", "error-analysis", "--task-group", "core", "--task-id", "T-9", "--request=Do it.", "--yes")
    status, screen = _talk(project, [], *flags)
    assert status == 0, screen
    agent = project.repo.path.parent / "agents" / "claude"
    place, *arguments = agent.with_name("claude.args").read_text().splitlines()
    pid, _, folder = place.partition(" ")
    assert folder.endswith("/worktrees/demo/core/t-9/task")
    assert "You lead one okstra run." in "\n".join(arguments)
    assert {"--model", "--session-id", "--settings", "--add-dir", "--permission-mode"} <= set(arguments)
    settings = json.loads(arguments[arguments.index("--settings") + 1])
    allowed = settings["permissions"]["allow"]
    assert allowed[:3] == ["Bash(okstra:*)", "Bash(okstra-codex-exec.sh:*)", "Bash(okstra-gemini-exec.sh:*)"]
    task = project.repo.path / ".okstra" / "tasks" / "core" / "t-9"
    assert f"Edit(/{task}/runs/error-analysis/worker-results/**)" in allowed
    assert "okstra guard tool" in settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    environment = agent.with_name("claude.env").read_text()
    assert "OKSTRA_GUARD_REPO=" in environment
    assert "core.hooksPath" in environment
    (path,) = task.glob("runs/error-analysis/manifests/*.json")
    manifest = json.loads(path.read_text())
    lead = manifest["lead"]
    assert manifest["started_at"]
    (row,) = project.okstra.ok("status", "--json").data["runs"]
    assert row["status"] == "interrupted", "it was led, and whoever led it has ended"
    assert (lead["mode"], lead["owner"]["pid"]) == ("claude", int(pid))
    rows = (path.parent.parent / "state" / "events-001.jsonl").read_text().splitlines()
    (session,) = [row["session"] for row in map(json.loads, rows) if row["event"] == "session"]
    assert session == arguments[arguments.index("--session-id") + 1]  # by which its files are found
