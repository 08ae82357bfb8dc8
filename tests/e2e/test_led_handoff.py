"""release-handoff: only the steps that were picked, only after an acceptance, and never to a base branch."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from support.live_runs import LiveRun
from support.okstra import Project
from support.rehearsal import install, led, part, report_of


@pytest.fixture
def remote(project: Project) -> Path:
    path = project.repo.path.parent / "remote.git"
    project.repo.git("init", "--quiet", "--bare", str(path))
    project.repo.git("remote", "add", "origin", str(path))
    return path


def accept(project: Project) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    install(
        project,
        part(
            {"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}},
            role="report-writer",
            phase="final-verification",
        ),
    )
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    ended = led(project, "final-verification")
    assert report_of(ended)["verdict"]["token"] == "accepted", ended


def commit_on_task_branch(project: Project) -> str:
    at = Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())
    return project.repo.commit({"new.py": "x = 1\n"}, "feat: it", at=at)


def refs(project: Project, remote: Path) -> dict[str, str]:
    out = project.repo.git("--git-dir", str(remote), "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split() for line in out.splitlines())


def test_what_was_not_accepted_is_not_handed_off(project: Project, remote: Path) -> None:
    refused = led(project, "release-handoff", "--directive", "push")
    assert (refused.status, refused.codes) == (3, ["not-accepted"])
    assert refs(project, remote) == {}


def test_only_what_was_picked_is_done(project: Project, remote: Path) -> None:
    accept(project)
    commit = commit_on_task_branch(project)
    accept(project)
    nothing = led(project, "release-handoff")
    assert nothing.status == 0, nothing
    assert refs(project, remote) == {}
    pushed = led(project, "release-handoff", "--directive", "push")
    assert pushed.status == 0, pushed
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}
    report = report_of(pushed)
    assert report["verdict"]["token"] == "handed-off"
    assert (report["phase"]["chosen"], [one["exit"] for one in report["phase"]["commands"]]) == (["push"], [0])
    assert "without conflict" in report["phase"]["merge_probe"]
    bodies = sorted(Path(pushed.data["run_dir"]).glob("reports/pull-request-*.md"))
    assert all("feat: it" in body.read_text() for body in bodies)
    assert len(bodies) == 2


def test_a_push_that_fails_is_told(project: Project, remote: Path) -> None:
    accept(project)
    commit_on_task_branch(project)
    accept(project)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ended = led(project, "release-handoff", "--directive", "push")
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    assert report_of(ended)["gates"]["steps"]["gate"] == "failed"
    assert refs(project, remote) == {}


def test_a_conflict_with_the_base_stops_the_push(project: Project, remote: Path) -> None:
    accept(project)
    commit_on_task_branch(project)
    accept(project)
    project.repo.commit({"new.py": "x = 2\n"}, "feat: something else there")
    ended = led(project, "release-handoff", "--directive", "push")
    assert ended.status == 1, ended
    assert "new.py" in report_of(ended)["phase"]["merge_probe"]
    assert refs(project, remote) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_push_under_way_ends_with_the_run_and_is_done_by_the_next_lead(
    project: Project, remote: Path, number: signal.Signals
) -> None:
    accept(project)
    commit = commit_on_task_branch(project)
    accept(project)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nsleep 300\n")
    hook.chmod(0o755)
    live = LiveRun.start(project, "release-handoff", "--directive", "push")
    live.wait_for_processes(4)  # git, its transport, the hook, and what that runs
    os.kill(live.process.pid, number)
    assert live.ended().status == (130 if number is signal.SIGINT else -9)
    live.wait_until_nothing_is_left()
    assert refs(project, remote) == {}
    hook.unlink()
    assert live.resume().status == 0
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}


@pytest.mark.skipif(shutil.which("gh") is not None, reason="this machine has gh")
def test_a_program_that_is_not_there_is_told(project: Project, remote: Path) -> None:
    accept(project)
    commit_on_task_branch(project)
    accept(project)
    ended = led(project, "release-handoff", "--directive", "pr")
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    (command,) = report_of(ended)["phase"]["commands"]
    assert command["exit"] == 127
    assert "No such file" in command["command"]


def test_a_pull_request_is_opened_once(project: Project, remote: Path, tmp_path: Path) -> None:
    accept(project)
    commit_on_task_branch(project)
    accept(project)
    programs = tmp_path / "programs"
    programs.mkdir()
    gh = programs / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\necho talk >&2\necho https://example.test/pull/7\n')
    gh.chmod(0o755)
    environment = project.okstra.environment
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    ended = led(project, "release-handoff", "--directive", "push pr")
    assert ended.status == 0, ended
    assert report_of(ended)["phase"]["pull_request"] == "https://example.test/pull/7"
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert asked.startswith("pr create --head feat-t-1 --base ")
