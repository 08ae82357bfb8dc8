"""release-handoff: only the steps that were picked, only after an acceptance, and never to a base branch."""

from __future__ import annotations

from pathlib import Path

import pytest

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
