"""No run that finds out or plans without a request, no task without one, and no task by a typo in a key."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from okstra_ctl.settings.phases import NEED_REQUEST
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import led
from support.repos import Repo

_NEW = ("--task-group", "core", "--task-id", "T-9")


def run(project: Project, *more: str, task_type: str = "error-analysis") -> Ended:
    return project.okstra("run", "--task-type", task_type, "--render-only", "--json", *more)


def nothing_was_made(project: Project) -> bool:
    registry = project.home / "worktrees" / "registry.json"
    made = registry.exists() and json.loads(registry.read_text())["tasks"]
    tasks = project.repo.path / ".okstra" / "tasks"
    return not made and not tasks.exists() and project.repo.branches() == {"main"}


@pytest.mark.parametrize("task_type", [one for one in NEED_REQUEST if one != "review"])  # it has its change
def test_without_a_request_nothing_is_made(project: Project, task_type: str) -> None:
    refused = run(project, *_NEW, task_type=task_type)
    assert (refused.status, refused.codes) == (2, ["request-missing"]), refused
    assert "--task-brief FILE, or --request TEXT" in refused.envelope["errors"][0]["try"]
    assert nothing_was_made(project)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "no words"),
        (b"<!-- say what is wanted -->\n", "no words"),
        (b"---\ntitle: T\n---\n", "no words"),
        (b"# \n\n---\n\n...\n", "no words"),
        (bytes(range(256)), "not UTF-8 text"),
        (b"a\0b", "not UTF-8 text"),
        ("요청".encode("euc-kr"), "not UTF-8 text"),
    ],
)
def test_a_brief_that_says_nothing_is_none(project: Project, what: bytes, told: str) -> None:
    brief = project.repo.path.parent / "brief.md"
    brief.write_bytes(what)
    refused = run(project, *_NEW, "--task-brief", str(brief))
    assert (refused.status, refused.codes) == (2, ["request-missing"]), refused
    assert told in refused.envelope["errors"][0]["message"]
    assert refused.envelope["errors"][0]["where"] == str(brief)
    assert nothing_was_made(project)


def test_a_brief_that_cannot_be_read_is_none(project: Project) -> None:
    folder = project.repo.path.parent / "folder"
    folder.mkdir()
    pipe = project.repo.path.parent / "pipe"
    os.mkfifo(pipe)
    for path in (folder, pipe):
        refused = run(project, *_NEW, "--task-brief", str(path))
        assert (refused.status, refused.codes) == (2, ["request-missing"]), refused
        assert refused.envelope["errors"][0]["message"].count("can't be read") <= 1
    missing = run(project, *_NEW, "--task-brief", "Mend the list.")
    assert missing.codes == ["not-found"]
    assert "--request TEXT" in missing.envelope["errors"][0]["try"]
    assert nothing_was_made(project)


def test_a_brief_made_for_the_task_is_found(project: Project) -> None:
    made = project.okstra.ok(
        *("brief", "new", "--task-key", "demo:core:T-9", "--title", "It crashes on empty lists", "--json")
    )
    prepared = run(project, "--task-key", "demo:core:T-9")
    assert prepared.status == 0, prepared
    assert "It crashes on empty lists" in Path(prepared.data["launch_prompt"]).read_text()
    manifest = json.loads((Path(made.data["path"]).parent / "task-manifest.json").read_text())
    assert project.repo.path / manifest["brief"] == Path(made.data["path"])


def test_a_request_in_a_sentence_becomes_the_tasks_brief(project: Project) -> None:
    prepared = run(project, *_NEW, "--request", "It crashes when the list is empty.")
    assert prepared.status == 0, prepared
    assert "It crashes when the list is empty." in Path(prepared.data["launch_prompt"]).read_text()
    brief = project.repo.path / ".okstra" / "tasks" / "core" / "t-9" / "brief.md"
    assert brief.read_text() == "# It crashes when the list is empty.\n\nIt crashes when the list is empty.\n"
    other = run(project, *_NEW, "--request", "Something else.")
    assert (other.status, other.codes) == (2, ["usage"]), other
    assert "It crashes" in brief.read_text()


def test_the_recorded_brief_serves_the_next_phases(project: Project) -> None:
    assert run(project, *_NEW, "--request", "It crashes.").status == 0
    planned = run(project, "--task-key", "demo:core:T-9", task_type="implementation-planning")
    assert planned.status == 0, planned
    assert "It crashes." in Path(planned.data["launch_prompt"]).read_text()


def test_an_adopted_plan_makes_a_task_and_its_stages_need_no_brief(project: Project) -> None:
    project.adopt(independent(1))
    assert project.run_stage().status == 0
    refused = run(project, "--task-key", project.task_key)
    assert (refused.status, refused.codes) == (2, ["request-missing"]), refused


def test_a_typo_in_a_key_makes_no_task_and_names_the_one_that_was_meant(project: Project) -> None:
    assert project.run_phase("error-analysis").status == 0
    for task_type in ("error-analysis", "implementation", "final-verification", "release-handoff"):
        refused = run(project, "--task-key", "demo:core:T-l", task_type=task_type)
        assert (refused.status, refused.codes) == (2, ["task-unknown"]), refused
        assert f"did you mean {project.task_key}?" in refused.envelope["errors"][0]["try"]
        assert refused.data["suggestions"] == [project.task_key]
    assert [path.name for path in (project.repo.path / ".okstra" / "tasks").glob("*/*")] == ["t-1"]
    assert list(project.registry["tasks"]) == [project.task_key]


def test_a_key_with_a_brief_makes_the_task(project: Project) -> None:
    assert run(project, "--task-key", "demo:core:T-9", "--request", "Do it.").status == 0


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("list",),
        ("usage",),
        ("board", "--once"),
        ("report", "find"),
        ("history",),
        ("schedule",),
        ("error-log",),
        ("time-summary",),
        ("followups", "list"),
        ("integrate",),
    ],
)
def test_a_key_that_is_no_tasks_is_an_error_wherever_it_is_given(project: Project, words: tuple[str, ...]) -> None:
    assert led(project, "error-analysis").status == 0
    refused = project.okstra(*words, "--task-key", "demo:core:T-2", "--json")
    assert (refused.status, refused.codes) == (2, ["task-unknown"]), refused
    assert refused.data["suggestions"] == [project.task_key]
    if words != ("integrate",):
        assert project.okstra(*words, "--task-key", project.task_key, "--json").status == 0


def test_a_task_of_another_project_is_known_from_anywhere(project: Project, environment: dict[str, str]) -> None:
    assert project.run_phase("error-analysis").status == 0
    elsewhere = Repo.init(project.repo.path.parent / "elsewhere", environment)
    assert project.okstra("status", "--task-key", project.task_key, "--json", cwd=elsewhere.path).status == 0
