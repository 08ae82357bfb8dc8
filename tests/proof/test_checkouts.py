"""okstra's own checkouts: at the commit asked for, as set up, whatever was done to them; and gone with the task."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from okstra_ctl import git
from okstra_ctl.errors import Busy, WorkFailed
from okstra_ctl.names import TaskKey
from okstra_ctl.proof.checkout import Checkouts, checkouts
from okstra_ctl.proof.command import NotRun, Runner
from okstra_ctl.runs.containment import sandbox_of
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services
from okstra_ctl.settings.project import load_project
from okstra_ctl.system import files
from okstra_ctl.worktrees import proofs
from support.okstra import Project

KEY = TaskKey.make("demo", "core", "T-1")


class Lab:
    """A project whose set-up makes `made/tool` and counts its calls outside; `at` is a checkout at a commit."""

    def __init__(self, project: Project) -> None:
        self.project, self.repo = project, project.repo
        self.services = open_services(project.okstra.environment)
        self.calls = project.repo.path.parent / "calls"
        self.log = str(project.repo.path.parent / "setup.log")
        files.open_log(self.log).close()
        self.first = self.repo.commit({"a.txt": "one\n", ".gitignore": "*.log\nmade/\n", "package-lock.json": "1\n"})
        self.second = self.repo.commit({"a.txt": "two\n", "b.txt": "b\n"})

    def set_up_by(self, *commands: str, **more: object) -> None:
        path = self.repo.path / ".okstra" / "project.json"
        document = json.loads(path.read_text())
        path.write_text(
            json.dumps({**document, "worktreeSetup": commands, **more, "sandboxWritable": [str(self.calls.parent)]})
        )
        self.project.okstra.ok("trust", "--yes")

    def set_up_a_tool(self) -> None:
        self.set_up_by(f"mkdir made && echo tool > made/tool && echo x >> '{self.calls}'")

    @property
    def times(self) -> int:
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0

    @contextmanager
    def open(self, **options: float) -> Iterator[Checkouts]:
        root = str(self.repo.path)
        repository = git.discover(root)
        assert repository is not None
        loaded = load_project(root, self.services)
        with checkouts(loaded, repository, KEY, self.services, log_path=self.log, **options) as places:
            yield places

    def at(self, commit: str, name: str = "head") -> Path:
        with self.open() as places:
            return Path(places.at(name, commit).path)

    def remove(self) -> bool:
        repository = git.discover(str(self.repo.path))
        assert repository is not None
        return proofs.remove(self.services.home, repository, KEY)


@pytest.fixture
def lab(project: Project) -> Lab:
    return Lab(project)


def test_a_checkout_stands_at_the_commit_asked_for_each_time(lab: Lab) -> None:
    at = lab.at(lab.second)
    assert at == lab.project.home / "worktrees/demo/core/t-1/proof/head"
    assert (at / "a.txt").read_text() == "two\n" and (at / "b.txt").exists()
    made = os.stat(at).st_ino
    at = lab.at(lab.first)
    assert (at / "a.txt").read_text() == "one\n" and not (at / "b.txt").exists()
    assert os.stat(at).st_ino == made, "it was made anew"
    assert lab.repo.git("branch", "--list") == "* main"


def _edit(at: Path) -> None:
    (at / "a.txt").write_text("edited\n")


def _untracked(at: Path) -> None:
    (at / "new").mkdir()
    (at / "empty").mkdir()
    (at / "new" / "x.log").write_text("ignored\n")


def _nested_repository(at: Path) -> None:
    shutil.copytree(at / "made", at / "inner")
    os.makedirs(at / "inner" / ".git" / "objects")


def _hidden(at: Path) -> None:
    subprocess.run(["git", "-C", str(at), "update-index", "--assume-unchanged", "a.txt"], check=True)
    _edit(at)


def _same_size_and_time(at: Path) -> None:
    before = os.stat(at / "made" / "tool")
    (at / "made" / "tool").write_text("evil\n")
    os.utime(at / "made" / "tool", ns=(before.st_atime_ns, before.st_mtime_ns))


def _within_what_was_made(at: Path) -> None:
    (at / "made" / "cache").mkdir()
    (at / "made" / "cache" / "build.o").write_text("stale\n")


def _gone(at: Path) -> None:
    shutil.rmtree(at)


def _killed(at: Path) -> None:
    folder = (at / ".git").read_text().removeprefix("gitdir:").strip()
    Path(folder, "index.lock").write_text("")
    _edit(at)


def _record_lost(at: Path) -> None:
    shutil.rmtree((at / ".git").read_text().removeprefix("gitdir:").strip())


def _git_file_gone(at: Path) -> None:
    (at / ".git").unlink()


def _git_file_leads_to_main(at: Path) -> None:
    folder = Path((at / ".git").read_text().removeprefix("gitdir:").strip())
    (at / ".git").write_text(f"gitdir: {folder.parents[1]}\n")


SAME, ANEW = 0, 1
ACTS: tuple[tuple[Callable[[Path], None], int], ...] = (
    *((_edit, SAME), (_untracked, SAME), (_nested_repository, SAME), (_within_what_was_made, SAME)),
    *((_hidden, ANEW), (_same_size_and_time, ANEW), (_gone, ANEW), (_killed, ANEW), (_record_lost, ANEW)),
    *((_git_file_gone, ANEW), (_git_file_leads_to_main, ANEW)),
)


def test_what_a_check_left_is_gone_and_what_setting_up_made_is_there(lab: Lab) -> None:
    lab.set_up_a_tool()
    at = lab.at(lab.second)
    tracked = {".gitignore", ".okstra/project.json", "README.md", "a.txt", "b.txt", "package-lock.json"}
    for act, anew in ACTS:
        before = lab.times
        act(at)
        assert lab.at(lab.second) == at, act
        names = {str(path.relative_to(at)) for path in at.rglob("*")} - {".okstra", ".okstra/.gitignore"}
        assert names == tracked | {".git", "made", "made/tool"}, act
        assert ((at / "a.txt").read_text(), (at / "made" / "tool").read_text()) == ("two\n", "tool\n"), act
        assert lab.times == before + anew, f"{act}: set up again, or not"
    assert lab.repo.git("symbolic-ref", "--short", "HEAD") == "main"
    assert lab.repo.git("status", "--porcelain", "--untracked-files=no") == " M .okstra/project.json"


def test_a_changed_lock_file_or_setting_sets_it_up_again(lab: Lab) -> None:
    lab.set_up_a_tool()
    lab.at(lab.first)
    lab.at(lab.second)
    assert lab.times == 1
    lab.at(lab.repo.commit({"package-lock.json": "2\n"}))
    assert lab.times == 2
    lab.set_up_by(f"mkdir made && echo other > made/tool && echo x >> '{lab.calls}'")
    assert (lab.at(lab.second) / "made" / "tool").read_text() == "other\n"
    assert lab.times == 3


def test_a_set_up_that_fails_is_tried_again_the_next_time(lab: Lab) -> None:
    lab.set_up_by(f"test -e '{lab.calls}' && mkdir made && echo tool > made/tool")
    with pytest.raises(WorkFailed, match="worktreeSetup command"):
        lab.at(lab.first)
    lab.calls.write_text("")
    assert (lab.at(lab.first) / "made" / "tool").exists()


def test_two_commands_of_a_task_do_not_use_them_at_once(lab: Lab) -> None:
    with lab.open() as places:
        places.at("head", lab.first)
        with pytest.raises(Busy), lab.open(wait=0.0):
            pass
        with pytest.raises(Busy):
            lab.remove()
        told: list[str] = []
        with pytest.raises(Busy), proofs.leased(lab.services.home, KEY, wait=1.2, show=told.append):
            pass
        assert told == ["waits: another command uses this task's checkouts"]
    assert lab.remove()
    assert not lab.remove()
    assert len(lab.repo.worktree_paths()) == 1
    assert not (lab.project.home / "worktrees/demo/core/t-1/proof").exists()


def test_removing_the_task_removes_them_and_a_lost_task_leaves_them_to_reconcile(lab: Lab) -> None:
    okstra = lab.project.okstra
    assert lab.project.run_phase().status == 0
    at = lab.at(lab.second)
    assert okstra.ok("reconcile", "--json").data["findings"] == []
    (row,) = (row for row in okstra.ok("gc", "--json", "--dry-run").data["worktrees"] if row["key"] == str(KEY))
    assert row["size"] > 0
    okstra.ok("worktree", "remove", str(KEY), "--force")
    assert not at.exists() and len(lab.repo.worktree_paths()) == 1
    at = lab.at(lab.second)
    (found,) = okstra("reconcile", "--json").data["findings"]
    assert (found["kind"], str(at) in found["what"]) == ("scratch-left", True)
    okstra.ok("reconcile", "--apply", "--json")
    assert not at.exists() and len(lab.repo.worktree_paths()) == 1


def test_what_setting_one_up_began_is_ended_before_it_is_made_anew_or_removed(lab: Lab) -> None:
    ended = lab.calls.with_name("ended")
    lab.set_up_by("mkdir made", worktreeTeardown=[f"test -d made && basename $PWD >> '{ended}' || true"])
    assert lab.project.run_phase().status == 0
    lab.at(lab.first)
    lab.at(lab.repo.commit({"package-lock.json": "2\n"}))
    assert ended.read_text() == "head\n"
    lab.project.okstra.ok("worktree", "remove", str(KEY), "--force")
    assert ended.read_text() == "head\ntask\nhead\n"


def test_commands_run_in_one_and_say_why_they_show_nothing(lab: Lab) -> None:
    root = str(lab.repo.path)
    runner = Runner(root, lab.services, sandbox_of(root, lab.services), str(KEY), lab.log)
    with lab.open() as places, ExitStack():
        head = places.at("head", lab.second)

        def ran(command: str, **options: float) -> tuple[int | None, NotRun | None]:
            return runner.run_in(head, command, Role.CHECK, **options)[:2]

        assert ran("grep -q two a.txt") == (0, None)
        assert ran("false | true") == (1, None)
        assert ran("yes | head -n 1") == (0, None), "a reader that has read enough"
        assert ran("exit 3") == (3, None)
        assert ran("no-such-program") == (127, NotRun.NOT_FOUND)
        assert ran("./a.txt") == (126, NotRun.NOT_EXECUTABLE)
        assert ran("sleep 30", limit=0.2) == (None, NotRun.TIME_LIMIT)
        assert ran("true", only_contained=True) == ((0, None) if runner.sandbox.contains else (None, NotRun.NO_SANDBOX))
        long = runner.run_in(head, "seq 1 5000; echo AKIAIOSFODNN7EXAMPLE; echo last >&2", Role.CHECK)
        assert long.green and long.output.endswith("5000\n[hidden: AWS Access Key]\nlast\n")
        assert 8000 < len(long.output) <= 8192 and long.output[:4].isdigit()
        assert runner.run_in(head, "echo once", Role.CHECK).output == "once\n"
