"""`okstra guard tool` as Claude Code calls it: the tool call on stdin, status 2 for a no."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, install, led, part
from support.sealed import ROOT


@pytest.fixture
def rules(project: Project) -> Path:
    ended = led(project, "error-analysis")
    (found,) = Path(ended.data["run_dir"]).glob("state/guard-*.json")
    return found


def ask(
    project: Project, rules: Path, text: str, role: str = "analyst", **more: str
) -> subprocess.CompletedProcess[str]:
    argv = [str(ROOT / "bin" / "okstra"), "guard", "tool", "--rules", str(rules), "--role", role]
    environment = {**project.okstra.environment, **more}
    return subprocess.run(
        argv, cwd=project.repo.path, env=environment, input=text, capture_output=True, text=True, timeout=30
    )


def call(tool: str, **given: str) -> str:
    return json.dumps({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": given, "cwd": "/"})


def test_a_reading_phase_edits_nothing(project: Project, rules: Path) -> None:
    refused = ask(project, rules, call("Edit", file_path=str(project.repo.path / "README.md")))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "edits no source" in refused.stderr
    assert ask(project, rules, call("Bash", command="git push")).returncode == 2
    assert ask(project, rules, call("Bash", command="git log")).returncode == 0
    assert ask(project, rules, call("Read", file_path="/etc/hosts")).returncode == 0


def test_a_worker_may_write_its_own_result_and_nobody_elses(project: Project, rules: Path, tmp_path: Path) -> None:
    filed = rules.parent.parent / "worker-results" / "rehearsal-a-worker-error-analysis-001.md"
    own = {"OKSTRA_RESULT": str(tmp_path / "drop" / "r.md"), "OKSTRA_AUDIT": str(tmp_path / "drop" / "a.md")}
    for path in own.values():
        assert ask(project, rules, call("Write", file_path=path), **own).returncode == 0
        assert ask(project, rules, call("Write", file_path=path)).returncode == 2
    assert ask(project, rules, call("Write", file_path=str(tmp_path / "drop" / "b.md")), **own).returncode == 2
    assert ask(project, rules, call("Write", file_path=str(filed)), **own).returncode == 2


def test_an_agent_of_the_leading_session_may_write_where_results_are_filed(project: Project, rules: Path) -> None:
    filed = rules.parent.parent / "worker-results" / "rehearsal-a-worker-error-analysis-001.md"
    assert ask(project, rules, call("Write", file_path=str(filed)), role="lead").returncode == 0
    assert ask(project, rules, call("Write", file_path=str(project.repo.path / "x")), role="lead").returncode == 2


@pytest.mark.parametrize("text", ["", "garbage", "[]", "{}", '{"tool_name": "Bash"}'])
def test_what_is_no_call_is_refused(project: Project, rules: Path, text: str) -> None:
    assert ask(project, rules, text).returncode == 2


def test_rules_that_are_not_there_refuse(project: Project, rules: Path) -> None:
    assert ask(project, rules.with_name("none.json"), call("Read", file_path="x")).returncode == 2


def test_a_worker_that_a_guarded_session_dispatches_commits_through_the_repositorys_own_hooks(
    project: Project, rules: Path, tmp_path: Path
) -> None:
    """git's settings in the session lead to its guard: that is not the hook that the worker's guard calls in turn."""
    own = project.repo.path / ".git" / "hooks"
    (own / "pre-commit").write_text(f"#!/bin/sh\necho x >>'{tmp_path}/own'\n")
    (own / "pre-commit").chmod(0o755)
    guard = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(rules.parent / "guard-hooks-001"),
        "OKSTRA_GUARD_HOOKS": str(own),
    }
    project.adopt(independent(1))
    write = {"write": {"path": "stage-1/it.py", "content": "x = 1\n"}}
    limits = {"softMinutes": 0.5, "hardMinutes": 0.6}
    work = (write, {"commit": "feat: it"}, {"result": executed(1, 2)})
    install(project, part(*work, role="executor"), limits=limits)
    ended = led(project, "implementation", **guard)
    assert ended.status == 0, ended
    assert (tmp_path / "own").read_text() == "x\n"
