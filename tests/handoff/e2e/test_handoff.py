"""The hand-off: only the steps that a flag or a menu names, only after an acceptance, and never to a base branch."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from support.handoffs import accepted, handoff, refs
from support.live_runs import LiveRun
from support.okstra import Project
from support.rehearsal import led, manifest_of, report_of
from support.sealed import ROOT
from support.terminal import Terminal

_ASKING = "Please do not push anything yet, I want to read it first"


def runs_of(project: Project) -> list[str]:
    return [str(path) for path in project.task_root.glob("runs/release-handoff/**/*")]


def install_gh(project: Project, script: str = "echo https://example.test/pull/7") -> Path:
    """A `gh` that is logged in; what it is asked to create stands in the answered file, a word a line."""
    programs, asked = project.repo.path.parent / "programs", project.repo.path.parent / "asked"
    programs.mkdir()
    gh = programs / "gh"
    gh.write_text(
        "#!/bin/sh\n"
        f'case "$1 $2" in "auth status") exit ${{GH_STATUS:-0}} ;; esac\n'
        f'printf "%s\\n" "$@" >>{shlex.quote(str(asked))}\n{script}\n'
    )
    gh.chmod(0o755)
    environment = project.okstra.environment
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    return asked


def without_gh(project: Project) -> str:
    """A PATH on which everything is but gh."""
    folder = project.repo.path.parent / "no-gh"
    folder.mkdir()
    for place in project.okstra.environment["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if os.path.isdir(place) else ():
            # What is already there may be a link to nothing here, which does not "exist".
            if program.name != "gh" and program.is_file() and not os.path.lexists(folder / program.name):
                (folder / program.name).symlink_to(program)
    return str(folder)


def at_terminal(project: Project, *words: str, **environment: str) -> Terminal:
    argv = [str(ROOT / "bin" / "okstra"), "handoff", project.task_key, *words]
    return Terminal(argv, project.repo.path, {**project.okstra.environment, **environment})


def test_nothing_chosen_is_nothing_done_and_nothing_made(project: Project, remote: Path) -> None:
    accepted(project)
    for refused in (handoff(project, "--yes"), led(project, "release-handoff"), handoff(project, "--base", "main")):
        assert (refused.status, refused.codes) == (3, ["nothing-chosen"]), refused
        assert "--push" in refused.envelope["errors"][0]["try"]
    assert runs_of(project) == []
    assert refs(project, remote) == {}


@pytest.mark.parametrize("words", [_ASKING, "push", "pr", "push and pr, at once!"])
def test_no_word_of_the_directive_selects_a_step(project: Project, remote: Path, words: str) -> None:
    accepted(project)
    refused = led(project, "release-handoff", "--directive", words)
    assert (refused.status, refused.codes) == (3, ["nothing-chosen"]), refused
    assert refs(project, remote) == {}


def test_a_pull_request_is_not_opened_where_the_push_alone_was_chosen(project: Project, remote: Path) -> None:
    commit, asked = accepted(project), install_gh(project)
    done = handoff(project, "--push", "--yes", "--directive", "and open a pr, please")
    assert done.status == 0, done
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}
    assert not asked.exists()


def test_a_push_needs_no_client_and_asks_no_model(project: Project, remote: Path) -> None:
    commit = accepted(project)
    done = handoff(project, "--push", "--yes")
    assert done.status == 0, done
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}
    report, manifest = report_of(done), manifest_of(done)
    assert report["verdict"]["token"] == "handed-off"
    assert (report["phase"]["chosen"], [one["exit"] for one in report["phase"]["commands"]]) == (["push"], [0])
    assert "without conflict" in report["phase"]["merge_probe"]
    assert (report["execution"], report["rehearsal"], manifest["roster"]) == ([], False, [])
    assert manifest["handoff"] == {"steps": ["push"], "base": "", "draft": False, "title": ""}
    assert project.okstra.ok("check", "run", done.data["run_id"]).status == 0


def test_a_remote_by_a_relative_path_is_that_of_the_main_checkout(project: Project, remote: Path) -> None:
    project.repo.git("remote", "set-url", "origin", "../remote.git")
    commit = accepted(project)
    assert handoff(project, "--push", "--yes").status == 0
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}


def test_the_long_form_leaves_the_same_record(project: Project, remote: Path) -> None:
    accepted(project)
    short = handoff(project, "--push", "--base", "main", "--yes")
    long = led(project, "release-handoff", "--push", "--base", "main")
    assert (short.status, long.status) == (0, 0), (short, long)
    assert manifest_of(short)["handoff"] == manifest_of(long)["handoff"]
    assert report_of(short)["phase"]["chosen"] == report_of(long)["phase"]["chosen"] == ["push"]


def test_what_was_not_accepted_is_refused_before_anything_is_made(project: Project, remote: Path) -> None:
    assert project.run_phase("requirements-discovery").status == 0
    refused = handoff(project, "--push", "--yes")
    assert (refused.status, refused.codes) == (3, ["not-accepted"]), refused
    assert refused.envelope["errors"][0]["message"] == "no final verification has accepted the task"
    assert runs_of(project) == []
    assert refs(project, remote) == {}


def test_a_commit_after_the_acceptance_is_not_handed_off(project: Project, remote: Path) -> None:
    accepted(project)
    at = Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())
    project.repo.commit({"new.py": "x = 3\n"}, "feat: more", at=at)
    refused = handoff(project, "--push", "--yes")
    assert (refused.status, refused.codes) == (3, ["not-accepted"]), refused
    assert refs(project, remote) == {}


def test_the_steps_are_shown_and_nobody_is_taken_for_a_yes(project: Project, remote: Path) -> None:
    commit = accepted(project)
    refused = project.okstra("handoff", project.task_key, "--push")
    assert refused.status == 3, refused
    assert "nobody is here to ask" in refused.stderr
    (shown,) = [line for line in refused.stderr.splitlines() if line.startswith("1. push: ")]
    assert runs_of(project) == []
    assert refs(project, remote) == {}
    subprocess.run(["sh", "-c", shown.removeprefix("1. push: ")], env=project.okstra.environment, check=True)
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}


@pytest.mark.parametrize(
    ("typed", "pushed"), [("y", True), ("yes", True), ("n", False), ("", False), ("nope\nn", False)]
)
def test_a_person_is_asked_once_and_only_a_yes_is_one(project: Project, remote: Path, typed: str, pushed: bool) -> None:
    accepted(project)
    terminal = at_terminal(project, "--push")
    for line in typed.split("\n"):
        terminal.then("do it? [y/N]", f"{line}\r")
    assert terminal.end() == (0 if pushed else 3)
    assert bool(refs(project, remote)) is pushed


def test_at_a_terminal_the_steps_are_picked_from_a_list(project: Project, remote: Path) -> None:
    accepted(project)
    terminal = at_terminal(project, TERM="dumb")
    terminal.then("Which steps?", "1\r")
    terminal.then("do it? [y/N]", "y\r")
    assert terminal.end() == 0
    assert set(refs(project, remote)) == {"refs/heads/feat-t-1"}


def test_nothing_picked_from_the_list_is_nothing_done(project: Project, remote: Path) -> None:
    accepted(project)
    terminal = at_terminal(project, TERM="dumb")
    terminal.then("Which steps?", "\r")
    assert terminal.end() == 3
    assert refs(project, remote) == {}


def test_dry_run_tells_the_commands_and_does_nothing(project: Project, remote: Path) -> None:
    accepted(project)
    seen = handoff(project, "--push", "--dry-run")
    assert seen.status == 0, seen
    assert any(" push origin " in command for command in seen.data["commands"])
    assert runs_of(project) == []
    assert refs(project, remote) == {}


def test_a_push_that_fails_is_told(project: Project, remote: Path) -> None:
    accepted(project)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ended = handoff(project, "--push", "--yes")
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    report = report_of(ended)
    message = ended.envelope["errors"][0]["message"]
    log = re.search(r"error: failed to push some refs to .*; log: ([^)]+)", message)
    assert log and "pre-receive hook declined" in Path(log[1]).read_text(), message
    assert (report["gates"]["steps"]["gate"], report["verdict"]["token"]) == ("failed", "not-handed-off")
    assert refs(project, remote) == {}


def test_a_reports_data_that_a_person_edited_are_kept_when_the_run_goes_on(project: Project, remote: Path) -> None:
    accepted(project)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    first = handoff(project, "--push", "--yes")
    assert first.codes == ["run-failed"], first
    data = Path(first.data["report"]).with_suffix(".data.json")
    mine = data.read_text().replace("not-handed-off", "handed-off")
    assert mine != data.read_text()
    data.write_text(mine)
    hook.unlink()
    again = project.okstra("resume", first.data["run_id"], "--json")
    assert again.status == 0, again
    kept = data.with_name(f"{data.name}.before-render")
    assert kept.read_text() == mine
    assert str(kept) in again.stderr
    assert data.read_text() != mine
    project.okstra.ok("check", "run", first.data["run_id"])


def test_a_push_that_fails_opens_no_pull_request(project: Project, remote: Path) -> None:
    accepted(project)
    asked = install_gh(project)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert handoff(project, "--pr", "--yes").status == 1
    assert not asked.exists()


def test_a_conflict_with_the_base_is_refused_before_anything_is_made(project: Project, remote: Path) -> None:
    accepted(project)
    project.repo.git("branch", "quiet")
    project.repo.commit({"new.py": "x = 2\n"}, "feat: something else there")
    refused = handoff(project, "--push", "--yes")
    assert (refused.status, refused.codes) == (3, ["merge-conflict"]), refused
    assert "new.py" in refused.envelope["errors"][0]["message"]
    assert (runs_of(project), refs(project, remote)) == ([], {})
    assert handoff(project, "--push", "--base", "quiet", "--yes").status == 0


def test_the_merge_is_probed_with_what_the_remote_has_of_the_base(project: Project, remote: Path) -> None:
    accepted(project)
    project.repo.git("push", "--quiet", "origin", "main")
    elsewhere = project.repo.path.parent / "elsewhere"
    project.repo.git("clone", "--quiet", "--branch", "main", str(remote), str(elsewhere))
    project.repo.commit({"new.py": "x = 2\n"}, "feat: somebody else's", at=elsewhere)
    project.repo.git("-C", str(elsewhere), "push", "--quiet", "origin", "main")
    project.repo.git("fetch", "--quiet", "origin")
    assert handoff(project, "--push", "--yes").codes == ["merge-conflict"]


def test_the_base_must_be_a_branch_and_another_one(project: Project, remote: Path) -> None:
    accepted(project)
    for base in ("nowhere", "feat-t-1"):
        refused = handoff(project, "--push", "--base", base, "--yes")
        assert (refused.status, refused.codes) == (2, ["bad-ref"]), refused
    assert refs(project, remote) == {}


def test_without_a_remote_there_is_nothing_to_push(project: Project) -> None:
    accepted(project)
    refused = handoff(project, "--push", "--yes")
    assert (refused.status, refused.codes) == (3, ["nothing-to-push"]), refused
    assert runs_of(project) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_push_under_way_ends_with_the_run_and_is_done_by_the_next_lead(
    project: Project, remote: Path, number: signal.Signals
) -> None:
    commit = accepted(project)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nsleep 300\n")
    hook.chmod(0o755)
    live = LiveRun.start(project, "release-handoff", "--push")
    live.wait_for_processes(4)  # git, its transport, the hook, and what that runs
    os.kill(live.process.pid, number)
    assert live.ended().status == (130 if number is signal.SIGINT else -9)
    live.wait_until_nothing_is_left()
    assert refs(project, remote) == {}
    hook.unlink()
    assert live.resume().status == 0
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}


def test_a_run_of_an_older_version_has_nothing_chosen_whatever_its_directive_says(
    project: Project, remote: Path
) -> None:
    accepted(project)
    prepared = led(project, "release-handoff", "--push", "--directive", "push", "--render-only")
    assert prepared.status == 0, prepared
    manifest = Path(prepared.data["manifest"])
    manifest.write_text(manifest.read_text().replace('"handoff"', '"notes_of_old"'))
    refused = project.okstra("resume", prepared.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["nothing-chosen"]), refused
    assert refs(project, remote) == {}


def test_preparing_pushes_nothing(project: Project, remote: Path) -> None:
    accepted(project)
    prepared = led(project, "release-handoff", "--push", "--render-only")
    assert prepared.status == 0, prepared
    assert refs(project, remote) == {}
    prompt = Path(prepared.data["launch_prompt"]).read_text()
    assert "handoff.steps" in prompt
    assert prepared.data["manifest"] in prompt


def test_a_pull_request_needs_gh_before_anything_is_pushed(project: Project, remote: Path) -> None:
    accepted(project)
    project.repo.git("remote", "set-url", "origin", "git@github.example.test:team/shop.git")
    refused = handoff(project, "--pr", "--yes", PATH=without_gh(project))
    assert (refused.status, refused.codes) == (69, ["gh-missing"]), refused
    tried = refused.envelope["errors"][0]["try"]
    assert f"okstra handoff {project.task_key} --push" in tried
    assert "https://github.example.test/team/shop/compare/main...feat-t-1" in tried
    assert runs_of(project) == []


def test_a_gh_that_is_not_logged_in_is_none(project: Project, remote: Path) -> None:
    accepted(project)
    asked = install_gh(project)
    refused = handoff(project, "--pr", "--yes", GH_STATUS="1")
    assert (refused.status, refused.codes) == (69, ["gh-missing"]), refused
    assert (runs_of(project), refs(project, remote), asked.exists()) == ([], {}, False)


def test_a_pull_request_is_pushed_for_and_opened_once(project: Project, remote: Path) -> None:
    commit = accepted(project)
    project.repo.git("branch", "next")
    asked = install_gh(project, "echo talk >&2; echo https://example.test/pull/7")
    done = handoff(project, "--pr", "--base", "next", "--draft", "--title", "A 'new' title", "--yes")
    assert done.status == 0, done
    assert refs(project, remote) == {"refs/heads/feat-t-1": commit}
    report = report_of(done)
    assert report["phase"]["pull_request"] == "https://example.test/pull/7"
    assert report["phase"]["chosen"] == ["push", "pr"]
    words = asked.read_text().splitlines()
    expected = ["pr", "create", "--head", "feat-t-1", "--base", "next", "--draft", "--title", "A 'new' title"]
    assert words[: len(expected)] == expected
    body = Path(words[words.index("--body-file") + 1]).read_text()
    assert "feat: it" in body
    assert "- checks: passed" in body  # the verification's gates
    assert "### Findings\n\n(none)" in body
    assert f"`{project.task_key}/final-verification/001`: accepted at {commit[:12]}; no breach" in body
    assert f"own:\n\n- final verification: `true` exit 0 at {commit[:12]}\n" in body


def test_a_projects_own_template_gets_findings_gates_and_receipt_too(project: Project, remote: Path) -> None:
    accepted(project)
    template = project.repo.path.parent / "template.md"
    template.write_text("Dear all, {{TASK_KEY}} of {{BRANCH}}.\n{{UNKNOWN}}\n")
    asked = install_gh(project)
    assert handoff(project, "--pr", "--pr-template-path", str(template), "--yes").status == 0
    words = asked.read_text().splitlines()
    body = Path(words[words.index("--body-file") + 1]).read_text()
    assert body.startswith(f"Dear all, {project.task_key} of feat-t-1.\n{{{{UNKNOWN}}}}\n")
    assert [line for line in body.splitlines() if line.startswith("### ")] == [
        "### Proof",
        "### Findings",
        "### Gates",
        "### Receipt",
    ]


def test_rerun_does_what_the_run_was_asked_for_and_no_more(project: Project, remote: Path) -> None:
    accepted(project)
    first = handoff(project, "--push", "--base", "main", "--yes")
    again = project.okstra("rerun", first.data["run_id"], "--json")
    assert again.status == 0, again
    assert manifest_of(again)["handoff"] == manifest_of(first)["handoff"]
