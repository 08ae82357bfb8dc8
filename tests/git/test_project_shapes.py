"""Projects of every shape that git knows, and environments that work against it: right, or a clear error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from support import invariants
from support.okstra import Okstra, Project
from support.plans import independent
from support.repos import Repo
from support.sealed import sealed_environment

PHASES = (
    "requirements-discovery",
    "improvement-discovery",
    "error-analysis",
    "implementation-planning",
    "final-verification",
    "release-handoff",
)
LOCAL_CLONES = ("-c", "protocol.file.allow=always")


def registered(repo: Repo, environment: Mapping[str, str]) -> Project:
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    return Project(repo, okstra)


def play_a_stage(project: Project) -> None:
    """Prepares, works, finishes; prepares another and gives it back; removes the first one's worktree."""
    project.adopt(independent(2))
    first, second = project.run_stage(), project.run_stage()
    assert (first.status, second.status) == (0, 0), (first, second)
    invariants.check(project)
    finished = project.finish(first)
    assert finished.status == 0, finished
    project.okstra.ok("stage", "release", "--run", second.data["run_id"])
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    invariants.check(project, left_branches={"feat-t-1-s1", "feat-t-1-s2"}, commits=[finished.data["head_commit"]])


def check_nothing_was_made(project: Project) -> None:
    assert len(project.repo.worktree_paths()) == 1
    assert project.repo.branches() <= {"main"}
    path = project.home / "worktrees" / "registry.json"
    if path.exists():
        assert project.registry["tasks"] == {} and project.registry["stages"] == {}
    assert not list((project.home / "worktrees").glob("*/*/*/*"))


# The repository


def test_without_a_commit_it_says_to_commit_once(tmp_path: Path, environment: dict[str, str]) -> None:
    project = registered(Repo.init(tmp_path / "project", environment, commit=False), environment)
    refused = project.run_phase()
    assert (refused.status, refused.codes) == (3, ["no-commits-yet"])
    assert "git commit" in refused.envelope["errors"][0]["try"]
    project.adopt(independent(1))
    assert project.run_stage().codes == ["no-commits-yet"]
    assert not (project.home / "worktrees" / "registry.json").exists()
    assert not (project.repo.path / ".git" / "worktrees").exists()
    project.repo.commit({"a.txt": "a\n"})
    assert project.run_stage().status == 0


def test_a_detached_head_is_the_base(project: Project) -> None:
    project.repo.git("checkout", "--quiet", "--detach")
    commit = project.repo.commit({"detached.txt": "x\n"})
    main = project.repo.git("rev-parse", "main")
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.data["worktree"]["base_commit"] == commit != main
    assert project.repo.git("rev-parse", "HEAD", "main").split() == [commit, main]
    assert project.repo.git("symbolic-ref", "--quiet", "HEAD", check=False) == ""
    invariants.check(project)


def test_a_linked_worktree_as_project_gets_no_worktree_of_its_own(tmp_path: Path, repo: Repo) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", repo.environment)
    project = registered(linked, repo.environment)
    linked.commit({}, "Register the project")
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.data["worktree"]["status"] == "skipped-nested", run
    assert run.data["worktree"]["path"] == str(linked.path)
    assert run.data["worktree"]["branch"] == ""
    assert [(row["stage"], row["status"]) for row in project.ledger] == [(1, "started")]
    refused = project.run_stage("1")
    assert (refused.status, refused.codes) == (3, ["stage-reserved"])
    assert project.run_stage().codes == ["no-stage-ready"]
    assert project.run_phase().data["worktree"]["status"] == "skipped-nested"
    assert len(repo.worktree_paths()) == 2
    assert repo.branches() == {"main", "side"}
    assert project.finish(run).status == 0
    assert [row["status"] for row in project.ledger] == ["started", "done"]


def test_a_linked_worktree_of_a_bare_repository_is_the_normal_place(tmp_path: Path, repo: Repo) -> None:
    place = tmp_path / "place"
    place.mkdir()
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(place / ".bare"))
    (place / ".git").write_text("gitdir: ./.bare\n")
    Repo(place, repo.environment).git("worktree", "add", "--quiet", str(place / "main"), "main")
    project = registered(Repo(place / "main", repo.environment), repo.environment)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.data["worktree"]["status"] == "created", run
    assert Path(run.data["worktree"]["path"], "README.md").is_file()
    assert {"feat-t-1", "feat-t-1-s1"} <= project.repo.branches()
    assert project.finish(run).status == 0
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    assert project.repo.git("worktree", "list", "--porcelain").count("stage-1") == 0


def test_a_separate_git_dir(tmp_path: Path, repo: Repo) -> None:
    git_dir = tmp_path / "elsewhere" / "repository.git"
    git_dir.parent.mkdir()
    repo.git("clone", "--quiet", "--separate-git-dir", str(git_dir), str(repo.path), str(tmp_path / "separate"))
    separate = Repo(tmp_path / "separate", repo.environment)
    assert (separate.path / ".git").is_file()
    project = registered(separate, repo.environment)
    play_a_stage(project)
    assert not (separate.path / ".git").is_dir()


@pytest.fixture
def with_submodule(tmp_path: Path, repo: Repo) -> Repo:
    """A repository with the submodule `libs/part`, cloned with it initialised; the submodule's origin is gone."""
    origin = Repo.init(tmp_path / "part.origin", repo.environment)
    origin.commit({"part.txt": "part\n"})
    repo.git(*LOCAL_CLONES, "submodule", "--quiet", "add", "--name", "the part", str(origin.path), "libs/part")
    repo.commit({"top.txt": "top\n"}, "Add the part")
    shutil.move(origin.path, tmp_path / "part.gone")
    return repo


def test_a_project_inside_a_submodule(with_submodule: Repo) -> None:
    inside = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    inside.git("config", "user.name", "Test")
    inside.git("config", "user.email", "test@example.invalid")
    project = registered(inside, with_submodule.environment)
    play_a_stage(project)
    assert with_submodule.branches() == {"main"}
    assert len(with_submodule.worktree_paths()) == 1


def test_from_a_linked_worktree_of_a_submodule_the_submodules_project_is_meant(
    with_submodule: Repo, tmp_path: Path
) -> None:
    outer = registered(with_submodule, with_submodule.environment)
    inside = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    inside.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked part"))
    here = tmp_path / "linked part"
    call = ("run", "--task-group", "g", "--task-id", "i", "--task-type", "error-analysis", "--dry-run", "--json")
    Okstra(inside.environment, inside.path).ok("setup", "--project-id", "part", "--yes")
    assert outer.okstra.ok(*call, cwd=here).data["run_id"] == "part:g:i/error-analysis/001"


def test_an_initialised_submodule_is_there_in_the_worktree_without_network(with_submodule: Repo) -> None:
    part = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    url = part.git("config", "remote.origin.url")
    local = part.commit({"local.txt": "never pushed\n"})
    with_submodule.commit({}, "Move the part on")
    assert not Path(url).exists()
    settings = with_submodule.git("config", "--list", "--local")
    project = registered(with_submodule, with_submodule.environment)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    inside = Repo(Path(run.data["worktree"]["path"]) / "libs" / "part", with_submodule.environment)
    assert (inside.path / "local.txt").read_text() == "never pushed\n"
    assert inside.git("rev-parse", "HEAD") == local
    assert inside.git("config", "remote.origin.url") == url
    assert with_submodule.git("config", "--list", "--local") == settings
    invariants.check(project)


def test_a_submodule_in_a_submodule_is_there_too(with_submodule: Repo, tmp_path: Path) -> None:
    deep = Repo.init(tmp_path / "deep.origin", with_submodule.environment)
    part = Repo(with_submodule.path / "libs" / "part", with_submodule.environment)
    part.git(*LOCAL_CLONES, "submodule", "--quiet", "add", str(deep.path), "deep")
    part.commit({}, "Add the deep one")
    with_submodule.commit({}, "Move the part on")
    shutil.move(deep.path, tmp_path / "deep.gone")
    project = registered(with_submodule, with_submodule.environment)
    run = project.run_phase()
    assert run.status == 0, run
    assert (Path(run.data["worktree"]["path"]) / "libs/part/deep/README.md").is_file()


def test_a_submodule_that_main_has_not_initialised_stays_out(with_submodule: Repo) -> None:
    with_submodule.git("submodule", "--quiet", "deinit", "--force", "libs/part")
    project = registered(with_submodule, with_submodule.environment)
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    assert list((Path(run.data["worktree"]["path"]) / "libs" / "part").iterdir()) == []


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_sparse_checkout_is_carried_over(project: Project, cone: str) -> None:
    project.repo.commit({"src/a.py": "a\n", "docs/b.md": "b\n", "stage-1/keep.txt": "k\n"})
    project.repo.git("sparse-checkout", "set", cone, "src", "stage-1", ".okstra")
    project.adopt(independent(1))
    run = project.run_stage()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    assert (at.path / "src" / "a.py").is_file()
    assert not (at.path / "docs").exists()
    assert at.git("sparse-checkout", "list") == project.repo.git("sparse-checkout", "list")
    finished = project.finish(run)
    assert finished.status == 0, finished
    assert project.repo.git("ls-tree", "--name-only", finished.data["head_commit"], "docs/") == "docs/b.md"


def test_a_dirty_main_worktree_is_left_alone_and_not_copied(project: Project) -> None:
    project.repo.commit({"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n"})
    project.adopt(independent(1))
    (project.repo.path / "a.txt").write_text("changed\n")
    (project.repo.path / "b.txt").write_text("staged\n")
    project.repo.git("add", "b.txt")
    (project.repo.path / "c.txt").unlink()
    (project.repo.path / "new.txt").write_text("new\n")
    before = project.repo.git("status", "--porcelain=v2", "--untracked-files=all")
    run = project.run_stage()
    at = Path(run.data["worktree"]["path"])
    assert [(at / name).read_text() for name in ("a.txt", "b.txt", "c.txt")] == ["a\n", "b\n", "c\n"]
    assert not (at / "new.txt").exists()
    assert project.repo.git("status", "--porcelain=v2", "--untracked-files=all") == before


def test_a_lock_that_another_git_left_on_the_main_index_is_not_touched(project: Project) -> None:
    lock = project.repo.path / ".git" / "index.lock"
    lock.touch()
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    assert project.finish(run).status == 0
    project.okstra.ok("worktree", "remove", f"{project.task_key}#stage-1")
    assert lock.exists()


@pytest.mark.parametrize("name", ["feat-t-1-s1", "feat-t-1"])
def test_a_branch_that_exists_is_never_moved(project: Project, name: str) -> None:
    project.repo.commit({}, "Register the project")
    project.repo.git("checkout", "--quiet", "-b", name)
    theirs = project.repo.commit({"theirs.txt": "x\n"})
    project.repo.git("checkout", "--quiet", "main")
    project.adopt(independent(1))
    refused = project.run_stage()
    assert (refused.status, refused.codes) == (3, ["branch-exists"])
    assert name in refused.envelope["errors"][0]["message"]
    assert project.repo.git("rev-parse", name) == theirs
    invariants.check(project, left_branches={name})
    assert project.registry["stages"] == {}
    assert project.ledger == []
    project.repo.git("branch", "-m", name, "theirs")
    assert project.run_stage().status == 0


def test_a_branch_below_the_name_is_a_clear_error(project: Project) -> None:
    project.repo.git("branch", "feat-t-1-s1/theirs")
    project.adopt(independent(1))
    refused = project.run_stage()
    assert (refused.status, refused.codes) == (3, ["branch-exists"]), refused
    assert "feat-t-1-s1/theirs" in refused.stdout
    invariants.check(project, left_branches={"feat-t-1-s1/theirs"})
    assert project.registry["stages"] == {}


def test_a_base_ref_that_does_not_exist_leaves_nothing(project: Project) -> None:
    refused = project.run_phase("error-analysis", "--base-ref", "no-such-ref")
    assert (refused.status, refused.codes) == (2, ["bad-ref"])
    assert "no-such-ref" in refused.envelope["errors"][0]["message"]
    check_nothing_was_made(project)
    refused = project.run_phase("error-analysis", "--base-ref", "--all")
    assert (refused.status, refused.codes[0]) in {(2, "bad-ref"), (2, "usage")}
    check_nothing_was_made(project)


def test_a_base_ref_is_where_the_task_begins(project: Project) -> None:
    project.repo.git("tag", "-a", "-m", "one", "v1")
    old = project.repo.git("rev-parse", "HEAD")
    project.repo.commit({"later.txt": "later\n"})
    run = project.run_phase("error-analysis", "--base-ref", "v1")
    assert run.data["worktree"]["base_commit"] == old
    assert not (Path(run.data["worktree"]["path"]) / "later.txt").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_refused_with_gits_advice(project: Project) -> None:
    for path in (project.repo.path, project.repo.path / ".git"):
        os.chown(path, 12345, 12345)
    refused = project.run_phase()
    assert (refused.status, refused.codes) == (1, ["git-failed"])
    assert "safe.directory" in refused.envelope["errors"][0]["message"]
    for path in (project.repo.path, project.repo.path / ".git"):
        os.chown(path, 0, 0)
    check_nothing_was_made(project)


# No repository, no git


def test_without_git_every_phase_works_in_the_folder_itself(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    project = registered(Repo(folder, environment), environment)
    project.adopt(independent(2))
    for phase in PHASES:
        run = project.run_phase(phase)
        assert run.status == 0, run
        assert run.data["worktree"]["status"] == "skipped-no-git"
        assert run.data["worktree"]["path"] == str(folder)
    stages = [project.run_stage(), project.run_stage()]
    assert [run.data["stage"] for run in stages] == [1, 2]
    assert project.run_stage().codes == ["no-stage-ready"]
    assert project.okstra("stage", "done", "--run", stages[0].data["run_id"]).status == 0
    project.okstra.ok("stage", "release", "--run", stages[1].data["run_id"])
    assert project.run_stage().data["stage"] == 2
    assert [row["status"] for row in project.ledger] == ["started", "started", "done", "released", "started"]


def path_without_git(folder: Path, environment: Mapping[str, str]) -> str:
    """A PATH that has what every machine has, and no git."""
    folder.mkdir()
    for name in ("bash", "sh", "env", "rm", "cp", "readlink", "dirname", "python3"):
        found = shutil.which(name, path=environment["PATH"])
        if found:
            (folder / name).symlink_to(found)
    return str(folder)


def test_a_git_project_without_git_on_the_path(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1))
    path = path_without_git(tmp_path / "bin", project.okstra.environment)
    for call in (
        project.run_args(),
        ("run", "--task-key", project.task_key, "--task-type", "error-analysis", "--json"),
    ):
        refused = project.okstra(*call, PATH=path)
        assert (refused.status, refused.codes) == (69, ["git-missing"]), refused
        assert "install git" in refused.envelope["errors"][0]["try"]
    check_nothing_was_made(project)


def test_a_plain_folder_needs_no_git_on_the_path(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    environment["PATH"] = path_without_git(tmp_path / "bin", environment)
    project = registered(Repo(folder, environment), environment)
    assert project.run_phase().data["worktree"]["status"] == "skipped-no-git"


# Names


@pytest.mark.parametrize(
    "name",
    ["a b", "한글 폴더", "quo'te\"s", "new\nline", "-rf", "$(touch pwned)", "back\\slash", "*glob?", "tab\there", "é"],
)
def test_any_name_of_the_project_and_of_the_home(tmp_path: Path, name: str) -> None:
    home = tmp_path / "h" / name
    home.mkdir(parents=True)
    environment = sealed_environment(home)
    project = registered(Repo.init(tmp_path / "p" / name, environment), environment)
    play_a_stage(project)
    assert not list(tmp_path.rglob("pwned"))
    listed = project.okstra.ok("worktree", "list", "--json").data["worktrees"]
    assert [row["path"] for row in listed] == [str(home / ".okstra/worktrees/demo/core/t-1/task")]


def test_a_relative_home_with_a_leading_dash(tmp_path: Path, repo: Repo) -> None:
    project = registered(repo, {**repo.environment, "OKSTRA_HOME": "-home"})
    run = project.run_phase()
    assert run.status == 0, run
    assert run.data["worktree"]["path"] == str(repo.path / "-home/worktrees/demo/core/t-1/task")


# The home


@pytest.mark.parametrize("home", ["{file}/below", "/proc/okstra", "{file}"])
def test_a_home_that_can_not_be(project: Project, tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("")
    at = home.format(file=tmp_path / "file")
    refused = project.okstra(*project.run_args(), OKSTRA_HOME=at)
    assert (refused.status, refused.codes) == (69, ["home-not-writable"]), refused
    assert refused.envelope["errors"][0]["where"] == at
    assert "OKSTRA_HOME" in refused.envelope["errors"][0]["try"]
    assert len(project.repo.worktree_paths()) == 1


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_home(project: Project, tmp_path: Path) -> None:
    home = tmp_path / "locked"
    home.mkdir()
    home.chmod(0o500)
    refused = project.okstra(*project.run_args(), OKSTRA_HOME=str(home))
    assert (refused.status, refused.codes) == (69, ["home-not-writable"])


# Settings and variables that work against it


def hostile(repo: Repo, tmp_path: Path) -> None:
    """Settings that a person or an attacker can have put into `.git/config`."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit", "post-rewrite"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> '{tmp_path}/hook-ran'\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "lying-monitor").write_text("#!/bin/sh\nprintf 'token\\0'\n")
    (tmp_path / "lying-monitor").chmod(0o755)
    for name, value in {
        "core.fsmonitor": str(tmp_path / "lying-monitor"),
        "checkout.defaultRemote": "nowhere",
        "commit.gpgSign": "true",
        "gpg.program": "false",
        "log.showSignature": "true",
        "status.showUntrackedFiles": "no",
        "status.relativePaths": "true",
        "core.quotePath": "true",
        "color.ui": "always",
        "diff.external": "false",
        "diff.ignoreSubmodules": "all",
        "core.untrackedCache": "true",
        "worktree.guessRemote": "true",
        "core.hooksPath": str(hooks),
    }.items():
        repo.git("config", name, value)


def test_hostile_settings_stop_nothing_and_hide_nothing(project: Project, tmp_path: Path) -> None:
    project.repo.commit({"tracked.txt": "1\n"})
    project.adopt(independent(2))
    hostile(project.repo, tmp_path)
    first, second = project.run_stage(), project.run_stage()
    assert (first.status, second.status) == (0, 0), (first, second)
    assert not (tmp_path / "hook-ran").exists()
    at = Path(first.data["worktree"]["path"])
    run = project.okstra
    done, release = ("stage", "done", "--run", first.data["run_id"], "--json"), ("stage", "release", "--json", "--run")
    quiet = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")
    (at / "stage-1").mkdir()
    (at / "stage-1" / "한 it.py").write_text("x\n")
    assert run(*done).codes == ["worktree-dirty"], "an untracked file was not seen"
    for call in (("add", "--all"), ("commit", "--quiet", "-m", "work"), ("status",)):
        Repo(at, project.repo.environment).git(*quiet, *call)
    (at / "tracked.txt").write_text("changed behind a monitor that says nothing changed\n")
    assert run(*done).codes == ["worktree-dirty"], "a changed file was not seen"
    assert run(*release, first.data["run_id"]).codes == ["worktree-dirty"]
    freed = run(*release, first.data["run_id"], "--force")
    assert freed.status == 0, freed
    kept = project.repo.git("show", f"{freed.data['kept']}:tracked.txt")
    assert kept == "changed behind a monitor that says nothing changed"
    assert run(*release, second.data["run_id"]).status == 0


def test_ignored_by_the_persons_excludes_file_counts_as_ignored(project: Project, tmp_path: Path) -> None:
    (tmp_path / "excludes").write_text("*.log\n")
    project.repo.git("config", "core.excludesFile", str(tmp_path / "excludes"))
    project.adopt(independent(1))
    run = project.run_stage()
    project.work(run)
    (Path(run.data["worktree"]["path"]) / "build.log").write_text("made by a tool\n")
    assert project.okstra("stage", "done", "--run", run.data["run_id"]).status == 0


@pytest.mark.parametrize("command", ["run", "done", "release", "remove"])
def test_inherited_git_variables_do_not_mislead(
    project: Project, tmp_path: Path, environment: dict[str, str], command: str
) -> None:
    other = Repo.init(tmp_path / "other", environment)
    before = other.git("for-each-ref"), (other.path / ".git" / "index").read_bytes()
    misleading = {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(other.path / ".git" / "index"),
        "GIT_OBJECT_DIRECTORY": str(other.path / ".git" / "objects"),
        "GIT_COMMON_DIR": str(other.path / ".git"),
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_NAMESPACE": "x",
    }
    project.adopt(independent(1))
    run = project.run_stage(**(misleading if command == "run" else {}))
    assert run.status == 0, run
    commit = project.work(run)
    calls = {
        "done": ("stage", "done", "--run", run.data["run_id"]),
        "release": ("stage", "release", "--run", run.data["run_id"]),
        "remove": ("worktree", "remove", f"{project.task_key}#stage-1"),
    }
    if command == "remove":
        project.okstra.ok(*calls["done"])
    if command != "run":
        ended = project.okstra(*calls[command], **misleading)
        assert ended.status == 0, ended
    assert (other.git("for-each-ref"), (other.path / ".git" / "index").read_bytes()) == before
    assert other.worktree_paths() == [str(other.path)]
    stage = f"{project.task_key}#stage-1"
    invariants.check(project, worked_in={stage}, left_branches={"feat-t-1-s1"}, commits=[commit])
