"""The id by which other machines know this one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from okstra_ctl.errors import Unreadable
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.remote.machine import known_machine, machine_id


def home_at(path: Path) -> HomePaths:
    path.mkdir(mode=0o700, exist_ok=True)
    return HomePaths(str(path))


def test_a_home_keeps_its_id_also_when_it_is_moved_on_its_disk(tmp_path: Path) -> None:
    first = machine_id(home_at(tmp_path / "home"))
    assert machine_id(home_at(tmp_path / "home")) == first
    (tmp_path / "home").rename(tmp_path / "moved")
    assert machine_id(home_at(tmp_path / "moved")) == first


def test_a_copied_home_is_another_machine_and_knows_which_one_it_was(tmp_path: Path) -> None:
    first = machine_id(home_at(tmp_path / "home"))
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    copy = home_at(tmp_path / "copy")
    second = machine_id(copy)
    assert second != first
    assert machine_id(copy) == second
    known = known_machine(copy)
    assert known is not None and known.earlier == (first,)
    assert machine_id(home_at(tmp_path / "home")) == first
    shutil.copytree(tmp_path / "copy", tmp_path / "third")
    machine_id(home_at(tmp_path / "third"))
    third = known_machine(home_at(tmp_path / "third"))
    assert third is not None and third.earlier == (second, first)


def test_the_file_of_an_earlier_okstra_keeps_its_id_and_learns_where_it_stands(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    Path(home.machine_id).write_text("a" * 32 + "\n")
    assert machine_id(home) == "a" * 32
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    assert machine_id(home_at(tmp_path / "copy")) != "a" * 32


@pytest.mark.parametrize("text", ["", "short\n", "a" * 32, "A" * 32 + "\n"])
def test_a_damaged_file_is_an_error_and_no_new_id(tmp_path: Path, text: str) -> None:
    home = home_at(tmp_path / "home")
    Path(home.machine_id).write_text(text)
    with pytest.raises(Unreadable, match="no machine id"):
        machine_id(home)
    assert Path(home.machine_id).read_text() == text
