"""Which of the variables that a person's shell has reach git: what works by hand works in a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from okstra_ctl import git
from okstra_ctl.git.command import ELSEWHERE, environment, settings_variables, users_environment
from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, install, led, part
from support.repos import Repo

AUTHOR = {f"GIT_{who}_{what}": "robot@ci" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def test_what_points_elsewhere_is_what_git_says_it_is() -> None:
    listed = set(
        subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True).stdout.split()
    )
    kept = {"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"}
    assert listed - kept <= ELSEWHERE
    assert ELSEWHERE - listed <= {"GIT_INTERNAL_SUPER_PREFIX"}  # newer versions have it no more


def test_a_persons_programs_get_all_but_what_points_elsewhere() -> None:
    given = {
        "GIT_SSH_COMMAND": "ssh -i k",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_TRACE": "1",
        "GIT_CONFIG_COUNT": "0",
        **AUTHOR,
    }
    assert users_environment({**given, "GIT_DIR": "/x", "GIT_INDEX_FILE": "/y", "A": "b"}) == {**given, "A": "b"}


def test_okstras_git_keeps_identity_and_access_and_leaves_out_other_output() -> None:
    kept = {"GIT_SSH_COMMAND": "ssh -i k", "GIT_CONFIG_GLOBAL": "/g", "GIT_CONFIG_NOSYSTEM": "1", **AUTHOR}
    names = "EXTERNAL_DIFF DIFF_OPTS LITERAL_PATHSPECS ICASE_PATHSPECS TRACE TRACE2_EVENT PAGER PAGER_IN_USE DIR"
    sparse_excluded = {f"GIT_{name}": "1" for name in names.split()}
    ours = environment({**kept, **sparse_excluded})
    assert kept.items() <= ours.items()
    assert not sparse_excluded.keys() & ours.keys()


@pytest.mark.parametrize("count", ["0", "1", "2", "", "x", "-1"])
@pytest.mark.parametrize("key", ["a.b", "url.quo'te\"s $(x).insteadOf"])
def test_settings_are_appended_to_given_ones_and_win(repo: Repo, count: str, key: str) -> None:
    given = {
        "GIT_CONFIG_COUNT": count,
        "GIT_CONFIG_KEY_0": key,
        "GIT_CONFIG_VALUE_0": "theirs",
        "GIT_CONFIG_KEY_1": "other.name",
        "GIT_CONFIG_VALUE_1": "kept",
    }
    variables = {**repo.environment, **given, **settings_variables(given, [(key, "it's ours"), ("c.d", "")])}
    there = Repo(repo.path, variables)
    assert there.git("config", "--get", key) == "it's ours"
    assert there.git("config", "--get", "c.d") == ""
    assert there.git("config", "--get", "other.name", check=False) == ("kept" if count == "2" else "")


def test_settings_win_over_those_of_a_git_around_okstra(repo: Repo) -> None:
    """`git -c KEY=VALUE ALIAS`, where the alias calls okstra: git reads what it gave itself last."""
    given = {"GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='theirs' 'x.y'='kept'"}
    key = "url.it's.insteadOf"
    variables = {**repo.environment, **given, **settings_variables(given, [("core.fsmonitor", "ours"), (key, "q'q")])}
    there = Repo(repo.path, variables)
    assert [there.git("config", "--get", name) for name in ("core.fsmonitor", key, "x.y")] == ["ours", "q'q", "kept"]


# Through the commands


def test_variables_that_mislead_okstras_git_do_not(project: Project, tmp_path: Path) -> None:
    """A git hook or alias that calls okstra sets them for its own repository."""
    other = Repo.init(tmp_path / "other", project.repo.environment)
    lies = {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(other.path / "no-index"),
        "GIT_OBJECT_DIRECTORY": str(other.path / ".git" / "objects"),
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TRACE": "1",
        "GIT_PAGER_IN_USE": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_KEY_1": "color.ui",
        "GIT_CONFIG_VALUE_1": "always",
    }
    project.okstra.environment.update(lies)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    project.work(run)
    done = project.okstra("stage", "done", "--run", run.data["run_id"], "--json")
    assert done.status == 0, done
    project.okstra.ok("integrate", "--task-key", project.task_key)
    assert other.branches() == {"main"}


def test_checks_and_set_up_commands_have_the_persons_access_and_nothing_that_points_elsewhere(project: Project) -> None:
    look = 'test "$GIT_SSH_COMMAND" = "ssh -i key" && test -z "${GIT_DIR+x}" && test -z "${GIT_INDEX_FILE+x}"'
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "worktreeSetup": [look]}))
    given = {"GIT_SSH_COMMAND": "ssh -i key", "GIT_DIR": "/elsewhere", "GIT_INDEX_FILE": "/elsewhere/index"}
    project.okstra.environment.update(given, OKSTRA_TRUST="1")
    project.adopt(independent(1), exit_check=look)
    run = project.run_stage()
    assert run.status == 0, run
    project.work(run)
    done = project.okstra("stage", "done", "--run", run.data["run_id"], "--json")
    assert done.status == 0, done
    project.okstra.ok("integrate", "--task-key", project.task_key)


@pytest.fixture
def nameless(project: Project) -> Project:
    """Nobody is named in any configuration, and git is told not to guess."""
    for name in ("user.name", "user.email"):
        project.repo.git("config", "--unset", name)
    project.repo.git("config", "user.useConfigOnly", "true")
    return project


def test_an_identity_by_variables_serves_agents_merges_and_doctor(nameless: Project) -> None:
    nameless.adopt(independent(1))
    assert "user.email is not set" in nameless.okstra("doctor").stdout
    nameless.okstra.environment.update(AUTHOR)
    assert "author and committer are named" in nameless.okstra("doctor").stdout
    steps = (
        {"write": {"path": "stage-1/it.py", "content": "x"}},
        {"run": "git add -A && git commit -qm 'feat: it'"},
        {"result": executed(1, 2)},
    )
    install(nameless, part(*steps, role="executor"))
    ended = led(nameless, "implementation")
    assert ended.status == 0, ended
    nameless.okstra.ok("integrate", "--task-key", nameless.task_key)
    authors = nameless.repo.git("log", "--format=%an <%ae> %cn <%ce>", "main..feat-t-1").splitlines()
    assert authors == ["robot@ci <robot@ci> robot@ci <robot@ci>"] * 2


def test_kept_work_is_okstras_commit_whoever_the_person_is(project: Project) -> None:
    run = project.run_phase()
    (Path(run.data["worktree"]["path"]) / "new.txt").write_text("new\n")
    removed = project.okstra("worktree", "remove", project.task_key, "--force", "--json", **AUTHOR)
    assert removed.status == 0, removed
    assert project.repo.git("log", "-1", "--format=%an %cn", removed.data["kept"]) == "okstra okstra"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("by", ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT"])
def test_a_folder_of_another_user_that_a_variable_calls_safe_is_safe(project: Project, tmp_path: Path, by: str) -> None:
    project.adopt(independent(1))
    for path in (project.repo.path, project.repo.path / ".git"):
        os.chown(path, 12345, 12345)
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    if by == "GIT_CONFIG_GLOBAL":
        (tmp_path / "safe").write_text("[safe]\n\tdirectory = *\n[user]\n\tname = a\n\temail = a@b\n")
        safe = {"GIT_CONFIG_GLOBAL": str(tmp_path / "safe")}
    assert project.run_stage().codes == ["git-failed"]
    run = project.run_stage(**safe)
    assert run.status == 0, run


# History as it is stored


def test_a_replaced_commit_is_judged_as_it_is_stored(project: Project) -> None:
    """`git replace` shows another tree for a commit here, and in this clone alone."""
    project.adopt(independent(1), exit_check="test ! -f evil.py")
    run = project.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    good = project.work(run)
    bad = project.repo.commit({"evil.py": "evil\n"}, "evil", at=at.path)
    at.git("replace", bad, good)
    at.git("reset", "--quiet", "--hard")
    assert not (at.path / "evil.py").exists()
    assert at.git("status", "--porcelain") == ""
    refused = project.okstra("stage", "done", "--run", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"]), refused


def test_a_stage_that_is_replaced_after_it_was_done_is_merged_as_it_is_stored(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage()
    done = project.finish(run).data["head_commit"]
    evil = project.repo.commit({"evil.py": "evil\n"}, "evil", at=Path(run.data["worktree"]["path"]))
    project.repo.git("replace", done, evil)
    assert "evil.py" in project.repo.git("ls-tree", "--name-only", done)
    merged = project.okstra.ok("integrate", "--task-key", project.task_key, "--json")
    stored = project.repo.git("--no-replace-objects", "ls-tree", "--name-only", merged.data["commit"])
    assert "evil.py" not in stored
    assert "stage-1" in stored


def test_a_graft_gives_a_commit_no_other_parents(project: Project) -> None:
    project.adopt(independent(1))
    run = project.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    at.git("checkout", "--quiet", "--orphan", "elsewhere")
    orphan = project.repo.commit({"stage-1/it.py": "x\n"}, "from nowhere", at=at.path)
    grafts = project.repo.path / ".git" / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(f"{orphan} {run.data['worktree']['base_commit']}\n")
    base = run.data["worktree"]["base_commit"]
    assert at.git("merge-base", base, orphan) == base
    assert not git.is_ancestor(str(at.path), base, orphan)
    refused = project.okstra("stage", "done", "--run", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["head-moved"]), refused


def test_a_hook_of_a_commit_sees_the_index_of_that_commit(repo: Repo) -> None:
    """`git commit -o` makes one of its own, which a variable names."""
    (repo.path / "a.txt").write_text("a\n")
    (repo.path / "b.txt").write_text("b\n")
    repo.git("add", "--all")
    index = repo.path / ".git" / "other-index"
    there = Repo(repo.path, {**repo.environment, "GIT_INDEX_FILE": str(index)})
    there.git("read-tree", "HEAD")
    there.git("add", "a.txt")
    code = "import sys; from okstra_ctl import git; print(*git.staged_files(sys.argv[1]))"
    asked = [sys.executable, "-c", code, str(repo.path)]
    told = subprocess.run(
        asked, env={**there.environment, "GIT_EXTERNAL_DIFF": "false"}, capture_output=True, text=True
    )
    assert told.stdout == "a.txt\n", told.stderr
