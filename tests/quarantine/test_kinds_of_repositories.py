"""Repositories that are not whole, or not in one place: a quarantine is made and taken home all the same."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from okstra_ctl.errors import WorkFailed
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.quarantine.make import Order, make
from okstra_ctl.quarantine.record import Quarantine
from okstra_ctl.quarantine.take_home import TakenHome, take_home
from support.quarantines import KEPT, bwrap, inside, state_of
from support.repos import Repo


class Place:
    """A linked worktree `tree` of the repository `own`, and what a worker did there."""

    def __init__(self, folder: Path, own: Repo) -> None:
        self.own, self.tree = own, folder / "tree"
        self.home = HomePaths(str(folder / "okstra"))

    def add(self, *options: str) -> None:
        self.own.git("config", "user.name", "Person")
        self.own.git("config", "user.email", "person@example.invalid")
        self.own.git("worktree", "add", "--quiet", "-b", "work", *options, str(self.tree))

    def at(self) -> Repo:
        return Repo(self.tree, self.own.environment)

    def quarantine(self, *, mounts: bool = True) -> Quarantine:
        return make(self.home, Order("demo:core:T-1/implementation/stage-1/001", "w", str(self.tree), KEPT, mounts))

    def work(self, script: str) -> tuple[TakenHome, str]:
        contained, before = bwrap(), state_of(self.own.path / ".git")
        one = self.quarantine()
        ended = inside(one, script, contained, self.own.environment)
        assert ended.returncode == 0, ended
        assert state_of(self.own.path / ".git") == before
        came = take_home(one)
        assert came.tip == self.own.git("rev-parse", "work")
        assert came.tip != came.old
        return came, ended.stdout


@pytest.fixture
def source(tmp_path: Path, environment: Mapping[str, str]) -> Repo:
    repo = Repo.init(tmp_path / "source", {**environment, "GIT_ALLOW_PROTOCOL": "file"})
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        repo.git("config", name, "true")
    for number in range(4):
        repo.commit({"big.txt": f"{number}\n" * 500, f"n{number}.txt": "n\n"}, f"{number}")
    return repo


def cloned(tmp_path: Path, source: Repo, *options: str) -> Place:
    source.git("clone", "--quiet", *options, source.path.as_uri(), str(tmp_path / "own"))
    place = Place(tmp_path, Repo(tmp_path / "own", source.environment))
    place.add()
    return place


def test_objects_of_another_repository_are_seen_inside(tmp_path: Path, source: Repo) -> None:
    source.git("clone", "--quiet", "--shared", str(source.path), str(tmp_path / "own"))
    place = Place(tmp_path, Repo(tmp_path / "own", source.environment))
    place.add()
    _, printed = place.work("git rev-list --count HEAD; echo x>x; git add x; git commit -qm x")
    assert printed == "5\n"


@pytest.mark.parametrize("filtered", ["blob:none", "tree:0"])
def test_a_partial_clone_stays_one(tmp_path: Path, source: Repo, filtered: str) -> None:
    place = cloned(tmp_path, source, f"--filter={filtered}")
    script = (
        "git show HEAD~2:big.txt | tail -1; git checkout -q HEAD~2 -- big.txt; echo x>x; git add .; git commit -qm x"
    )
    _, printed = place.work(script)
    assert printed == "1\n"
    assert place.at().git("show", "HEAD:big.txt").splitlines()[0] == "1"
    assert place.at().git("status", "--porcelain") == ""


def test_a_shallow_clone_stays_shallow_whatever_the_worker_fetches(tmp_path: Path, source: Repo) -> None:
    place = cloned(tmp_path, source, "--depth=1")
    _, printed = place.work(
        "git fetch -q --unshallow; git rev-list --count HEAD; echo x>x; git add x; git commit -qm x"
    )
    assert printed == "5\n"
    assert place.own.git("rev-list", "--count", "work") == "2"
    place.own.git("fsck")


def test_a_submodule_is_read_only_and_a_commit_that_is_lost_is_named(tmp_path: Path, source: Repo) -> None:
    own = Repo.init(tmp_path / "own", source.environment)
    own.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source.path), "sub")
    own.git("commit", "--quiet", "-m", "sub")
    place = Place(tmp_path, own)
    place.add()
    place.at().git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    nowhere = "1" * 40
    came, printed = place.work(
        "git status --short; git -C sub commit -q --allow-empty -m x 2>/dev/null || echo refused; "
        f"git update-index --cacheinfo 160000,{nowhere},sub; git commit -qm bump"
    )
    assert printed == "refused\n"
    assert came.lost == (f"sub {nowhere[:12]}",)
    assert any("was not there to be taken" in sentence for sentence in came.sentences)


@pytest.mark.parametrize("how", ["commit", "in a submodule's place"])
def test_a_repository_that_a_worker_makes_runs_nothing_afterwards(tmp_path: Path, source: Repo, how: str) -> None:
    """git would enter it to see whether the submodule was changed, and start the filter that its settings name."""
    own = Repo.init(tmp_path / "own", source.environment)
    if how != "commit":
        own.git("update-index", "--add", "--cacheinfo", f"160000,{source.git('rev-parse', 'HEAD')},in")
        own.git("commit", "--quiet", "-m", "a submodule that is not checked out")
    place = Place(tmp_path, own)
    place.add()
    ran = tmp_path / "ran"
    script = (
        "mkdir -p in; git init -q in; echo '* filter=x' >in/.gitattributes; echo a >in/a; git -C in add .; "
        "git -C in -c user.name=w -c user.email=w commit -qm x; echo bb >in/a; "
        f"git -C in config filter.x.clean 'touch {ran}; cat'; "
    ) + ("git -c advice.addEmbeddedRepo=false add in; git commit -qm in" if how == "commit" else "true")
    one = place.quarantine()
    ended = inside(one, script, bwrap(), own.environment)
    assert ended.returncode == 0, ended
    with pytest.raises(WorkFailed, match="repositories of its own where submodules stand: in"):
        take_home(one)
    assert own.git("rev-parse", "work") == one.old
    place.at().git("status", "--ignore-submodules=none")
    assert not ran.exists()
    (aside,) = (Path(one.folder) / "repositories").iterdir()
    aside.rename(place.tree / "in" / ".git")
    if how == "commit":
        place.at().git("-c", "advice.addEmbeddedRepo=false", "add", "in")
    place.at().git("status", "--ignore-submodules=none")
    assert ran.exists()  # else this proves nothing


def test_a_sparse_checkout_and_its_own_settings_stay(tmp_path: Path, environment: Mapping[str, str]) -> None:
    own = Repo.init(tmp_path / "own", environment)
    own.commit({"in/a.txt": "a\n", "out/b.txt": "b\n", "out/marked.txt": "m\n"})
    own.git("config", "extensions.worktreeConfig", "true")
    place = Place(tmp_path, own)
    place.add()
    place.at().git("sparse-checkout", "set", "--cone", "in")
    place.at().git("config", "--worktree", "user.name", "Of the tree")
    _, printed = place.work(
        "git config user.name; ls; echo x>in/x; git add in; git commit -qm x; git config --worktree x.y evil; "
        "git update-index --skip-worktree in/a.txt; echo hidden>in/a.txt"
    )
    assert printed == "Of the tree\nREADME.md\nin\n"
    assert place.at().git("status", "--porcelain") == " M in/a.txt"
    assert sorted(path.name for path in place.tree.iterdir()) == [".git", "README.md", "in"]
    assert place.at().git("config", "x.y", check=False) == ""
    assert place.at().git("log", "-1", "--format=%an") == "Of the tree"


def test_a_main_checkout_elsewhere_by_core_worktree(tmp_path: Path, environment: Mapping[str, str]) -> None:
    own = Repo.init(tmp_path / "own", environment)
    own.git("config", "core.worktree", str(own.path))
    place = Place(tmp_path, own)
    place.add()
    _, printed = place.work("git rev-parse --show-toplevel; echo x>x; git add x; git commit -qm x")
    assert printed == f"{place.tree}\n"


@pytest.mark.parametrize("name", ["with space", "new\nline", 'quo"te:colon'])
def test_any_name_of_a_folder(tmp_path: Path, environment: Mapping[str, str], name: str) -> None:
    (tmp_path / name).mkdir()
    place = Place(tmp_path / name, Repo.init(tmp_path / name / "own", environment))
    place.add()
    place.work("echo x>x; git add x; git commit -qm x; git gc -q")
    place.own.git("fsck")


def test_objects_of_git_lfs_come_home_when_they_are_what_their_names_say(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    place = Place(tmp_path, Repo.init(tmp_path / "own", environment))
    place.add()
    good, bad = (sha256(text).hexdigest() for text in (b"good", b"bad"))
    folder = "$(git rev-parse --git-common-dir)/lfs/objects"
    came, _ = place.work(
        f"mkdir -p {folder}/{good[:2]}/{good[2:4]} {folder}/{bad[:2]}/{bad[2:4]}; "
        f"printf good >{folder}/{good[:2]}/{good[2:4]}/{good}; printf other >{folder}/{bad[:2]}/{bad[2:4]}/{bad}; "
        f"ln -s /etc/passwd {folder}/{'0' * 64}; echo x>x; git add x; git commit -qm x"
    )
    assert came.lfs == 1
    taken = [path for path in (place.own.path / ".git" / "lfs").rglob("*") if path.is_file()]
    assert [path.name for path in taken] == [good]


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_a_real_git_lfs_finds_old_objects_and_leaves_new_ones(tmp_path: Path, environment: Mapping[str, str]) -> None:
    own = Repo.init(tmp_path / "own", environment)
    own.git("lfs", "install", "--local")
    own.git("lfs", "track", "*.bin")
    own.commit({"a.bin": "old\n" * 1000})
    place = Place(tmp_path, own)
    place.add()
    came, _ = place.work("seq 5000 >n.bin; git add n.bin; git commit -qm n; git lfs fsck --objects")
    assert came.lfs == 1
    place.at().git("lfs", "fsck")


def test_where_nothing_can_be_mounted_the_worktree_names_the_quarantine_meanwhile(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    own = Repo.init(tmp_path / "own", environment)
    place = Place(tmp_path, own)
    place.add()
    before = (place.tree / ".git").read_bytes()
    real = state_of(own.path / ".git")
    one = place.quarantine(mounts=False)
    commit = own.commit({"x.txt": "x\n"}, "feat: x", at=place.tree)
    place.at().git("update-ref", "refs/heads/main", commit)
    assert state_of(own.path / ".git") == real
    (place.tree / ".git").write_text("gitdir: /elsewhere\n")
    assert take_home(one).tip == commit == own.git("rev-parse", "work")
    assert (place.tree / ".git").read_bytes() == before
    assert place.at().git("status", "--porcelain") == ""
    assert own.git("rev-parse", "main") != commit
