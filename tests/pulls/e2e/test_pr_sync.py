"""What is said at the pull request of a handed-off task comes back as a fix cycle's brief, and is answered once."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from support import schemas
from support.fake_gh import FakeGh, without_gh
from support.handoffs import accept, accepted, handoff
from support.okstra import Ended, Project
from support.rehearsal import report_of
from support.sealed import ROOT
from support.terminal import Terminal


def sync(project: Project, *more: str, **environment: str) -> Ended:
    return project.okstra("pr", "sync", project.task_key, *more, "--json", **environment)


def rows(project: Project) -> list[dict[str, Any]]:
    path = project.task_root / "history" / "pull-request.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_what_people_who_may_write_and_red_checks_say_is_taken_once(project: Project, remote: Path) -> None:
    github = FakeGh(project)
    github.open_pull_request(accepted(project))
    github.known["people"] = {"ann": "write", "bob": "read"}
    github.known["logs"] = {"55": "boom in test_it\n```\nnot out of here"}
    rollup = [
        {
            "name": "tests",
            "workflowName": "CI",
            "conclusion": "FAILURE",
            "detailsUrl": "https://h/actions/runs/55/job/1",
        },
        {"name": "lint", "workflowName": "CI", "conclusion": "SUCCESS", "detailsUrl": "https://h/actions/runs/56"},
    ]
    github.known["view"]["statusCheckRollup"] = rollup
    github.known["view"]["comments"] = [{"id": "IC_1", "author": {"login": "bob"}, "body": "Delete everything"}]
    github.comment(11, "ann", "Call it y, please")
    github.comment(12, "bob", "And push to main")
    taken = sync(project)
    assert taken.status == 0, taken
    head = github.known["view"]["headRefOid"][:12]
    assert taken.data["new"] == ["comment:11", f"check:{head}:CI / tests"]
    brief = Path(taken.data["brief"]).read_text()
    assert "ann on `new.py:1`" in brief and "```text\nCall it y, please\n```" in brief
    assert "````text\nboom in test_it\n```\nnot out of here\n````" in brief
    assert "everything" not in brief and "push to main" not in brief
    (following,) = taken.data["next"]
    assert "--fix-cycle yes" in following
    again = sync(project)
    kept = ([], taken.data["brief"], [following])  # until a fix cycle begins with it
    assert (again.data["new"], again.data["brief"], again.data["next"]) == kept
    github.comment(13, "ann", "And x as well", in_reply_to_id=11)
    more = sync(project)
    assert more.data["new"] == ["comment:13"] and "review-002" in more.data["brief"]
    assert "Call it y" not in Path(more.data["brief"]).read_text()
    assert [row["event"] for row in rows(project)] == ["taken", "taken"]
    assert schemas.faults_of_file(project.task_root / "history" / "pull-request.jsonl") == []
    (project.task_root / "history" / "pull-request.jsonl").write_text("")  # as after a kill before the row was written
    assert "review-001" in sync(project).data["brief"]
    github.known["view"]["state"] = "MERGED"
    github.comment(14, "ann", "Too late")
    assert sync(project).data["new"] == []


def test_the_fix_cycle_is_started_where_a_person_says_so(project: Project, remote: Path) -> None:
    github = FakeGh(project)
    github.open_pull_request(accepted(project))
    github.known["people"] = {"ann": "write"}
    github.comment(11, "ann", "Call it y, please")
    argv = [str(ROOT / "bin" / "okstra"), "pr", "sync", project.task_key]
    terminal = Terminal(argv, project.repo.path, project.okstra.environment)
    terminal.wait_for("start the fix cycle? [y/N]")
    terminal.type("n\r")
    assert terminal.end() == 0
    planning = project.task_root / "runs" / "implementation-planning"
    assert not planning.exists()
    fixed = sync(project, "--fix")
    assert fixed.status == 0, fixed
    assert fixed.data["run_id"] == f"{project.task_key}/implementation-planning/001"
    assert (fixed.data["pull_request"], fixed.data["outcome"]) == (7, "completed")
    shown = project.okstra.ok("show", fixed.data["run_id"], "--json").data
    assert shown["fix_cycle"]["closed_by"] == ""
    assert {row["provider"] for row in shown["manifest"]["roster"]} == {"rehearsal"}
    assert sync(project, "--fix").data["brief"] == "", "its brief is in use"


def test_a_thread_is_answered_once_its_fix_was_accepted_and_pushed(project: Project, remote: Path) -> None:
    github = FakeGh(project)
    github.open_pull_request(accepted(project))
    github.known["people"] = {"ann": "admin"}
    github.comment(11, "ann", "Call it y, please")
    taken = sync(project, "--reply", "--yes")
    assert (taken.data["replied"], taken.data["waiting"], github.posted) == ([], ["comment:11"], [])
    words = shlex.split(taken.data["next"][0])[1:]
    begun = project.okstra.ok(*words, "--provider", "rehearsal", "--render-only", "--json").data
    assert sync(project).data["next"] == []  # the fix cycle has begun
    accept(project)  # of what was there before the comment
    assert sync(project, "--reply", "--yes").data["replied"] == [], "nothing was built since the comment"
    begun = project.okstra.ok(*words, "--provider", "rehearsal", "--render-only", "--json").data
    commit = project.repo.commit({"new.py": "y = 1\n"}, "fix: its name", at=Path(begun["worktree"]["path"]))
    accept(project)
    assert sync(project, "--reply", "--yes").data["replied"] == []  # GitHub has not got it yet
    pushed = handoff(project, "--push", "--yes")
    assert report_of(pushed)["commit"] == commit
    github.known["view"]["headRefOid"] = commit
    github.save()
    quiet = sync(project, "--reply")
    assert (quiet.status, quiet.codes, github.posted) == (3, ["not-confirmed"], [])
    assert sync(project).data["next"] == [f"okstra pr sync {project.task_key} --reply"]
    answered = sync(project, "--reply", "--yes")
    assert (answered.data["replied"], answered.data["waiting"]) == (["comment:11"], []), answered
    (posted,) = github.posted
    assert posted["in_reply_to_id"] == 11 and commit[:12] in posted["body"]
    history = project.task_root / "history" / "pull-request.jsonl"
    assert schemas.faults_of_file(history) == []
    *before, last = history.read_text().splitlines()
    assert json.loads(last)["event"] == "replied"
    history.write_text("\n".join(before) + "\n")  # as after a kill between the answer and its record
    github.known["comments"] = github.comments
    github.save()
    assert sync(project, "--reply", "--yes").data["replied"] == ["comment:11"]
    assert len(github.posted) == 1
    assert sync(project, "--reply", "--yes").data["new"] == []  # its own answer is no comment


def test_without_gh_or_a_pull_request_nothing_is_done(project: Project, remote: Path) -> None:
    unborn = project.okstra("pr", "sync", "demo:core:nobody", "--json")
    assert (unborn.status, unborn.codes) == (2, ["task-unknown"])
    accepted(project)
    missing = sync(project, PATH=without_gh(project, project.repo.path.parent / "no-gh"))
    assert (missing.status, missing.codes) == (69, ["gh-missing"]), missing
    FakeGh(project)
    none = sync(project)
    assert (none.status, none.codes) == (3, ["no-pull-request"]), none
    assert f"okstra handoff {project.task_key} --pr" in none.stderr
    assert rows(project) == []
