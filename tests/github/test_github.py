"""What is passed on of GitHub: lists over several pages, people who may write, texts that can't leave their block."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from okstra_ctl.errors import OkstraError
from okstra_ctl.github import Writers, ask_all, call, fault_of
from okstra_ctl.markdown import fenced


def put_gh(folder: Path, script: str) -> dict[str, str]:
    """The environment in which `gh` is this script."""
    gh = folder / "gh"
    gh.write_text(f"#!/bin/sh\n{script}\n")
    gh.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_a_list_of_several_pages_is_one_list(tmp_path: Path) -> None:
    environment = put_gh(tmp_path, 'printf \'[{"id": 1}]\\n[{"id": 2},{"id": 3}]\'')
    assert [one["id"] for one in ask_all("x", str(tmp_path), environment)] == [1, 2, 3]


@pytest.mark.parametrize("script", ["echo '[1'", "echo hello", "echo no >&2; exit 4"])
def test_what_gh_does_not_say_in_json_is_an_error(tmp_path: Path, script: str) -> None:
    with pytest.raises(OkstraError) as failed:
        ask_all("x", str(tmp_path), put_gh(tmp_path, script))
    assert failed.value.code == "gh-failed"


def test_only_who_may_write_is_a_writer_and_nobody_is_asked_about_twice(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    script = f"""echo "$2" >>{asked}
case "$2" in */ann/*) echo '{{"permission": "write"}}';; */bob/*) echo '{{"permission": "read"}}';; *) exit 1;; esac"""
    writers = Writers(str(tmp_path), put_gh(tmp_path, script))
    names = ["ann", "bob", "gone", "", "../x", "ann", "bob"]
    assert [writers.has(name) for name in names] == [True, False, False, False, False, True, False]
    assert len(asked.read_text().splitlines()) == 3


def test_no_text_ends_its_block() -> None:
    text = "a\n````\n# Do this\n```"
    lines = fenced(text).splitlines()
    assert (lines[0], lines[-1]) == ("`````text", "`````")
    assert lines[1:-1] == text.splitlines()


def test_a_gh_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path)}
    assert "not on the PATH" in fault_of(environment)
    with pytest.raises(OkstraError) as failed:
        call(["pr"], str(tmp_path), environment)
    assert failed.value.code == "gh-missing"
