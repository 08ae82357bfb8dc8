"""What claims rest on, of git itself: each as the installed git does it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.remotes import Remote
from support.repos import Repo

REF = "refs/okstra/tasks/p/g/i"


class Bench:
    """A clone, a remote, and commits of an empty tree."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.remote = Remote.make(folder / "remote.git", environment)
        self.clone = Repo.init(folder / "clone", environment)
        self.tree = self.clone.git("write-tree")

    def commit(self, message: str, *parents: str) -> str:
        above = [word for parent in parents for word in ("-p", parent)]
        return self.clone.git("commit-tree", self.tree, *above, "-m", message)

    def push(self, new: str, old: str, ref: str = REF, *more: str) -> tuple[bool, str]:
        """Whether git ends well, and its words."""
        words = ("push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:{old}", *more, self.remote.url)
        ended = subprocess.run(
            ["git", "-C", str(self.clone.path), *words, f"{new}:{ref}"],
            env=self.clone.environment,
            capture_output=True,
            text=True,
        )
        return ended.returncode == 0, ended.stdout + ended.stderr

    def tip(self, ref: str = REF) -> str:
        return self.remote.refs().get(ref, "")


@pytest.fixture
def bench(tmp_path: Path, environment: dict[str, str]) -> Bench:
    return Bench(tmp_path, environment)


def test_an_empty_lease_creates_and_never_replaces(bench: Bench) -> None:
    first, second = bench.commit("a"), bench.commit("b")
    assert bench.push(first, "")[0] and bench.tip() == first
    assert not bench.push(second, "")[0] and bench.tip() == first


def test_the_same_object_pushed_twice_succeeds_twice(bench: Bench) -> None:
    """Why every commit has a token of its own."""
    first = bench.commit("a")
    assert bench.push(first, "")[0] and bench.push(first, "")[0]


def test_a_stale_lease_is_refused_and_a_right_one_replaces(bench: Bench) -> None:
    first, second, third = bench.commit("a"), bench.commit("b"), bench.commit("c")
    bench.push(first, "")
    assert not bench.push(second, third)[0] and bench.tip() == first
    assert bench.push(second, first)[0] and bench.tip() == second


def test_hidden_refs_look_like_a_lost_race(bench: Bench) -> None:
    """Why a push that failed is judged by what is there, not by git's words."""
    first = bench.commit("a")
    bench.push(first, "")
    bench.remote.git("config", "receive.hideRefs", "refs/okstra")
    won, words = bench.push(bench.commit("b", first), first)
    assert not won and "stale info" in words
    assert bench.tip() == first


def test_a_remote_without_atomic_pushes_takes_a_single_ref(bench: Bench) -> None:
    """Why a done stage and its commits are one ref's one update."""
    bench.remote.git("config", "receive.advertiseAtomic", "false")
    first = bench.commit("a")
    assert not bench.push(first, "", REF, "--atomic")[0] and bench.tip() == ""
    assert bench.push(first, "")[0]


def test_a_stale_lock_on_the_server_refuses_until_it_is_gone(bench: Bench) -> None:
    first = bench.commit("a")
    bench.push(first, "")
    lock = bench.remote.path / f"{REF}.lock"
    lock.touch()
    assert not bench.push(bench.commit("b", first), first)[0] and bench.tip() == first
    lock.unlink()
    assert bench.push(bench.commit("b", first), first)[0]


def test_a_ref_below_another_ref_is_refused(bench: Bench) -> None:
    """Why all refs have one depth."""
    bench.push(bench.commit("a"), "")
    assert not bench.push(bench.commit("b"), "", f"{REF}/below")[0]


def test_a_second_parent_comes_along_and_is_kept(bench: Bench) -> None:
    work = bench.commit("work")
    first = bench.commit("a")
    bench.push(first, "")
    bench.push(bench.commit("done", first, work), first)
    bench.remote.git("gc", "--quiet", "--prune=now")
    assert bench.remote.git("cat-file", "-t", work) == "commit"


def test_a_mirror_push_deletes_and_a_plain_clone_does_not_take_them(bench: Bench) -> None:
    bench.push(bench.commit("a"), "")
    bench.clone.git("clone", "--quiet", bench.remote.url, str(bench.clone.path / "plain"))
    plain = Repo(bench.clone.path / "plain", bench.clone.environment)
    assert "okstra" not in plain.git("for-each-ref")
    plain.git("push", "--quiet", "--mirror", bench.remote.url)
    assert bench.tip() == ""


def test_a_deletion_needs_the_right_lease_too(bench: Bench) -> None:
    first = bench.commit("a")
    bench.push(first, "")
    assert not bench.push("", bench.commit("b"))[0] and bench.tip() == first
    assert bench.push("", first)[0] and bench.tip() == ""
