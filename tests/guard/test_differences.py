"""What each difference between two snapshots is reported as, and the command that shows it."""

from __future__ import annotations

import pytest

from okstra_ctl.guard.breaches import HIDDEN, LOOKED_AT, MISSING, Changed, Place, Rights, Snapshot, changes

EMPTY = Snapshot({}, {}, {}, {}, {}, {})
RIGHTS = Rights("/p", "/w", "", "refs/heads/own", False, frozenset({"/o", "refs/heads/o"}), frozenset({"/b"}))
STAGED, UNTRACKED, IGNORED = "M  1 2", "?? 1 2", "!! 1 2"


def only(before: Snapshot, after: Snapshot, rights: Rights = RIGHTS) -> Changed:
    (found,) = changes(before, after, rights)
    return found


@pytest.mark.parametrize("gone", ["", MISSING])
def test_a_removed_worktree_is_looked_for_in_the_list_and_one_that_stands_shows_its_status(gone: str) -> None:
    before = EMPTY._replace(heads={"/x": "ref: refs/heads/x"})
    removed = only(before, EMPTY._replace(heads={"/x": gone} if gone else {}))
    assert (removed.kind, removed.look) == ("worktree", "git -C /p worktree list")
    moved = only(before, EMPTY._replace(heads={"/x": "ref: refs/heads/y"}))
    assert (moved.kind, moved.look) == ("head", "git -C /x status")
    added = only(EMPTY, before)
    assert (added.kind, added.detail, added.look) == ("worktree", "a worktree that was added", "git -C /x status")


@pytest.mark.parametrize(
    ("old", "new", "detail", "look"),
    [
        ("", UNTRACKED, "a new file", "ls -l '/o/a b'"),
        ("", IGNORED, "a new file", "ls -l '/o/a b'"),
        ("", STAGED, "changed", "git -C /o diff HEAD -- 'a b'"),
        (STAGED, "M  9 9", "its uncommitted change is another one now", "git -C /o diff HEAD -- 'a b'"),
        (UNTRACKED, "", "its uncommitted change is gone", "git -C /o log --oneline -3 -- 'a b'"),
        ("", f"{HIDDEN}1 2", "hidden from git by an index flag, and changed", "ls -l '/o/a b'"),
    ],
)
def test_a_changed_file_says_how_in_whichever_worktree(old: str, new: str, detail: str, look: str) -> None:
    def files(state: str, name: str) -> dict[str, str]:
        return {name: state} if state else {}

    sibling = only(
        EMPTY._replace(siblings={"/o": LOOKED_AT, **files(old, "/o/a b")}),
        EMPTY._replace(siblings={"/o": LOOKED_AT, **files(new, "/o/a b")}),
    )
    assert sibling == Changed("sibling", "/o/a b", detail, Place.OKSTRAS, look, folder="/o")
    main = only(EMPTY._replace(dirty=files(old, "a b")), EMPTY._replace(dirty=files(new, "a b")))
    assert (main.detail, main.look) == (detail, look.replace("/o", "/p"))
    own = only(
        EMPTY._replace(heads={"/w": "c"}, own=files(old, "a b")),
        EMPTY._replace(heads={"/w": "c"}, own=files(new, "a b")),
    )
    assert (own.detail, own.look, bool(own.undo)) == (detail, look.replace("/o", "/w"), not old)


@pytest.mark.parametrize(("before", "after"), [({}, {"/o": LOOKED_AT}), ({"/o": LOOKED_AT}, {}), ({}, {})])
def test_a_sibling_that_only_one_snapshot_looked_at_has_no_differences(
    before: dict[str, str], after: dict[str, str]
) -> None:
    later = EMPTY._replace(siblings={**after, "/o/a": STAGED, "/other/a": STAGED})
    assert changes(EMPTY._replace(siblings=before), later, RIGHTS) == ()


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("/w", Place.OKSTRAS),
        ("refs/heads/own", Place.OKSTRAS),
        ("/o", Place.OKSTRAS),
        ("refs/heads/o", Place.OKSTRAS),
        ("/b", Place.BUSY),
        ("/p", Place.SHARED),
        ("refs/heads/main", Place.SHARED),
    ],
)
def test_who_works_in_a_place(name: str, place: Place) -> None:
    assert RIGHTS.place(name) is place
    assert RIGHTS._replace(worktree="/p").place("/p") is Place.SHARED
