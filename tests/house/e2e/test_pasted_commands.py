"""What okstra prints to be run can be pasted into a shell, whatever ids and folders are called."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.quoting import okstra_command, quote
from support.earlier_tasks import make_earlier_task
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.repos import Repo
from support.sealed import ROOT

ODD = "x; touch pwned; true"
ODD_FOLDER = "it's $(touch pwned); touch pwned #"
_COMMAND = re.compile(r"^(?:[a-z ]*?)(okstra .+)$")


class OddProject(Project):
    """A project and a task whose names were given before ids were limited, in a folder with an odd name."""

    task_key = f"{ODD}:my group:fix it; touch pwned"

    @property
    def task_root(self) -> Path:
        return self.repo.path / ".okstra" / "tasks" / "my-group" / "fix-it-touch-pwned"


@pytest.fixture
def odd(tmp_path: Path, environment: dict[str, str]) -> OddProject:
    repo = Repo.init(tmp_path / ODD_FOLDER, environment)
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    settings = repo.path / ".okstra" / "project.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "projectId": ODD}))
    project = OddProject(repo, okstra)
    assert make_earlier_task(repo.path, project.task_key) == project.task_root
    return project


def commands_in(value: Any) -> Iterator[str]:
    """Every okstra or git command that a JSON answer or a text holds."""
    if isinstance(value, dict):
        for one in value.values():
            yield from commands_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from commands_in(one)
    elif isinstance(value, str):
        for line in value.splitlines():
            if line.startswith("okstra "):
                yield from line.split("; or ")
            elif match := re.search(r"(?:^next +|^ *try: )(okstra .*)$", line):
                yield from match[1].split("; or ")
            yield from re.findall(r"`(okstra [^`]+)`", line)


def paste(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    bin_folder = str(ROOT / "bin")
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project.repo.path,
        env={**project.okstra.environment, "PATH": f"{bin_folder}:{project.okstra.environment['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def told(ended: Ended) -> set[str]:
    found = set(commands_in(ended.stderr))
    try:
        found |= set(commands_in(ended.envelope))
    except ValueError:
        found |= set(commands_in(ended.stdout))
    return found


def test_every_command_that_a_tasks_life_prints_can_be_pasted(odd: OddProject, tmp_path: Path) -> None:
    okstra = odd.okstra
    printed: set[str] = set()

    def call(*words: str | Path) -> Ended:
        printed.update(told(okstra(*words)))
        ended = okstra(*words, "--json")
        printed.update(told(ended))
        return ended

    odd.adopt(independent(2))
    adopted = okstra("plan", "adopt", tmp_path / "plan.md", "--task-key", odd.task_key)
    printed |= told(adopted)
    newest = max(odd.task_root.rglob("final-report-*.md"))
    printed |= told(okstra("plan", "approve", newest))
    okstra.ok("plan", "approve", newest, "--yes")
    first = odd.run_stage()
    assert first.status == 0, first
    printed |= told(first)
    printed |= told(okstra("run", "--task-key", odd.task_key, "--task-type", "implementation", "--render-only"))
    printed |= told(odd.run_stage("1"))
    for words in (
        ["status"],
        ["list"],
        ["schedule"],
        ["show", first.data["run_id"]],
        ["reconcile"],
        ["gc", "--dry-run"],
    ):
        call(*words)
    call("stage", "list", "--plan", next(odd.task_root.rglob("final-report-*.md")))
    call("integrate", "--task-key", odd.task_key)
    call("worktree", "remove", f"{odd.task_key}#stage-1")
    call("run", "--task-key", odd.task_key, "--task-type", "release-handoff", "--render-only")
    assert len(printed) >= 6, printed
    assert any(odd.task_key in command for command in printed)
    for command in sorted(printed):
        ended = paste(odd, command.replace("--budget MORE", "--budget 5"))
        assert ended.returncode not in (126, 127, 70), (command, ended)
        assert "syntax error" not in ended.stderr, (command, ended)
        assert "unrecognized arguments" not in ended.stderr, (command, ended)
    left = [path for path in tmp_path.rglob("pwned") if path.is_file()]
    assert left == [], printed


@pytest.mark.parametrize("comes_with_tasks", [False, True])
def test_a_strangers_project_id_starts_nothing(
    repo: Repo, environment: dict[str, str], *, comes_with_tasks: bool
) -> None:
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    settings = repo.path / ".okstra" / "project.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "projectId": ODD}))
    (repo.path / "brief.md").write_text("Find the cause.\n")
    tasks = repo.path / ".okstra" / "tasks"
    if comes_with_tasks:  # a folder of tasks in the clone makes it no project that was begun here
        tasks.mkdir()
        (tasks / "kept").touch()
        repo.git("add", "--force", str(tasks))
    refused = okstra(
        "run", "--task-group", "g", "--task-id", "t", "--task-type", "error-analysis", "--task-brief", "brief.md",
        "--render-only", "--json",
    )  # fmt: skip
    assert (refused.status, refused.codes) == (2, ["bad-identity"]), refused
    assert "x-touch-pwned-true" in refused.envelope["errors"][0]["try"]
    assert not list(tasks.glob("*/*"))
    checked = okstra("check-project", "--json")
    assert (checked.status, checked.codes) == (4, ["project-unhealthy"]), checked
    for command in told(refused) | told(checked):
        paste(Project(repo, okstra), command)
    assert not os.path.exists(repo.path / "pwned")


@pytest.mark.parametrize("part", ["project", "group", "id"])
@pytest.mark.parametrize("value", ["a b", "a:b", "a/b", "$(x)", "-rf", "a;b", "a'b", "a\u00a0b", "#1", "~x", "*"])
def test_a_new_id_of_other_than_letters_digits_and_three_marks_is_refused_with_a_proposal(
    project: Project, part: str, value: str
) -> None:
    if part == "project":
        (project.repo.path / ".okstra" / "project.json").unlink()
        refused = project.okstra("setup", f"--project-id={value}", "--yes", "--json")
    else:
        names = {"group": "g", "id": "t", part: value}
        refused = project.okstra(
            "run", f"--task-group={names['group']}", f"--task-id={names['id']}", "--task-type=error-analysis",
            "--render-only", "--json",
        )  # fmt: skip
    assert (refused.status, refused.codes) == (2, ["bad-identity"]), refused


@pytest.mark.parametrize("value", ["LOGIN-7", "v1.2_rc", "로그인", "हिन्दी", "Straße", "0"])
def test_letters_of_any_script_are_taken(project: Project, value: str) -> None:
    (project.repo.path / "brief.md").write_text("Find the cause.\n")
    prepared = project.okstra.ok(
        "run", f"--task-group={value}", f"--task-id={value}", "--task-type=error-analysis", "--task-brief=brief.md",
        "--render-only", "--json",
    )  # fmt: skip
    assert prepared.data["task_key"] == f"demo:{value}:{value}"


@pytest.mark.parametrize(
    "word", ["a b", "it's", "$(x)", "", "*", "~", "a\nb", "-rf", "로그인", "a#b", "\u00a0", "a\\b", "!"]
)
def test_a_quoted_word_reaches_the_program_whole(word: str) -> None:
    ended = subprocess.run(["bash", "-c", f"printf %s {quote(word)}"], capture_output=True, text=True)
    assert ended.stdout == word
    assert okstra_command("show", word).startswith("okstra show ")
