"""Inside one of its own worktrees okstra acts on the project that owns it: records there would go with the worktree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.okstra import Ended, Okstra, Project
from support.plans import independent, plan_text

KEY = Project.task_key


class Inside:
    """A worktree of okstra's, of a project whose settings are committed, so that it has a copy of them."""

    def __init__(self, project: Project, kind: str) -> None:
        self.project = project
        project.repo.commit({".okstra/.gitignore": "*\n!project.json\n", "src/deep/code.py": "1\n"})
        project.adopt(independent(2))
        stage = Path(project.run_stage().data["worktree"]["path"])
        self.top = stage if kind == "stage" else stage.parent / "task"
        assert (self.top / ".okstra" / "project.json").is_file()
        self.here = self.top / "src" / "deep"
        self.okstra = Okstra(project.okstra.environment, self.here)

    def settings(self, of: Path) -> dict[str, object]:
        document: dict[str, object] = json.loads((of / ".okstra" / "project.json").read_text())
        return document

    def untouched(self) -> None:
        status = self.project.repo.git("-C", str(self.top), "status", "--porcelain", "--ignored")
        assert not status, f"something was written into the worktree: {status}"


@pytest.fixture(params=["stage", "task"])
def inside(project: Project, request: pytest.FixtureRequest) -> Inside:
    return Inside(project, request.param)


def test_runs_settings_and_plans_are_the_owning_projects(inside: Inside, tmp_path: Path) -> None:
    project, okstra = inside.project, inside.okstra
    root = project.repo.path
    (inside.top / ".." / "brief.md").write_text("Find the cause.\n")
    brief = inside.top.parent / "brief.md"

    assert okstra.ok("check-project", "--json").data["root"] == str(root)
    assert okstra.ok("paths", "--json").data["PROJECT_ROOT"] == str(root)

    okstra.ok("config", "set", "--project", "reportLanguage", "ko")
    assert (inside.settings(root)["reportLanguage"], inside.settings(inside.top)["reportLanguage"]) == ("ko", "en")

    task = ("--task-group", "core", "--task-id", "T-2", "--task-brief", brief)
    run = okstra.ok("run", "--task-type", "error-analysis", *task, "--render-only", "--json")
    assert Path(run.data["manifest"]).is_relative_to(root / ".okstra"), run.data["manifest"]
    assert run.data["worktree"]["status"] == "created"

    source = tmp_path / "other-plan.md"
    source.write_text(plan_text(independent(1)))
    adopted = okstra.ok("plan", "adopt", source, "--task-key", "demo:core:T-3", "--json")
    assert Path(adopted.data["plan"]).is_relative_to(root / ".okstra")

    following = okstra.ok("run", "--task-key", KEY, "--task-type", "implementation", "--render-only", "--json")
    assert following.data["stage"] == 2
    assert okstra("integrate", "--task-key", KEY, "--json").codes == ["nothing-to-integrate"]
    assert okstra.ok("schedule", "--json").data["tasks"]
    assert Path(okstra.ok("setup", "--project-id", "demo", "--yes", "--json").data["root"]) == root
    inside.untouched()


@pytest.mark.stress
def test_a_task_of_words_and_all_that_follows_are_the_owning_projects(inside: Inside) -> None:
    okstra, tasks = inside.okstra, inside.project.repo.path / ".okstra" / "tasks"
    okstra.ok("init", "--yes")
    words = ("--provider", "rehearsal", "--render-only", "--json")
    made = okstra.ok("run", "Sums are off", *words)
    assert Path(made.data["manifest"]).is_relative_to(tasks)
    assert made.data["worktree"]["status"] == "created"
    quick = okstra.ok("run", "Sums are slow", "--quick", "--check", "true", "--approve", *words)
    assert Path(quick.data["manifest"]).is_relative_to(tasks)
    assert quick.data["worktree"]["status"] == "created"
    assert okstra.ok("next", ".", "--json").data["task_key"] == KEY
    assert okstra.ok("next", "sums-are-off", "--json").data["next"]
    assert Path(okstra.ok("plan", "new", "sums-are-off", "--json").data["plan"]).is_relative_to(tasks)
    assert okstra.ok("show", "sums-are-off", "--json").data["title"] == "Sums are off"
    assert okstra.ok("cd", ".").stdout.strip() == str(inside.top.parent / "task")
    assert okstra.ok("diff", ".", "--json").data["files"] == []
    assert okstra.ok("brief", "show", "sums-are-off").stdout.startswith("# Sums are off")
    assert okstra.ok("drop", "sums-are-off", "--json").data["removed"]
    assert okstra.ok("restore", "sums-are-off", "--json").data["next"]
    assert okstra.ok("wizard", "init", "--json").data["prompt"]["id"] == "task"
    for words in (("status",), ("board",), ("list",), ("history", KEY), ("stage", "list", KEY), ("plan", "show", KEY)):
        okstra.ok(*words, "--json")
    assert okstra("handoff", KEY, "--push", "--dry-run", "--json").codes == ["not-accepted"]
    inside.untouched()


def test_a_worktree_named_by_project_root_is_the_owning_project_too(inside: Inside) -> None:
    named = inside.project.okstra.ok("check-project", "--project-root", inside.here, "--json", cwd=Path("/"))
    assert named.data["root"] == str(inside.project.repo.path)


def test_where_the_registry_does_not_know_it_git_tells_the_owner(inside: Inside) -> None:
    (inside.project.home / "worktrees" / "registry.json").unlink()
    ended: Ended = inside.okstra.ok("check-project", "--json")
    assert ended.data["root"] == str(inside.project.repo.path)
    inside.untouched()


def test_a_project_below_the_repositorys_top_owns_its_worktrees_too(project: Project) -> None:
    below = project.repo.path / "services" / "api"
    project.repo.commit({"services/api/.okstra/project.json": '{"schema": "project/1", "projectId": "api"}'})
    okstra = Okstra(project.okstra.environment, below)
    (below / "brief.md").write_text("Find the cause.\n")
    task = ("--task-group", "core", "--task-id", "T-2", "--task-brief", "brief.md")
    run = okstra.ok("run", "--task-type", "error-analysis", *task, "--render-only", "--json")
    here = Path(run.data["worktree"]["path"])
    for place in (here, here / "services" / "api"):
        assert okstra.ok("check-project", "--json", cwd=place).data["root"] == str(below)


def test_a_persons_own_worktree_of_the_project_is_no_worktree_of_okstras(project: Project, tmp_path: Path) -> None:
    project.repo.commit({".okstra/.gitignore": "*\n!project.json\n"})
    own = tmp_path / "own"
    project.repo.git("worktree", "add", "--quiet", "-b", "own", str(own))
    assert project.okstra.ok("check-project", "--json", cwd=own).data["root"] == str(own)


def test_a_worktree_whose_project_is_gone_belongs_to_none(inside: Inside) -> None:
    (inside.project.repo.path / ".okstra" / "project.json").unlink()
    ended = inside.okstra("check-project", "--json")
    assert (ended.status, ended.codes) == (69, ["not-a-project"])
