"""Wherever one task is meant, its key may stand bare or behind `--task-key`, and means the same."""

from __future__ import annotations

from typing import Any

import pytest

from okstra_ctl.command_table import COMMANDS
from okstra_ctl.options import build_parser
from support.okstra import Ended, Project

_ONE_TASK = (
    ("status",),
    ("list",),
    ("board",),
    ("error-log",),
    ("usage",),
    ("history",),
    ("integrate", "--forecast"),
    ("schedule",),
    ("followups", "list"),
    ("stage", "list"),
    ("report", "find"),
    ("worktree", "lookup"),
    ("open", "--print"),
    ("handoff", "--dry-run"),
    ("brief", "show"),
    ("brief", "check"),
)


def _told(ended: Ended) -> tuple[int, list[str], Any]:
    answer = ended.envelope
    return ended.status, ended.codes, {**answer, "data": {k: v for k, v in answer["data"].items() if k != "at"}}


@pytest.mark.parametrize("line", _ONE_TASK, ids=" ".join)
def test_a_bare_key_means_what_the_flag_means(project: Project, line: tuple[str, ...]) -> None:
    project.okstra.ok("brief", "new", "--title", "T", project.task_key, "--json")
    project.adopt({1: (), 2: (1,)})
    project.run_stage()
    flag = project.okstra(*line, "--task-key", project.task_key, "--json")
    assert "usage" not in flag.codes, flag
    for bare in (
        project.okstra(*line, project.task_key, "--json"),
        project.okstra(*line[:1], *line[1:], "--json", project.task_key),
    ):
        assert _told(bare) == _told(flag)


@pytest.mark.parametrize("line", [("status",), ("stage", "list"), ("usage",), ("handoff",)], ids=" ".join)
def test_two_ways_to_name_the_task_at_once_are_refused(project: Project, line: tuple[str, ...]) -> None:
    refused = project.okstra(*line, "demo:core:A", "--task-key", "demo:core:B", "--json")
    assert (refused.status, refused.codes) == (2, ["usage"])


@pytest.mark.parametrize("line", [("status",), ("stage", "list"), ("usage",), ("error-log",), ("followups", "list")])
def test_a_bare_key_of_no_task_is_told_as_such(project: Project, line: tuple[str, ...]) -> None:
    refused = project.okstra(*line, "demo:core:NONE", "--json")
    assert (refused.status, refused.codes) == (2, ["task-unknown"])


def test_the_stages_of_a_task_without_a_plan_name_the_way_to_one(project: Project) -> None:
    project.run_phase("error-analysis")
    refused = project.okstra("stage", "list", project.task_key, "--json")
    assert (refused.status, refused.codes) == (2, ["not-found"])
    assert "implementation-planning" in refused.envelope["errors"][0]["try"]


def test_adopting_takes_the_key_behind_the_plan(project: Project) -> None:
    first = project.adopt({1: ()}, approved=False)
    again = project.okstra.ok("plan", "adopt", first, project.task_key, "--json")
    assert again.data["task_key"] == project.task_key


def test_no_command_takes_a_key_by_flag_alone() -> None:
    """The bare word of `run` is the request, that of `batch` a list."""
    alone = []
    for command in COMMANDS:
        parsers = [(command.name, build_parser(command)[0])]
        while parsers:
            name, parser = parsers.pop()
            for action in parser._actions:
                if action.dest == "action" and action.choices:
                    parsers += [(f"{name} {word}", child) for word, child in dict(action.choices).items()]
            names = [flag for action in parser._actions for flag in action.option_strings]
            if "--task-key" in names and all(action.option_strings for action in parser._actions):
                alone.append(name)
    assert alone == []


def test_the_first_words_of_a_tasks_id_are_enough_to_be_understood(project: Project) -> None:
    for words in ("Crash when the list is empty", "Other"):
        project.okstra.ok("run", words, "--task-type", "error-analysis", "--render-only")
    for typed in ("crash-wh", "tasks:crash", "demo:tasks:crash-when-the-list"):
        refused = project.okstra("show" if ":" not in typed else "history", typed, "--json")
        (error,) = refused.envelope["errors"]
        assert error["try"].startswith("did you mean demo:tasks:crash-when-the-list-is-empty"), (typed, error)
