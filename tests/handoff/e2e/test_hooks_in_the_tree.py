"""A hand-off's push runs the person's hooks, and none that the task's own tree brings."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from support.handoffs import accept, accepted, handoff, refs
from support.okstra import Project


@pytest.mark.parametrize("by", ["commit", "edit"])
def test_a_hook_of_the_tasks_own_tree_stops_the_push_and_is_named(project: Project, remote: Path, by: str) -> None:
    """The push would run it, with the person's rights."""
    project.repo.commit({".husky/pre-push": "#!/bin/sh\nexit 0\n"})
    project.repo.git("update-index", "--chmod=+x", ".husky/pre-push")
    project.repo.git("commit", "--quiet", "-m", "a hook")
    project.repo.git("checkout", "--quiet", "--", ".")
    project.repo.git("config", "core.hooksPath", ".husky")
    ran, hook = project.repo.path.parent / "ran", f"#!/bin/sh\ntouch {shlex.quote(str(project.repo.path.parent))}/ran\n"
    accept(project)
    at = Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())
    if by == "commit":
        commit = project.repo.commit({".husky/pre-push": hook}, "feat: it", at=at)
        accept(project)
    else:
        commit = accepted(project)
        (at / ".husky" / "pre-push").write_text(hook)
    refused = handoff(project, "--push", "--yes")
    assert (refused.status, refused.codes) == (3, ["hooks-changed"]), refused
    assert ".husky/pre-push" in refused.envelope["errors"][0]["message"]
    assert refs(project, remote) == {}
    assert not ran.exists()
    push = refused.envelope["errors"][0]["try"].partition("then push by hand: ")[2]
    subprocess.run(["sh", "-c", push], env=project.okstra.environment, check=True)
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}
    assert ran.exists()


def test_a_hook_that_is_as_in_the_base_runs(project: Project, remote: Path) -> None:
    ran = project.repo.path.parent / "ran"
    project.repo.commit({".husky/pre-push": f"#!/bin/sh\ntouch {shlex.quote(str(ran))}\n"})
    project.repo.git("update-index", "--chmod=+x", ".husky/pre-push")
    project.repo.git("commit", "--quiet", "-m", "a hook")
    project.repo.git("checkout", "--quiet", "--", ".")
    project.repo.git("config", "core.hooksPath", ".husky")
    commit = accepted(project)
    done = handoff(project, "--push", "--yes")
    assert done.status == 0, done
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}
    assert ran.exists()
