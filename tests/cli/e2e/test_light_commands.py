"""Commands that agents call dozens of times a run load no package but the standard library's."""

from __future__ import annotations

import sys

from support.loaded import loaded
from support.okstra import Project


def _packages(project: Project, *words: str) -> set[str]:
    added = {name.partition(".")[0] for name in loaded(project, *words)} - set(sys.stdlib_module_names)
    return {name for name in added if not name.startswith("_sysconfigdata")}


def test_light_commands_load_no_package(project: Project) -> None:
    plan = project.adopt({1: (), 2: (1,)})
    project.run_stage()
    run = project.run_phase("error-analysis").data["run_id"]
    for command in (
        ("--version",),
        ("list", "--json"),
        ("status",),
        ("stage", "list", "--plan", plan),
        ("worktree", "list"),
        ("paths", run),
        ("show", run),
        ("error-log", run),
        ("usage", run),
    ):
        assert _packages(project, *command) == {"okstra_ctl"}, command


def test_a_plan_that_is_read_for_the_first_time_needs_the_markdown_parser(project: Project) -> None:
    assert "markdown_it" in _packages(project, "plan", "check", project.adopt({1: ()}))


def test_what_draws_at_a_terminal_is_not_loaded_for_a_pipe(project: Project) -> None:
    project.run_phase("error-analysis")
    for command in (("list",), ("status",), ("board",), ("board", "--json")):
        assert not _packages(project, *command) & {"rich", "jinja2", "prompt_toolkit"}, command


def test_a_page_loads_what_makes_it_and_nothing_of_the_terminal(project: Project) -> None:
    packages = _packages(project, "board", "--html", "board.html")
    assert "jinja2" in packages and "rich" not in packages
