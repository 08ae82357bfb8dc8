"""What a new worktree gets besides git's files."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.sync_list import COPY, MANAGED_FOLDERS, SYMLINK, SyncEntry, check_sync_path, sync_step


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        (".env", ".env"),
        ("./.env", ".env"),
        ("data//big/", "data/big"),
        ("a/../b", "b"),
        ("...", "..."),
        (".github", ".github"),
        ("설정 파일", "설정 파일"),
        ("-rf", "-rf"),
    ],
)
def test_good_paths(path: str, normal: str) -> None:
    assert check_sync_path(path, "here") == normal


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "/etc",
        "//etc",
        "~",
        "~/x",
        "a\0b",
        ".git",
        ".git/hooks",
        "./.git",
        ".okstra",
        "a/../.okstra/x",
    ],
)
def test_bad_paths(path: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_sync_path(path, "here")
    assert (refused.value.code, refused.value.where) == ("bad-sync-path", "here")


@given(st.lists(st.sampled_from(["a", "..", ".", "", "b c", ".git"]), max_size=6).map("/".join))
def test_a_path_that_is_let_in_stays_in_the_tree(path: str) -> None:
    try:
        normal = check_sync_path(path, "here")
    except UsageError:
        return
    inside = posixpath.normpath(posixpath.join("/tree", normal))
    assert inside.startswith("/tree/")
    assert not inside.startswith("/tree/.git/") and inside != "/tree/.git"


def test_by_kind_folders_are_linked_and_files_copied() -> None:
    assert sync_step(SyncEntry("data", ""), is_folder=True).mode == SYMLINK
    assert sync_step(SyncEntry(".env", ""), is_folder=False).mode == COPY


def test_the_mode_asked_for_counts() -> None:
    assert sync_step(SyncEntry("data", COPY), is_folder=True).mode == COPY
    assert sync_step(SyncEntry(".env", SYMLINK), is_folder=False).mode == SYMLINK


@pytest.mark.parametrize("name", sorted(MANAGED_FOLDERS))
@pytest.mark.parametrize("mode", ["", SYMLINK])
def test_a_managed_folder_is_never_linked(name: str, mode: str) -> None:
    for path in (name, f"web/{name}", f"{name}/inner"):
        step = sync_step(SyncEntry(path, mode), is_folder=True)
        assert step.mode == COPY
        assert name in step.note


def test_nor_is_a_folder_that_holds_one() -> None:
    step = sync_step(SyncEntry("web", ""), is_folder=True, children=frozenset({"src", "node_modules"}))
    assert (step.mode, step.note) == (COPY, "copied, not linked: a package manager writes node_modules")


def test_copying_a_managed_folder_needs_no_note() -> None:
    assert sync_step(SyncEntry("vendor", COPY), is_folder=True).note == ""


def test_the_folders_that_the_spec_names_are_managed() -> None:
    assert {"node_modules", ".venv", "vendor", "target"} <= MANAGED_FOLDERS
