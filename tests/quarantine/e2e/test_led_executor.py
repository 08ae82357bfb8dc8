"""An executor of a led run commits in a git folder of its own; what comes home is looked at like anything else."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from okstra_ctl.sandbox.choice import Kind
from support.contained_lab import can_contain
from support.faults import eventually
from support.okstra import Ended, Project
from support.plans import independent
from support.quarantines import state_of
from support.rehearsal import events_of, executed, install, led, led_args, part, report_of
from support.repos import Repo

pytestmark = pytest.mark.contained
BRANCH = "feat-t-1-s1"
_WORK = {"write": {"path": "stage-1/it.py", "content": "x = 1\n"}}
_COMMIT = {"run": "git add -A && git commit -qm 'feat: it'"}
_RESULT = {"result": executed(1, 2)}


def lead(project: Project, *steps: dict[str, object], **options: str) -> Ended:
    project.adopt(independent(1), exit_check="test -f stage-1/it.py")
    install(project, part(*steps, _RESULT, role="executor"))
    return led(project, "implementation", **options)


def quarantines(project: Project) -> list[Path]:
    return list((project.home / "quarantines").glob("*"))


def committed_inside(project: Project) -> bool:
    logs = (project.home / "quarantines").glob("*/git/logs/refs/heads/*")
    return any("feat: it" in log.read_text() for log in logs)


def commands_of(project: Project) -> list[tuple[int, str]]:
    """The processes around the project's workers: supervisors and sandboxes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(project.home) in words and ("okstra-supervisor" in words or "bwrap" in words.split(" ")[0]):
            found.append((int(folder.name), words))
    return found


def test_a_commit_is_on_the_branch_before_anybody_looks(project: Project) -> None:
    ended = lead(project, _WORK, _COMMIT)
    assert ended.status == 0, ended
    tip = project.repo.git("rev-parse", BRANCH)
    assert project.repo.git("show", f"{BRANCH}:stage-1/it.py") == "x = 1"
    names = [row["event"] for row in events_of(ended) if row["event"] in ("taken-home", "ended", "check-started")]
    assert names[:2] == ["taken-home", "ended"]
    (home,) = [row for row in events_of(ended) if row["event"] == "taken-home"]
    assert (home["commit"], home["kept"]) == (tip, [])
    assert report_of(ended)["gates"]["isolation"]["gate"] == "passed"
    assert quarantines(project) == []
    project.okstra.ok("integrate", "--task-key", project.task_key)


def test_an_executor_that_a_session_starts_has_one_too(project: Project) -> None:
    project.adopt(independent(1))
    install(project, part(_WORK, _COMMIT, {"run": "git config x.y z"}, _RESULT, role="executor"))
    run = project.run_stage("auto", "--provider", "rehearsal")
    prompt = Path(run.data["run_dir"]) / "prompts" / "rehearsal-executor-prompt-implementation-001.md"
    place = run.data["worktree"]["path"]
    words = ("worker", "exec", "rehearsal", project.repo.path, "rehearsal", prompt, place, "executor", "--json")
    done = project.okstra(*words)
    assert done.status == 0, done
    assert project.repo.git("show", f"{BRANCH}:stage-1/it.py") == "x = 1"
    assert project.repo.git("config", "x.y", check=False) == ""
    assert [row["worker"] for row in events_of(run) if row["event"] == "taken-home"] == ["rehearsal-executor"]


def test_what_else_the_executor_did_to_the_repository_never_happened(project: Project) -> None:
    project.repo.git("tag", "v1")
    project.adopt(independent(1))
    common = project.repo.path / ".git"
    evil = (
        "git config core.fsmonitor 'touch /x'; git tag -d v1; git update-ref -d refs/heads/feat-t-1; "
        "echo exit >$(git rev-parse --git-common-dir)/hooks/post-checkout"
    )
    install(project, part(_WORK, _COMMIT, {"run": evil}, _RESULT, role="executor"))
    before = state_of(common / "hooks")
    config = (common / "config").read_bytes()
    ended = led(project, "implementation")
    assert ended.status == 0, ended
    assert ((common / "config").read_bytes(), state_of(common / "hooks")) == (config, before)
    assert project.repo.git("tag") == "v1"
    assert "feat-t-1" in project.repo.branches()


def test_commits_that_are_not_on_the_branch_are_kept_and_named(project: Project) -> None:
    ended = lead(project, _WORK, {"run": "git checkout -q --detach"}, _COMMIT)
    assert ended.status != 0
    (home,) = [row for row in events_of(ended) if row["event"] == "taken-home"][:1]
    (kept,) = home["kept"]
    assert kept["name"] == "HEAD"
    assert project.repo.git("show", f"{kept['ref']}:stage-1/it.py") == "x = 1"
    assert kept["ref"] in ended.stderr


def test_an_edit_that_the_executor_hid_in_its_index_closes_the_stage(project: Project) -> None:
    project.repo.commit({"stage-1/seen.py": "a\n"})
    commit = {"run": "git add stage-1/it.py && git commit -q --allow-empty -m 'feat: it'"}
    hide = {"run": "git update-index --assume-unchanged stage-1/seen.py; echo hidden > stage-1/seen.py"}
    ended = lead(project, _WORK, commit, hide)
    assert ended.status != 0, ended
    assert "seen.py" in json.dumps(report_of(ended)["gates"])
    (tree,) = project.home.glob("worktrees/*/*/*/stage-1")
    assert Repo(tree, project.repo.environment).git("status", "--porcelain") == " M stage-1/seen.py"


def test_objects_that_git_refuses_fail_the_executor_and_change_nothing(project: Project) -> None:
    evil = "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = -u./x\\n' >.gitmodules; git add . && git commit -qnm x"
    ended = lead(project, _WORK, {"run": evil})
    assert ended.status != 0, ended
    assert "could not be taken home" in ended.stderr + json.dumps(report_of(ended))
    assert project.repo.git("rev-parse", BRANCH) == project.repo.git("rev-parse", "main")
    assert quarantines(project) != []
    seen = project.okstra("reconcile", "--json")
    assert "quarantine-left" in {one["kind"] for one in seen.data["findings"]}


@pytest.mark.parametrize("by", ["resume", "reconcile", "gc", "stage done"])
def test_what_was_committed_when_okstra_was_killed_comes_home(project: Project, by: str) -> None:
    project.adopt(independent(1))
    install(project, part(_WORK, _COMMIT, {"run": "sleep 60"}, _RESULT, role="executor"))
    process = project.okstra.start(*led_args(project, "implementation"))

    def committed() -> bool:
        return any(
            "feat: it" in log.read_text() for log in (project.home / "quarantines").glob("*/git/logs/refs/heads/*")
        )

    eventually(committed)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert project.repo.git("rev-parse", BRANCH) == project.repo.git("rev-parse", "main")
    install(project, part(_RESULT, role="executor"))
    run = f"{project.task_key}/implementation/stage-1/001"
    words = {
        "resume": ("resume", run),
        "reconcile": ("reconcile", "--apply"),
        "gc": ("gc",),
        "stage done": ("stage", "done", "--run", run),
    }[by]
    ended = project.okstra(*words)
    assert "Traceback" not in ended.stderr, ended
    assert project.repo.git("show", f"{BRANCH}:stage-1/it.py") == "x = 1", ended
    assert quarantines(project) == []
    at = Repo(
        Path(project.okstra.ok("worktree", "list", "--json").data["worktrees"][0]["path"]), project.repo.environment
    )
    assert at.git("status", "--porcelain") == ""


@pytest.mark.parametrize("who", ["okstra-supervisor of rehearsal-executor", "bwrap"])
def test_a_kill_of_what_stands_around_the_executor_loses_no_commit(project: Project, who: str) -> None:
    project.adopt(independent(1))
    install(project, part(_WORK, _COMMIT, {"run": "sleep 60"}, _RESULT, role="executor"))
    process = project.okstra.start(*led_args(project, "implementation"))
    eventually(lambda: committed_inside(project))
    victims = [pid for pid, words in commands_of(project) if who in words]
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=100)
    assert victims != []
    assert project.repo.git("show", f"{BRANCH}:stage-1/it.py") == "x = 1"
    assert quarantines(project) == []
    assert commands_of(project) == []


def test_where_nothing_can_be_mounted_it_is_the_same(project: Project) -> None:
    if not can_contain(Kind.LANDLOCK):
        pytest.skip("Landlock can't start here")
    common = state_of(project.repo.path / ".git" / "hooks")
    evil = {"run": "git config x.y z; git rev-parse --git-common-dir > where; echo x >$(cat where)/hooks/post-commit"}
    touch = {"run": f"! touch '{project.repo.path}/.git/evil'"}
    clear = {"run": "mv where /tmp || rm where"}
    ended = lead(project, _WORK, evil, touch, clear, _COMMIT, OKSTRA_SANDBOX="landlock")
    assert ended.status == 0, ended
    assert project.repo.git("show", f"{BRANCH}:stage-1/it.py") == "x = 1"
    assert (state_of(project.repo.path / ".git" / "hooks"), project.repo.git("config", "x.y", check=False)) == (
        common,
        "",
    )
    assert quarantines(project) == []
    (tree,) = project.home.glob("worktrees/*/*/*/stage-1")
    assert f"gitdir: {project.repo.path}/.git/worktrees/" in (tree / ".git").read_text()


def test_without_a_sandbox_nothing_is_different(project: Project) -> None:
    ended = lead(project, _WORK, {"run": "git rev-parse --git-common-dir"}, _COMMIT, OKSTRA_SANDBOX="off")
    assert ended.status == 0, ended
    assert [row for row in events_of(ended) if row["event"] == "taken-home"] == []
    assert not (project.home / "quarantines").exists()
