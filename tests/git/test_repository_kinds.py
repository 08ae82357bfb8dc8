"""Repositories that store things another way: what holds in an ordinary one holds in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl import git
from okstra_ctl.errors import Refused, WorkFailed
from support import invariants
from support.okstra import Project
from support.plans import independent
from support.projects import play_a_stage, registered
from support.rehearsal import executed, install, led, part
from support.repos import Repo

STAGE = f"{Project.task_key}#stage-1"
KINDS = {"sha256": "--object-format=sha256", "reftable": "--ref-format=reftable"}


def can_make(flag: str, folder: Path, environment: Mapping[str, str]) -> bool:
    asked = ["git", "init", "--quiet", "--initial-branch=main", flag, str(folder)]
    return subprocess.run(asked, env=environment, capture_output=True).returncode == 0


@pytest.fixture(params=KINDS)
def odd(request: pytest.FixtureRequest, tmp_path: Path, environment: dict[str, str]) -> Project:
    """A registered project with one commit. Tables of refs need git 2.45."""
    folder = tmp_path / "project"
    if not can_make(KINDS[request.param], folder, environment):
        pytest.skip(f"this git makes no {request.param} repository")
    repo = Repo.init(folder, environment)
    return registered(repo, environment)


@pytest.fixture
def tabled(tmp_path: Path, environment: dict[str, str]) -> Project:
    folder = tmp_path / "project"
    if not can_make(KINDS["reftable"], folder, environment):
        pytest.skip("this git makes no reftable repository")
    return registered(Repo.init(folder, environment), environment)


def test_the_life_of_a_stage(odd: Project) -> None:
    play_a_stage(odd)


def test_stages_are_merged_and_the_task_goes_on(odd: Project) -> None:
    odd.adopt({1: (), 2: (), 3: (1, 2)})
    for run in (odd.run_stage(), odd.run_stage()):
        assert odd.finish(run).status == 0
    merged = odd.okstra.ok("integrate", "--task-key", odd.task_key, "--json")
    assert merged.data["merged"] == [1, 2]
    third = odd.run_stage()
    assert third.data["worktree"]["base_commit"] == merged.data["commit"]
    swept = odd.okstra.ok("gc", "--json")
    assert sorted(row["key"][-1] for row in swept.data["removed"]) == ["1", "2"]
    assert "all is well" in odd.okstra.ok("reconcile").stdout


def test_a_led_stage(odd: Project) -> None:
    odd.adopt(independent(1))
    steps = (
        {"write": {"path": "stage-1/it.py", "content": "x"}},
        {"run": "git add -A && git commit -qm 'feat: it'"},
        {"result": executed(1, 2)},
    )
    install(odd, part(*steps, role="executor"))
    ended = led(odd, "implementation")
    assert ended.status == 0, ended


def test_unsaved_work_is_kept_and_comes_back(odd: Project) -> None:
    odd.adopt(independent(1))
    run = odd.run_stage()
    assert odd.finish(run).status == 0
    path = Path(run.data["worktree"]["path"])
    (path / "new.txt").write_text("new\n")
    odd.okstra.ok("worktree", "remove", STAGE, "--force")
    odd.okstra.ok("worktree", "restore", STAGE)
    assert (path / "new.txt").read_text() == "new\n"


@pytest.mark.parametrize("folder_is_gone", [False, True])
def test_a_commit_beside_every_branch_is_kept(odd: Project, folder_is_gone: bool) -> None:
    """git's record of a worktree holds it, in a file or in a table; the record goes with the worktree."""
    odd.adopt(independent(1))
    run = odd.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), odd.repo.environment)
    at.git("checkout", "--quiet", "--detach")
    commit = odd.repo.commit({"detached.txt": "x\n"}, at=at.path)
    if folder_is_gone:
        shutil.rmtree(at.path)
    release = ("stage", "release", "--run", run.data["run_id"], "--json")
    refused = odd.okstra(*release)
    assert (refused.status, refused.codes) == (3, ["commits-unreachable"]), refused
    odd.okstra.ok(*release, "--force")
    assert commit in odd.repo.git("for-each-ref", "--format=%(objectname)", "refs/okstra").split()
    invariants.check(odd, left_branches={"feat-t-1-s1"}, commits=[commit])


def test_a_worktree_that_lost_its_folder_is_taken_over_with_its_detached_commit(odd: Project) -> None:
    odd.adopt(independent(1))
    run = odd.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), odd.repo.environment)
    at.git("checkout", "--quiet", "--detach")
    commit = odd.repo.commit({"detached.txt": "x\n"}, at=at.path)
    shutil.rmtree(at.path)
    odd.okstra("reconcile", "--apply")
    odd.okstra("gc")
    for words in (
        ("worktree", "prune"),
        ("reflog", "expire", "--expire=now", "--all"),
        ("gc", "--quiet", "--prune=now"),
    ):
        odd.repo.git(*words)
    assert odd.repo.git("cat-file", "-t", commit) == "commit"


def test_a_moved_head_of_a_table_is_seen_by_the_receipt(tabled: Project) -> None:
    harmless = {"run": "(env -u GIT_CONFIG_COUNT git checkout --detach) || true"}
    install(tabled, part(harmless, worker="rehearsal-a", round=""))
    ended = led(tabled, "error-analysis")
    assert ended.status == 1, ended


def test_the_tables_are_among_what_is_synced(tabled: Project) -> None:
    repository = git.discover(str(tabled.repo.path))
    assert repository is not None
    files = git.ref_files(repository, repository.git_dir, "main")
    assert os.path.join(repository.common_dir, "reftable", "tables.list") in files
    assert all(os.path.isfile(path) for path in files if "reftable" in path)


# What is not all there


def clone(repo: Repo, *flags: str) -> Project:
    """A registered project in a clone by `file://`, which git makes over a connection, as it does over a network."""
    path = repo.path.parent / "clone"
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "--quiet", *flags, f"file://{repo.path}", str(path))
    Repo(path, repo.environment).git("config", "user.name", "Test")
    Repo(path, repo.environment).git("config", "user.email", "test@example.invalid")
    return registered(Repo(path, repo.environment), repo.environment)


@pytest.mark.parametrize("flags", [("--depth=1",), ("--filter=blob:none",), ("--filter=tree:0",)], ids=" ".join)
def test_a_clone_that_has_not_all(repo: Repo, flags: tuple[str, ...]) -> None:
    for number in range(3):
        repo.commit({"deep/er/a.txt": f"{number}\n", f"b-{number}.txt": "b\n"})
    project = clone(repo, *flags)
    play_a_stage(project)
    project.okstra.ok("integrate", "--task-key", project.task_key)
    swept = project.okstra.ok("gc", "--max", "0", "--json")
    assert [row["failed"] for row in swept.data["removed"]] == [""]


def test_a_shallow_base_that_is_cut_off_is_never_taken_for_done(project: Project) -> None:
    """Whoever writes a commit into git's list of cut-off ones hides what it stems from: nothing is done on that."""
    project.adopt(independent(1))
    run = project.run_stage()
    head = project.work(run)
    (project.repo.path / ".git" / "shallow").write_text(f"{head}\n")
    refused = project.okstra("stage", "done", "--run", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["head-moved"]), refused


@pytest.fixture
def filtered(project: Project) -> Project:
    """Files as git-lfs has them: a short note in the repository, the contents by a program; it must be there."""
    program = project.repo.path.parent / "filter.sh"
    program.write_text(
        'if [ "$1" = clean ]; then tr a-z A-Z; elif [ -n "${GIT_LFS_SKIP_SMUDGE:-}" ]; then cat; else tr A-Z a-z; fi\n'
    )
    for side in ("clean", "smudge"):
        project.repo.git("config", f"filter.like-lfs.{side}", f"sh {program} {side}")
    project.repo.git("config", "filter.like-lfs.required", "true")
    project.repo.commit({".gitattributes": "*.bin filter=like-lfs\n", "big.bin": "contents\n"})
    assert project.repo.git("show", "HEAD:big.bin") == "CONTENTS"
    return project


@pytest.mark.parametrize(("skip", "found"), [("", "contents\n"), ("1", "CONTENTS\n")])
def test_filtered_files_come_as_the_person_has_them_come(filtered: Project, skip: str, found: str) -> None:
    filtered.adopt(independent(1))
    run = filtered.run_stage("auto", GIT_LFS_SKIP_SMUDGE=skip)
    at = Path(run.data["worktree"]["path"])
    assert (at / "big.bin").read_text() == found
    assert filtered.finish(run).status == 0
    Repo(at, filtered.repo.environment).git("update-index", "--skip-worktree", "big.bin")
    assert git.hidden_edits(str(at)) == []
    (at / "big.bin").write_text("other\n")
    assert git.hidden_edits(str(at)) == ["big.bin"]
    removed = filtered.okstra.ok("worktree", "remove", STAGE, "--force", "--json")
    assert filtered.repo.git("show", f"{removed.data['kept']}:big.bin") == "OTHER"


def test_a_filter_whose_program_is_missing_is_named(filtered: Project) -> None:
    (filtered.repo.path.parent / "filter.sh").unlink()
    filtered.adopt(independent(1))
    refused = filtered.run_stage()
    assert (refused.status, refused.codes) == (1, ["worktree-not-created"]), refused
    assert "like-lfs" in refused.envelope["errors"][0]["message"]
    assert len(filtered.repo.worktree_paths()) == 1


# Bare, or set so by mistake


def test_a_checkout_that_is_called_bare_is_refused_with_the_way_to_mend_it(project: Project) -> None:
    project.adopt(independent(2))
    first = project.run_stage()
    project.work(first)
    project.repo.git("config", "core.bare", "true")
    done = ("stage", "done", "--run", first.data["run_id"], "--json")
    for refused in (
        project.okstra(*done),  # its check has a checkout of its own, set up from the main one
        project.run_stage(),
        project.run_phase(),
        project.okstra("integrate", "--task-key", project.task_key, "--json"),
    ):
        assert (refused.status, refused.codes) == (3, ["no-checkout"]), refused
        error = refused.envelope["errors"][0]
        assert "core.bare" in error["message"]
        assert error["where"].endswith(".git/config")
    assert project.registry["stages"].keys() == {STAGE}
    for survey in (project.okstra("check-project").stdout, project.okstra("reconcile").stdout):
        assert "core.bare is true" in survey
        assert "config core.bare false" in survey
        assert "is gone" not in survey
    subprocess.run(["sh", "-c", error["try"]], env=project.repo.environment, check=True)  # as a person pastes it
    assert project.run_stage().data["stage"] == 2
    assert project.okstra(*done).status == 0


def test_a_checkout_that_other_settings_call_bare_is_mended_where_that_is_set(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(2))
    included = tmp_path / "a person's own"
    for setting in (
        ("extensions.worktreeConfig", "true"),
        ("--worktree", "core.bare", "true"),
        ("include.path", str(included)),
    ):
        project.repo.git("config", *setting)
    project.repo.git("config", "--file", str(included), "core.bare", "true")
    hints = set()
    for _ in range(2):  # the worktree's settings, then the included ones
        (error,) = project.run_stage().envelope["errors"]
        hints.add(error["try"])
        subprocess.run(["sh", "-c", error["try"]], env=project.repo.environment, check=True)
        if project.repo.git("config", "--get", "core.bare") == "false":
            break
    assert any("config.worktree" in hint for hint in hints), hints
    assert project.run_stage().data["stage"] == 1


def test_beside_the_worktrees_of_a_bare_repository_it_says_where_to_go(tmp_path: Path, repo: Repo) -> None:
    place = tmp_path / "place"
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(place / ".git"))
    with pytest.raises(Refused, match="no files are checked out there") as caught:
        git.discover(str(place))
    assert "worktree list" in caught.value.hint
    Repo(place, repo.environment).git("worktree", "add", "--quiet", str(place / "main"), "main")
    inside = git.discover(str(place / "main"))
    assert inside is not None
    assert git.main_is_bare(inside)


# What looks like a repository


def test_a_file_named_head_above_is_no_repository(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "HEAD").write_text("of a list\n")
    folder = tmp_path / "plain"
    folder.mkdir()
    project = registered(Repo(folder, environment), environment)
    run = project.run_phase()
    assert run.status == 0, run
    assert run.data["worktree"]["status"] == "skipped-no-git"


def test_a_broken_repository_is_never_taken_for_none(repo: Repo) -> None:
    (repo.path / ".git" / "HEAD").unlink()
    with pytest.raises(WorkFailed):
        git.discover(str(repo.path))


def test_a_repository_above_a_ceiling_is_none(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    below = repo.path / "below" / "here"
    below.mkdir(parents=True)
    assert git.discover(str(below)) is not None
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", f"/nowhere:{repo.path / 'below'}")
    assert git.discover(str(below)) is None
    assert git.discover(str(repo.path)) is not None


# Files that are looked for elsewhere


@pytest.mark.parametrize("elsewhere", ["gone", "gone/deeper", "other"])
def test_a_checkout_that_core_worktree_leads_away_from_says_so_and_how_to_mend_it(
    project: Project, tmp_path: Path, elsewhere: str
) -> None:
    (tmp_path / "other").mkdir()
    settings = project.repo.path / ".git" / "config"
    before = settings.read_text()
    project.repo.git("config", "core.worktree", str(tmp_path / elsewhere))
    assert "core.worktree is set" in project.okstra("check-project").stdout
    refused = project.run_phase()
    assert (refused.status, refused.codes) == (3, ["no-checkout"]), refused
    (error,) = refused.envelope["errors"]
    assert "core.worktree is set" in error["message"]
    assert str(tmp_path / elsewhere) in error["message"]
    assert error["where"] == str(settings)
    subprocess.run(["sh", "-c", error["try"]], env=project.repo.environment, check=True, cwd=project.repo.path)
    assert settings.read_text() == before
    assert project.run_phase().status == 0


def test_a_repository_whose_files_core_worktree_names_rightly_is_an_ordinary_one(project: Project) -> None:
    project.repo.git("config", "core.worktree", str(project.repo.path))
    assert project.run_phase().status == 0
