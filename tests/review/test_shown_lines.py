"""Which lines a diff shows, and where among them a finding stands."""

from __future__ import annotations

import pytest

from okstra_ctl.git import changes
from okstra_ctl.review.shown_lines import Spot, shown_lines, spot_of
from support.repos import Repo


@pytest.fixture
def diff(repo: Repo) -> str:
    """A change of `a.py` at its 10th line, a new file, one that is gone, and lines that look like a diff's own."""
    repo.git("config", "diff.noprefix", "true")
    base = repo.commit({"a.py": "".join(f"line {n}\n" for n in range(1, 21)), "gone.py": "x\n", "b.txt": "one\n"}, "a")
    repo.git("rm", "--quiet", "gone.py")
    changed = "".join(f"line {n}\n" if n != 10 else "ten\nten and a half\n" for n in range(1, 21))
    files = {"a.py": changed, "dir/new.py": "1\n2", "b.txt": "one\n++ b/a.py\n@@ -1 +1 @@\n"}
    head = repo.commit(files, "b")
    return changes.diff_for_hosts(str(repo.path), base, head)


def test_the_lines_of_each_hunk_are_shown_and_no_others(diff: str) -> None:
    assert shown_lines(diff) == {
        "a.py": frozenset(range(7, 15)),
        "dir/new.py": frozenset({1, 2}),
        "b.txt": frozenset({1, 2, 3}),
    }


@pytest.mark.parametrize(
    ("evidence", "spot"),
    [
        ([{"path": "a.py", "lines": [10, 11]}], Spot("a.py", 10, 11)),
        ([{"path": "a.py", "lines": [5, 11]}], Spot("a.py", 11, 11)),
        ([{"path": "a.py", "lines": [1, 1], "found_lines": [8, 8]}], Spot("a.py", 8, 8)),
        ([{"path": "a.py", "lines": [1, 2]}, {"path": "dir/new.py", "lines": [2, 2]}], Spot("dir/new.py", 2, 2)),
        ([{"path": "a.py"}, {"command": "make"}, {"path": "c.py", "lines": [1, 1]}], None),
        ([], None),
    ],
)
def test_a_finding_stands_at_the_first_line_that_is_shown(
    diff: str, evidence: list[dict[str, object]], spot: Spot | None
) -> None:
    assert spot_of(evidence, shown_lines(diff)) == spot
