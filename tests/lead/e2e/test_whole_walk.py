"""README's first task, from planning to the hand-off, with the built-in rehearsal in every worker's place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sh

from support.okstra import Project
from support.plans import independent, plan_text
from support.rehearsal import led
from support.sealed import ROOT

pytestmark = pytest.mark.contained

KEY = "demo:auth:LOGIN-7"
_REHEARSED = ("--provider", "rehearsal", "--lead", "auto", "--yes")


def test_the_walk_of_the_readme_goes_from_a_brief_to_the_push(project: Project, remote: Path, tmp_path: Path) -> None:
    """Through the door, as a person types it; a command that fails raises with what it wrote."""
    here = {"_cwd": str(project.repo.path), "_env": project.okstra.environment}
    okstra = sh.Command(str(ROOT / "bin" / "okstra")).bake(**here)

    def data(*words: str) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(str(okstra(*words, "--json")))
        return reply["data"]

    brief = tmp_path / "brief.md"
    brief.write_text("Let people log in with a passkey.\n", encoding="utf-8")
    task = ("--task-group", "auth", "--task-id", "LOGIN-7", "--task-brief", str(brief))
    plan = data("run", "--task-type", "implementation-planning", *task, *_REHEARSED)["report"]
    okstra.plan.check(plan)
    okstra.plan.show(plan)
    okstra.plan.approve(plan, "--yes")

    built = data("run", "--task-key", KEY, "--task-type", "implementation", *_REHEARSED)
    (stage,) = data("stage", "list", "--plan", plan)["stages"]
    assert (stage["status"], stage["run_id"]) == ("done", built["run_id"])
    okstra.integrate("--task-key", KEY)
    okstra.run("--task-key", KEY, "--task-type", "final-verification", *_REHEARSED)
    okstra.handoff(KEY, "--push", "--yes")
    pushed = str(sh.Command("git")("--git-dir", str(remote), "ls-tree", "-r", "--name-only", "feat-login-7", **here))
    assert "rehearsal.txt" in pushed.split()
    (body,) = project.repo.path.glob(".okstra/tasks/auth/login-7/runs/release-handoff/reports/pull-request-*.md")
    (proof,) = [line for line in body.read_text().splitlines() if line.startswith("- stage 1: ")]
    assert re.search(r"` exit 0 at \w{12}; without the stage's code exit 1 at \w{12}; proven\b", proof), proof


def test_a_rehearsal_adds_to_a_planned_file_that_is_there_and_says_what_its_exit_check_said(project: Project) -> None:
    project.repo.commit({"stage-1/it.py": "x = 1\n", ".okstra-keep": ""})
    text = plan_text(independent(1), exit_check="test -f no-such-file").replace("`stage-1/**`", "`stage-1/it.py`")
    project.adopt_text(text.replace("stage-1/test_it.py", "stage-1/it.py"))
    ended = led(project, "implementation")
    assert ended.status == 1, ended
    at = Path(json.loads(Path(ended.data["manifest"]).read_text())["worktree"]["path"])
    assert (at / "stage-1" / "it.py").read_text() == "x = 1\n\n"
    assert "test -f no-such-file" in ended.stderr + ended.stdout
