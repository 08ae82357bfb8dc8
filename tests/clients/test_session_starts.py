"""A person's own Claude Code leads a run: how `okstra.sh` starts it, what it may do unasked, and what it may not."""

from __future__ import annotations

import json
from pathlib import Path

from support.repos import Repo

from .conversations import answered, told
from .desk import Desk
from .model_server import ModelServer
from .sessions import transcript
from .wires import Turn


def test_the_session_begins_with_the_launch_prompt_and_asks_nobody(desk: Desk) -> None:
    commands = [f"okstra show {desk.run} --json", f"okstra paths {desk.run} --json", "git log --oneline -1"]
    with ModelServer([*(Turn(shell=command) for command in commands), Turn(say="I am done.")]) as server:
        with desk.sit_down(server, "--lead-model", "haiku") as session:
            session.until(lambda: "I am done." in session.screen and session.is_idle)
            assert f" {desk.run} " in session.screen, "the session's name"
            assert desk.status(server)["status"] == "running"
            session.type("/exit")
            session.wait_for_end()
    first, last = server.requests[0], server.requests[-1]
    prompt = next(desk.run_folder.glob("prompts/launch-*.md")).read_text().strip()
    assert prompt in told(first["messages"])
    assert first["model"].startswith("claude-haiku")
    assert "- okstra-lead: " in told(first["messages"])
    assert "- claude-worker: " in told(first["messages"])
    (id_,) = [event["session"] for event in desk.events_of("session")]
    assert json.loads(first["metadata"]["user_id"])["session_id"] == id_
    assert transcript(desk.home, id_), "by which the session's tokens are counted"
    shown, paths, log = answered(last["messages"])
    assert not (shown.failed or paths.failed or log.failed), (shown, paths, log)
    assert json.loads(shown.said)["data"]["manifest"]["run_id"] == desk.run
    assert json.loads(paths.said)["status"] == "ok"


def test_what_the_phase_forbids_is_stopped_and_the_model_is_told_why(desk: Desk, tmp_path: Path) -> None:
    remote = Repo.init(tmp_path / "remote", desk.project.repo.environment, commit=False)
    remote.git("config", "core.bare", "true")
    desk.project.repo.git("remote", "add", "origin", str(remote.path / ".git"))
    source, stray = desk.worktree / "README.md", desk.project.repo.path / "stray.py"
    turns = [
        Turn(call=("Read", {"file_path": str(source)})),
        Turn(call=("Edit", {"file_path": str(source), "old_string": "# A project", "new_string": "# Mine"})),
        Turn(write=(str(stray), "import os\n")),
        Turn(shell="git push origin HEAD"),
        Turn(shell="cd . && git -c a.b=c push --no-verify origin HEAD:main"),
        Turn(shell="git commit --allow-empty -m mine"),
        Turn(say="I give up."),
    ]
    before = desk.project.repo.git("rev-parse", "HEAD")
    with ModelServer(turns) as server, desk.sit_down(server) as session:
        session.until(lambda: "I give up." in session.screen)
    read, *stopped = answered(server.requests[-1]["messages"])
    assert not read.failed
    assert [one.failed for one in stopped] == [True] * 5
    edit, write, push, hidden_push, commit = (one.said for one in stopped)
    for said in (edit, write):
        assert "okstra guard: this phase edits no source: write your result at its result path" in said
    assert "okstra guard: this phase pushes nothing" in hidden_push
    assert "okstra guard: this phase pushes nothing" in push
    assert "okstra guard: `git commit` changes the repository" in commit
    assert source.read_text() == "# A project\n"
    assert not stray.exists()
    assert remote.git("for-each-ref") == ""
    assert desk.project.repo.git("for-each-ref", "--format=%(objectname)", "refs/heads").split() == [before, before]


def test_a_push_that_the_person_agrees_to_is_stopped_by_git(desk: Desk, tmp_path: Path) -> None:
    """The guard reads commands; what it can't read meets the run's hooks."""
    remote = Repo.init(tmp_path / "remote", desk.project.repo.environment, commit=False)
    desk.project.repo.git("remote", "add", "origin", str(remote.path / ".git"))
    hidden = "import os; os.execvp(chr(103) + 'it', ['x', 'pu' + 'sh', 'origin', 'HEAD:refs/heads/theirs'])"
    turns = [Turn(shell=f'python3 -c "{hidden}"'), Turn(say="I give up.")]
    with ModelServer(turns) as server, desk.sit_down(server) as session:
        session.until(lambda: session.asks, may_ask=True)
        session.enter()  # the first answer is Yes
        session.until(lambda: len(server.requests) > 1, may_ask=True)
    (push,) = answered(server.requests[-1]["messages"])
    assert push.failed
    assert "okstra: refused: this phase pushes nothing" in push.said or "okstra-refuses-to-push" in push.said
    assert remote.git("for-each-ref") == ""
