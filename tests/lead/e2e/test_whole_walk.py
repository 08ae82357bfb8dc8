"""README's first task, from planning to the hand-off, with the built-in rehearsal in every worker's place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.okstra import Project
from support.plans import independent, plan_text
from support.rehearsal import led

KEY = "demo:auth:LOGIN-7"
_REHEARSED = ("--provider", "rehearsal", "--lead", "auto", "--yes")


def _step(project: Project, *words: str | Path) -> dict[str, Any]:
    data: dict[str, Any] = project.okstra.ok(*words, "--json").data
    return data


def test_the_walk_of_the_readme_goes_from_a_brief_to_the_push(project: Project, remote: Path, tmp_path: Path) -> None:
    brief = tmp_path / "brief.md"
    brief.write_text("Let people log in with a passkey.\n", encoding="utf-8")
    task = ("--task-group", "auth", "--task-id", "LOGIN-7", "--task-brief", str(brief))
    planned = _step(project, "run", "--task-type", "implementation-planning", *task, *_REHEARSED)
    plan = planned["report"]
    _step(project, "plan", "check", plan)
    _step(project, "plan", "show", plan)
    _step(project, "plan", "approve", plan, "--yes")

    built = _step(project, "run", "--task-key", KEY, "--task-type", "implementation", *_REHEARSED)
    (stage,) = _step(project, "stage", "list", "--plan", plan)["stages"]
    assert (stage["status"], stage["run_id"]) == ("done", built["run_id"])
    _step(project, "integrate", "--task-key", KEY)
    _step(project, "run", "--task-key", KEY, "--task-type", "final-verification", *_REHEARSED)
    _step(project, "handoff", KEY, "--push", "--yes")
    pushed = project.repo.git("--git-dir", str(remote), "ls-tree", "-r", "--name-only", "feat-login-7")
    assert "rehearsal.txt" in pushed.split()


def test_a_rehearsal_adds_to_a_planned_file_that_is_there_and_says_what_its_exit_check_said(project: Project) -> None:
    project.repo.commit({"stage-1/it.py": "x = 1\n", ".okstra-keep": ""})
    text = plan_text(independent(1), exit_check="test -f no-such-file").replace("`stage-1/**`", "`stage-1/it.py`")
    project.adopt_text(text.replace("stage-1/test_it.py", "stage-1/it.py"))
    ended = led(project, "implementation")
    assert ended.status == 1, ended
    at = Path(json.loads(Path(ended.data["manifest"]).read_text())["worktree"]["path"])
    assert (at / "stage-1" / "it.py").read_text() == "x = 1\n\n"
    assert "test -f no-such-file" in ended.stderr + ended.stdout
