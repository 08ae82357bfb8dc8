"""Finding one's way among many runs: `list`, `status`, `projects`."""

from __future__ import annotations

import pytest

from support.okstra import Project
from support.rehearsal import install, led, part


@pytest.fixture
def several(project: Project) -> Project:
    """A completed run, a failed one, a prepared one, and one of another task."""
    assert led(project, "error-analysis").status == 0
    install(project, part({"fault": "garbage"}, role="analyst"))
    assert led(project, "improvement-discovery").status == 1
    assert project.run_phase("requirements-discovery").status == 0
    other = (
        "--task-group",
        "core",
        "--task-id",
        "T-2",
        "--task-type",
        "error-analysis",
        "--request=Do it.",
        "--render-only",
    )
    project.okstra.ok("run", *other)
    return project


def runs(project: Project, *args: str) -> list[str]:
    return [row["run_id"].split(":", 1)[1] for row in project.okstra.ok(*args, "--json").data["runs"]]


def test_list_takes_filters_that_one_guesses(several: Project) -> None:
    assert runs(several, "list") == [
        "core:T-1/error-analysis/001",
        "core:T-1/improvement-discovery/001",
        "core:T-1/requirements-discovery/001",
        "core:T-2/error-analysis/001",
    ]
    assert runs(several, "list", "--status", "failed") == ["core:T-1/improvement-discovery/001"]
    assert runs(several, "list", "--task-key", "demo:core:T-2") == ["core:T-2/error-analysis/001"]
    assert len(runs(several, "list", "--project", "demo", "--since", "1h")) == 4
    assert runs(several, "list", "--since", "2999-01-01") == []
    assert runs(several, "list", "--project", "nobody") == []


@pytest.mark.parametrize("flags", [("--since", "yesterday"), ("--status", "asleep")])
def test_a_filter_that_means_nothing_is_an_error(several: Project, flags: tuple[str, str]) -> None:
    assert several.okstra("list", *flags, "--json").status == 2


def test_status_tells_what_is_open_and_what_to_do(several: Project) -> None:
    rows = several.okstra.ok("status", "--json").data["runs"]
    assert [(row["status"], row["next"].split()[1]) for row in rows] == [
        ("failed", "resume"),
        ("prepared", "resume"),
        ("prepared", "resume"),
    ]
    text = several.okstra.ok("status").stdout
    assert "okstra resume demo:core:T-1/improvement-discovery/001" in text


def test_projects_counts_runs(several: Project) -> None:
    (row,) = several.okstra.ok("projects", "--json").data["projects"]
    assert (row["project_id"], row["runs"], row["open"]) == ("demo", 4, 3)
