"""Files that the index is told not to look at: their edits count as unsaved work, everywhere that is asked."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from okstra_ctl import git
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, install, led, part
from support.repos import Repo

MARKS = ["--assume-unchanged", "--skip-worktree"]
STAGE = f"{Project.task_key}#stage-1"


@pytest.fixture(params=MARKS)
def mark(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Place:
    """A stage in work with one commit, and an edit of a tracked file that the index hides."""

    def __init__(self, project: Project, mark: str) -> None:
        self.project = project
        project.adopt(independent(2), exit_check="grep -q hidden README.md")
        self.run = project.run_stage()
        self.at = Repo(Path(self.run.data["worktree"]["path"]), project.repo.environment)
        project.work(self.run)
        hide(self.at, mark, "README.md", "hidden\n")
        assert self.at.git("status", "--porcelain") == ""

    def call(self, *words: str) -> Ended:
        return self.project.okstra(*words, "--run", self.run.data["run_id"], "--json")


def hide(at: Repo, mark: str, name: str, text: str) -> None:
    at.git("update-index", mark, name)
    (at.path / name).write_text(text)


def test_a_stage_is_not_done_on_a_hidden_edit_and_the_way_to_see_it_is_printed(project: Project, mark: str) -> None:
    place = Place(project, mark)
    refused = place.call("stage", "done")
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"]), refused
    error = refused.envelope["errors"][0]
    assert "README.md" in error["message"]
    command = error["try"].partition("to see the edits: ")[2]
    subprocess.run(["bash", "-c", command], env=project.repo.environment, check=True)  # as a person pastes it
    assert place.at.git("status", "--porcelain") == " M README.md"
    assert (place.at.path / "README.md").read_text() == "hidden\n"


def test_a_file_that_the_exit_check_hides_is_hidden_in_okstras_own_checkout_alone(project: Project, mark: str) -> None:
    project.adopt(independent(1), exit_check=f"git update-index {mark} README.md && echo hidden > README.md")
    run = project.run_stage()
    assert project.finish(run).status == 0
    worktree = Path(run.data["worktree"]["path"])
    assert (worktree / "README.md").read_text() != "hidden\n"
    marks = Repo(worktree, project.repo.environment).git("ls-files", "-v", "README.md")
    assert marks == "H README.md"


def test_a_release_refuses_a_hidden_edit_and_forced_keeps_it(project: Project, mark: str) -> None:
    place = Place(project, mark)
    refused = place.call("stage", "release")
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"]), refused
    assert place.at.path.is_dir()
    released = place.call("stage", "release", "--force")
    assert released.status == 0, released
    assert not place.at.path.exists()
    assert project.repo.git("show", f"{released.data['kept']}:README.md") == "hidden"


def test_gc_keeps_a_hidden_edit_and_restore_brings_it_back(project: Project, mark: str) -> None:
    project.adopt(independent(1))
    run = project.run_stage()
    assert project.finish(run).status == 0
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    hide(at, mark, "README.md", "hidden\n")
    swept = project.okstra.ok("gc", "--max", "0", "--json")
    kept = {row["key"]: row["kept"] for row in swept.data["removed"]}
    assert project.repo.git("show", f"{kept[STAGE]}:README.md") == "hidden"
    assert not at.path.exists()
    project.okstra.ok("worktree", "restore", STAGE)
    assert (at.path / "README.md").read_text() == "hidden\n"
    assert at.git("status", "--porcelain") == " M README.md"


def test_a_tasks_worktree_with_a_hidden_edit_is_not_removed(project: Project, mark: str) -> None:
    run = project.run_phase()
    at = Repo(Path(run.data["worktree"]["path"]), project.repo.environment)
    hide(at, mark, "README.md", "hidden\n")
    refused = project.okstra("worktree", "remove", project.task_key, "--json")
    assert refused.status == 3, refused
    assert (at.path / "README.md").read_text() == "hidden\n"


def test_integrate_refuses_a_task_worktree_with_a_hidden_edit(project: Project, mark: str) -> None:
    project.adopt(independent(1))
    assert project.finish(project.run_stage()).status == 0
    task = Repo(
        Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip()), project.repo.environment
    )
    hide(task, mark, "README.md", "hidden\n")
    before = task.git("rev-parse", "HEAD")
    refused = project.okstra("integrate", "--task-key", project.task_key, "--json")
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"]), refused
    assert task.git("rev-parse", "HEAD") == before
    assert (task.path / "README.md").read_text() == "hidden\n"


def test_a_led_stage_on_a_hidden_edit_is_not_done(project: Project, mark: str) -> None:
    project.adopt(independent(1), exit_check="grep -q hidden README.md")
    hidden = f"git update-index {mark} README.md && echo hidden > README.md"
    steps = (
        {"write": {"path": "stage-1/it.py", "content": "x"}},
        {"run": f"git add -A && git commit -qm 'feat: it' && {hidden}"},
        {"result": executed(1, 2)},
    )
    install(project, part(*steps, role="executor"))
    assert led(project, "implementation").status == 1
    assert "done" not in [row["status"] for row in project.ledger]


# Which files are looked at


@pytest.fixture
def files(repo: Repo) -> Repo:
    repo.commit({"a.txt": "a\n", "b.txt": "b\n", "in/c.txt": "c\n", "out/d.txt": "d\n", "out/e.txt": "e\n"})
    return repo


def test_marked_files_without_an_edit_are_clean(files: Repo, mark: str) -> None:
    files.git("update-index", mark, "a.txt", "in/c.txt")
    os.utime(files.path / "a.txt", (1, 1))
    assert git.hidden_edits(str(files.path)) == []
    assert git.dirty_files(str(files.path)) == []
    assert not git.tracked_changes(str(files.path))


def test_contents_modes_links_and_deletions_are_seen(files: Repo, mark: str) -> None:
    names = ["a.txt", "b.txt", "in/c.txt", "out/d.txt"]
    files.git("update-index", mark, *names)
    (files.path / "a.txt").write_text("b\n")  # of the same size
    (files.path / "b.txt").chmod(0o755)
    (files.path / "in/c.txt").unlink()
    (files.path / "in/c.txt").symlink_to("elsewhere")
    (files.path / "out/d.txt").unlink()
    assert files.git("status", "--porcelain") == ""
    assert git.hidden_edits(str(files.path)) == names
    assert git.dirty_files(str(files.path)) == names
    assert git.tracked_changes(str(files.path))


def test_both_marks_at_once_and_odd_names(files: Repo) -> None:
    name = 'odd/한글 "new"\nline.txt'
    files.commit({name: "1\n"})
    for mark in MARKS:
        files.git("update-index", mark, name)
    (files.path / name).write_text("2\n")
    assert git.hidden_edits(str(files.path)) == [name]


def test_line_endings_that_git_converts_are_no_edit(files: Repo, mark: str) -> None:
    files.commit({".gitattributes": "*.txt text eol=crlf\n"})
    files.git("update-index", mark, "a.txt")
    (files.path / "a.txt").write_bytes(b"a\r\n")
    assert git.hidden_edits(str(files.path)) == []


def test_asking_changes_neither_marks_nor_index(files: Repo, mark: str) -> None:
    files.git("update-index", mark, "a.txt")
    (files.path / "a.txt").write_text("edited\n")
    before = (files.path / ".git" / "index").read_bytes()
    git.dirty_files(str(files.path))
    assert (files.path / ".git" / "index").read_bytes() == before


def test_what_a_sparse_checkout_leaves_out_is_no_edit_but_what_stands_there_is(files: Repo) -> None:
    files.git("sparse-checkout", "set", "in")
    assert git.sparse_excluded(str(files.path)) == ["out/d.txt", "out/e.txt"]
    assert git.dirty_files(str(files.path)) == []
    (files.path / "out").mkdir()
    (files.path / "out/d.txt").write_text("edited\n")
    assert git.dirty_files(str(files.path)) == ["out/d.txt"]
    assert git.sparse_excluded(str(files.path)) == ["out/e.txt"]


def test_a_sparse_worktrees_kept_work_has_its_edits_and_deletes_nothing(files: Repo, project: Project) -> None:
    files.git("sparse-checkout", "set", "in")
    project.adopt(independent(1))
    run = project.run_stage()
    path = Path(run.data["worktree"]["path"])
    assert not (path / "out").exists()
    (path / "out").mkdir()
    (path / "out/d.txt").write_text("edited\n")
    (path / "out/new.txt").write_text("new\n")
    hide(Repo(path, files.environment), "--assume-unchanged", "in/c.txt", "hidden\n")
    released = project.okstra.ok("stage", "release", "--run", run.data["run_id"], "--force", "--json")
    changed = files.git("diff", "--name-status", "HEAD", released.data["kept"])
    assert changed.splitlines() == ["M\tin/c.txt", "M\tout/d.txt", "A\tout/new.txt"]


@pytest.mark.parametrize("setting", ["core.checkStat=minimal", "core.trustctime=false", "core.ignoreStat=true"])
def test_no_setting_hides_an_edit_whose_time_was_put_back(files: Repo, setting: str) -> None:
    name, _, value = setting.partition("=")
    files.git("config", name, value)
    path = files.path / "a.txt"
    os.utime(path, (1_000_000_000, 1_000_000_000))
    files.git("update-index", "--refresh")
    before = path.stat()
    time.sleep(1.1)  # git compares whole seconds
    path.write_text("b\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert git.dirty_files(str(files.path)) == ["a.txt"]


def test_a_submodule_whose_changes_are_ignored_by_its_setting_is_seen(files: Repo, environment: dict[str, str]) -> None:
    inner = Repo.init(files.path.parent / "inner", environment)
    files.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "sub")
    files.git("config", "--file", ".gitmodules", "submodule.sub.ignore", "all")
    files.commit({}, "Add a submodule")
    (files.path / "sub" / "README.md").write_text("edited\n")
    assert files.git("status", "--porcelain") == ""
    assert git.dirty_files(str(files.path)) == ["sub"]
    assert git.tracked_changes(str(files.path))
