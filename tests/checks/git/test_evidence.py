"""The evidence check on real repositories: odd paths, renamed and missing files, submodules, recorded commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.checks.evidence import EvidenceSource, check_lines
from okstra_ctl.results.commands import Seen
from okstra_ctl.results.records import Evidence
from support.repos import Repo


def cite(path: str, quote: str = "", first: int = 0) -> Evidence:
    return Evidence(path, first, first, quote, "", None)


def look(repo: Repo, *lines: Evidence, runs: dict[str, Seen] | None = None) -> list[tuple[str, str]]:
    place = EvidenceSource(str(repo.path), repo.git("rev-parse", "HEAD"), runs or {})
    checked = check_lines(place, lines)
    return [(str(checked[line].status), checked[line].note) for line in lines]


ODD = ["with space.py", "한국어/파일.py", "new\nline.py", "-rf", "a:b.py", "quo'te\".py", "*?.py"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names(repo: Repo, name: str) -> None:
    repo.commit({name: "one\ntwo = 2\n"})
    assert look(repo, cite(name, "two = 2", 2)) == [("verified", "")]


def test_a_name_that_is_not_there_shifts_no_other(repo: Repo) -> None:
    """git repeats what it does not find, line breaks included."""
    repo.commit({"a.py": "one = 1\n", "b.py": "two = 2\n", "c.py": "three = 3\n"})
    gone = cite("no\nsuch.py", "one = 1", 1)
    found = look(repo, gone, cite("a.py", "one = 1", 1), cite("b.py", "one = 1", 1), cite("c.py", "three = 3", 1))
    assert [status for status, _ in found] == ["not-found", "verified", "not-found", "verified"]


def test_it_is_the_commit_that_counts(repo: Repo) -> None:
    repo.commit({"a.py": "old = 1\n"})
    (repo.path / "a.py").write_text("new = 1\n")
    assert [status for status, _ in look(repo, cite("a.py", "old = 1", 1), cite("a.py", "new = 1", 1))] == [
        "verified",
        "not-found",
    ]


def test_a_file_that_was_moved_is_found_where_it_is(repo: Repo) -> None:
    repo.commit({"new/place/mod.py": "x = 1\n", "other/mod.py": "y = 1\n"})
    assert look(repo, cite("old/mod.py", "x = 1", 1)) == [("moved", "the file is new/place/mod.py")]
    assert look(repo, cite("old/mod.py", "z = 1", 1))[0][0] == "not-found"


def test_what_git_does_not_track_is_not_checked(repo: Repo) -> None:
    (repo.path / "local.txt").write_text("x\n")
    assert look(repo, cite("local.txt", "x", 1))[0][0] == "unchecked"


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", "a/../../x", ".."])
def test_paths_out_of_the_repository_are_never_read(repo: Repo, path: str) -> None:
    (repo.path.parent / "outside.py").write_text("x = 1\n")
    assert look(repo, cite(path, "x = 1", 1)) == [("not-found", "the path leads out of the repository")]


def test_an_absolute_path_into_the_worktree_is_understood(repo: Repo) -> None:
    repo.commit({"a.py": "x = 1\n"})
    assert look(repo, cite(str(repo.path / "a.py"), "x = 1", 1)) == [("verified", "")]


def test_binary_and_huge_files_and_submodules_are_not_checked(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"big.txt": "x" * (17 * 1024 * 1024)})
    (repo.path / "bin.dat").write_bytes(b"\0\1x = 1")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},sub")
    repo.git("add", "bin.dat")
    repo.git("commit", "-q", "-m", "More")
    assert look(repo, cite("big.txt", "x"), cite("bin.dat", "x = 1"), cite("sub/a.py", "x = 1", 1)) == [
        ("unchecked", "the file is too large"),
        ("unchecked", "the file is binary"),
        ("unchecked", "it lies in a submodule"),
    ]


def test_a_command_counts_only_as_okstras_own_record(repo: Repo) -> None:
    lines = [Evidence("", 0, 0, "", command, status) for command, status in (("a", 0), ("a", 1), ("b", 0))]
    seen = {"a": Seen("a", "c0ffee", (0,))}
    assert [status for status, _ in look(repo, *lines, runs=seen)] == ["verified", "contradicted", "unchecked"]
