"""A person and other executors work in the repository while a quarantine is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl.quarantine.take_home import take_home
from support.quarantines import BRANCH, KEPT, Lab, bwrap
from support.repos import Repo
from support.schemas import faults_of_file


@pytest.fixture
def lab(tmp_path: Path, environment: Mapping[str, str]) -> Lab:
    return Lab(tmp_path / "lab", environment, "files")


_COMMIT = "echo n>n; git add n; git commit -qm 'feat: n'"


def test_a_person_at_work_loses_nothing_and_is_in_nobodys_way(lab: Lab) -> None:
    one = lab.quarantine()
    git = lab.repo.git
    git("fetch", "--quiet", "origin")
    git("stash", "pop", "--quiet")
    git("stash", "--quiet")
    main = lab.repo.commit({"mine.txt": "mine\n"})
    git("branch", "-m", "other", "renamed")
    git("config", "alias.mine", "status")
    git("gc", "--quiet", "--prune=now")
    stash = lab.tip("refs/stash")
    ended = lab.inside(one, _COMMIT, bwrap())
    assert ended.returncode == 0, ended
    git("checkout", "--quiet", "-b", "next")
    came = take_home(one)
    assert (lab.tip(), came.kept) == (came.tip, ())
    assert (lab.tip("main"), lab.tip("refs/stash"), git("config", "alias.mine")) == (main, stash, "status")
    assert (lab.tip("renamed") != "", lab.tip("other"), git("branch", "--show-current")) == (True, "", "next")
    git("fsck", "--no-dangling")


def test_what_was_committed_inside_is_kept_when_a_person_moved_the_branch(lab: Lab) -> None:
    one = lab.quarantine()
    assert lab.inside(one, _COMMIT, bwrap()).returncode == 0
    mine = lab.repo.commit({"mine.txt": "mine\n"}, at=lab.at)
    came = take_home(one)
    (kept,) = came.kept
    assert (lab.tip(), came.tip) == (mine, came.old)
    assert (kept.name, lab.tip(kept.ref)) == (f"refs/heads/{BRANCH}", kept.commit)
    assert kept.ref.startswith(KEPT)
    assert kept.ref in came.sentences[0]
    assert lab.repo.git("show", f"{kept.ref}:n") == "n"


def test_a_worktree_that_a_person_switched_meanwhile_keeps_its_index(lab: Lab) -> None:
    one = lab.quarantine()
    assert lab.inside(one, _COMMIT, bwrap()).returncode == 0
    at = Repo(lab.at, lab.repo.environment)
    at.git("checkout", "--quiet", "--detach", "HEAD~1")
    (lab.at / "mine.txt").write_text("mine\n")
    at.git("add", "mine.txt")
    came = take_home(one)
    assert lab.tip() == came.tip != came.old
    assert at.git("diff", "--cached", "--name-only") == "mine.txt"


def test_two_executors_of_one_repository_do_not_see_one_another(lab: Lab) -> None:
    first = lab.quarantine()
    lab.at = lab.folder / "work" / "task"
    second = lab.quarantine()
    contained = bwrap()
    assert lab.inside(first, _COMMIT, contained).returncode == 0
    seen = lab.inside(second, f"git rev-parse {BRANCH}; {_COMMIT}; git update-ref -d refs/heads/{BRANCH}", contained)
    assert seen.stdout.split() == [first.old]
    assert take_home(second).tip == lab.tip("feat-t-1")
    assert take_home(first).tip == lab.tip()
    assert first.old not in (lab.tip(), lab.tip("feat-t-1"))


def test_the_record_is_as_its_schema_says(lab: Lab) -> None:
    one = lab.quarantine()
    path = Path(one.folder) / "quarantine.json"
    assert faults_of_file(path) == []
    assert json.loads(path.read_text())["whole"] is True
    assert (Path(one.folder).stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
