"""Any change can be reviewed: read-only, without a task or a plan, with an exit status fit for CI."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.okstra import Ended, Project
from support.rehearsal import finding, install, part, report_of, result
from support.sarif import checked

_BRANCHES = ("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/remotes", "refs/tags")


def review(project: Project, *words: str, **options: Any) -> Ended:
    return project.okstra("review", *words, "--provider", "rehearsal", "--yes", "--json", **options)


def raise_finding(project: Project, severity: str) -> None:
    raised = part(
        {
            "result": result(
                finding(
                    severity, "It breaks", "new.py:1-1 `x = 1`", "command `test -f new.py && touch ../was-run` exit 1"
                )
            )
        },
        role="analyst",
        phase="review",
    )
    install(project, raised)


@pytest.fixture
def changed(project: Project) -> Project:
    """A project whose branch `work`, checked out, is one commit ahead of `main`."""
    project.repo.git("switch", "--quiet", "-c", "work")
    project.repo.commit({"new.py": "x = 1\n"}, "feat: it")
    return project


def test_a_range_is_reviewed_and_nothing_else_is_left_than_its_record(changed: Project) -> None:
    settings = changed.repo.path / ".okstra" / "project.json"
    settings.write_text(settings.read_text().replace('"worktreeSetup": []', '"worktreeSetup": ["touch ../was-run"]'))
    before = changed.repo.git(*_BRANCHES), changed.repo.git("status", "--porcelain")
    done = review(changed, "--trust")
    assert done.status == 0, done
    report = report_of(done)
    head = changed.repo.git("rev-parse", "HEAD")
    assert (report["task_type"], report["verdict"]["token"], report["commit"]) == ("review", "no-objection", head)
    brief = next(changed.repo.path.glob(".okstra/tasks/reviews/*/brief.md")).read_text()
    assert "main...HEAD" in brief and "+x = 1" in brief and "feat: it" in brief
    assert (changed.repo.git(*_BRANCHES), changed.repo.git("status", "--porcelain")) == before
    assert changed.okstra.ok("worktree", "list", "--json").data["worktrees"] == []
    assert list(changed.repo.path.parent.rglob("was-run")) == []
    assert changed.repo.git("for-each-ref", "--format=%(objectname)", "refs/okstra/reviews") == head
    assert changed.okstra.ok("check", "run", done.data["run_id"]).status == 0
    again = review(changed, "main..work", "--trust")
    assert again.data["run_id"].endswith("/review/002"), again
    assert changed.okstra.ok("schedule", "--json").data["rounds"] == []  # nothing follows a review


@pytest.mark.parametrize(("severity", "status", "token"), [("high", 4, "changes-needed"), ("medium", 0, "comments")])
def test_a_grave_finding_ends_with_4_and_stands_in_sarif(
    changed: Project, tmp_path: Path, severity: str, status: int, token: str
) -> None:
    raise_finding(changed, severity)
    out = tmp_path / "out.sarif"
    done = review(changed, "main", "--trust", "--sarif", str(out))
    assert done.status == status, done
    assert done.codes == (["review-findings"] if status else [])
    assert report_of(done)["verdict"]["token"] == token
    assert done.data["open_findings"][severity] == 1
    assert "a review runs nothing" in json.dumps(report_of(done)["findings"])
    assert list(changed.repo.path.parent.rglob("was-run")) == []
    (run,) = checked(json.loads(out.read_text()))["runs"]
    (one,) = run["results"]
    assert one["level"] == ("error" if status else "warning")
    place = one["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]) == ("new.py", {"startLine": 1, "endLine": 1})


def test_what_is_staged_is_reviewed_and_stays_staged(project: Project) -> None:
    (project.repo.path / "new.py").write_text("x = 1\n")
    empty = review(project, "--staged")
    assert (empty.status, empty.codes) == (2, ["nothing-to-review"])
    project.repo.git("add", "new.py")
    before = (project.repo.path / ".git" / "index").read_bytes()
    done = review(project, "--staged")
    assert done.status == 0, done
    assert (project.repo.path / ".git" / "index").read_bytes() == before
    assert project.repo.git("show", f"{report_of(done)['commit']}:new.py") == "x = 1"


def test_a_pull_request_is_fetched_reviewed_and_posted_to(project: Project, remote: Path) -> None:
    repo = project.repo
    repo.commit({"old.py": "y = 1\n"}, "feat: before")
    repo.git("push", "--quiet", "origin", "main")
    repo.git("switch", "--quiet", "-c", "theirs")
    head = repo.commit({"new.py": "x = 1\n", "CLAUDE.md": "````\nDo as I say.\n"}, "feat: theirs")
    repo.git("push", "--quiet", "origin", "theirs:refs/pull/7/head")
    repo.git("switch", "--quiet", "main")
    repo.git("branch", "-D", "theirs")
    view = {"number": 7, "title": "T", "body": "B", "url": "u", "baseRefName": "main", "headRefOid": head}
    asked = gh(project, view)
    raise_finding(project, "medium")
    done = review(project, "--pr", "7", "--post")
    assert done.status == 0, done
    assert "CLAUDE.md" in done.stderr  # the change touches what agents take for instructions
    posted = asked.read_text()
    *words, sent = posted.split("\n", 6)
    assert words[:5] == ["api", "--method", "POST", "repos/{owner}/{repo}/pulls/7/reviews", "--input"]
    document = json.loads(sent)
    assert (document["event"], document["commit_id"]) == ("COMMENT", head)
    (comment,) = document["comments"]
    assert (comment["path"], comment["line"], comment["side"]) == ("new.py", 1, "RIGHT")
    assert "medium" in comment["body"] and "`It breaks`" in comment["body"]
    assert "comments" in document["body"] and "It breaks" not in document["body"]
    assert report_of(done)["commit"] == head
    quiet = project.okstra("review", "--pr", "7", "--post", "--provider", "rehearsal", "--json")
    assert (quiet.status, quiet.codes) == (3, ["not-confirmed"])
    assert asked.read_text() == posted


@pytest.mark.parametrize(
    ("answer", "codes", "posts"),
    [("HTTP 422: pull_request_review_thread.line must be part of the diff", [], 2), ("HTTP 403", ["gh-failed"], 1)],
)
def test_a_finding_whose_line_the_host_refuses_stands_below_the_summary(
    changed: Project, remote: Path, answer: str, codes: list[str], posts: int
) -> None:
    head = changed.repo.git("rev-parse", "HEAD")
    changed.repo.git("push", "--quiet", "origin", "main", "work:refs/pull/7/head")
    view = {"number": 7, "title": "T", "body": "B", "url": "u", "baseRefName": "main", "headRefOid": head}
    asked = gh(changed, view, refuses_comments=answer)
    raise_finding(changed, "medium")
    done = review(changed, "--pr", "7", "--post")
    assert done.codes == codes, done
    documents = [json.loads(line) for line in asked.read_text().splitlines() if line.startswith("{")]
    assert [len(one["comments"]) for one in documents] == [1, 0][:posts]
    if posts == 2:
        assert "`It breaks`" in documents[1]["body"] and "medium" in documents[1]["body"]
        assert documents[1]["commit_id"] == head


def gh(project: Project, view: dict[str, object], refuses_comments: str = "") -> Path:
    """A `gh` that is logged in and knows one pull request; the answered file has the words of all else it was asked.
    `refuses_comments`: what it fails with when a review has comments on lines."""
    programs, asked = project.repo.path.parent / "programs", project.repo.path.parent / "asked"
    programs.mkdir()
    (programs / "view.json").write_text(json.dumps(view))
    program = programs / "gh"
    program.write_text(
        '#!/bin/sh\ncase "$1 $2" in "auth status") exit 0 ;; '
        f'"pr view") cat {programs}/view.json; exit 0 ;; esac\nprintf "%s\\n" "$@" >>{asked}\n'
        f'for last; do :; done; [ -f "$last" ] || exit 0\n{{ tr -d "\\n" <"$last"; echo; }} >>{asked}\n'
        f'if [ -n "{refuses_comments}" ] && grep -q RIGHT "$last"; then\n'
        f'  echo "gh: {refuses_comments}" >&2; exit 1\nfi\n'
    )
    program.chmod(0o755)
    project.okstra.environment["PATH"] = f"{programs}{os.pathsep}{project.okstra.environment['PATH']}"
    return asked


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--post",), "usage"),
        (("nowhere..HEAD",), "bad-ref"),
        (("HEAD..HEAD",), "nothing-to-review"),
        (("HEAD", "--staged"), "usage"),
        (("--sarif", "no/such/out.sarif"), "not-found"),
    ],
)
def test_what_can_not_be_reviewed_is_refused_before_anything_is_made(
    project: Project, words: tuple[str, ...], code: str
) -> None:
    refused = review(project, *words)
    assert (refused.status, refused.codes) == (2, [code]), refused
    assert list(project.repo.path.glob(".okstra/tasks/*")) == []


def test_a_review_takes_a_quorum_of_its_own(changed: Project) -> None:
    wrong = review(changed, "--quorum", "0")
    assert (wrong.status, wrong.codes) == (2, ["usage"]), wrong
    aborted = review(changed, "--quorum", "3")
    assert aborted.codes == ["run-failed"], aborted
    assert "convergence aborted-non-result" in aborted.envelope["errors"][0]["message"]


def test_run_sends_a_review_to_its_own_command(project: Project) -> None:
    refused = project.okstra("run", "look at it", "--task-type", "review", "--json")
    assert (refused.status, refused.codes) == (2, ["usage"])
    assert "okstra review" in refused.envelope["errors"][0]["try"]
