"""Commits that are brought from another repository are there whole, whatever a killed fetch left of them before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from okstra_ctl.git.transport import bring_commits
from support.repos import Repo


@pytest.fixture
def lent(tmp_path: Path, environment: dict[str, str]) -> tuple[Repo, Repo, str]:
    """A repository, a clone of it from before its last commit, and that commit."""
    source = Repo.init(tmp_path / "source", environment)
    source.git("clone", "--quiet", str(source.path), str(tmp_path / "clone"))
    commit = source.commit({"a/b.py": "b = 1\n"}, "feat: b")
    return source, Repo(tmp_path / "clone", environment), commit


def test_no_ref_moves_and_the_commit_is_whole(lent: tuple[Repo, Repo, str]) -> None:
    source, clone, commit = lent
    before = clone.git("for-each-ref")
    bring_commits(str(clone.path), str(source.path), [commit, ""])
    assert clone.git("show", f"{commit}:a/b.py") == "b = 1"
    assert clone.git("for-each-ref") == before


@pytest.mark.parametrize("left", ["commit", "tree"])
def test_a_commit_that_a_killed_fetch_left_without_its_files_is_brought_again(
    lent: tuple[Repo, Repo, str], left: str
) -> None:
    source, clone, commit = lent
    for name in [commit, source.git("rev-parse", f"{commit}^{{tree}}")][: 1 if left == "commit" else 2]:
        at = Path("objects") / name[:2] / name[2:]
        (clone.path / ".git" / at).parent.mkdir(exist_ok=True)
        shutil.copy(source.path / ".git" / at, clone.path / ".git" / at)
    assert clone.git("cat-file", "-t", commit) == "commit"
    bring_commits(str(clone.path), str(source.path), [commit])
    assert clone.git("show", f"{commit}:a/b.py") == "b = 1"
