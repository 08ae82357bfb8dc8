"""The table of verbs is whole, and what stands above this process is seen."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from okstra_ctl.agents.environment import environment_of, homes_named, title_of
from okstra_ctl.command_table import COMMANDS, IN_NODE, VERBS, verb_in, verb_of
from okstra_ctl.options import build_parser, short_names
from okstra_ctl.system import process_identity
from okstra_ctl.system.process_identity import is_this_process_or_above, processes_in_listing


def _labels() -> dict[str, argparse.ArgumentParser]:
    found = {}
    for command in COMMANDS:
        parser, _ = build_parser(command)
        actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not actions:
            found[command.name] = parser
        for action in actions:
            found.update({f"{command.name} {name}": child for name, child in action.choices.items()})
    return found


def test_the_table_has_every_command_and_action_and_no_other() -> None:
    assert set(VERBS) == {*_labels(), *(name for name, _ in IN_NODE)}


def test_the_flags_that_the_table_names_are_flags_of_their_command() -> None:
    for label, parser in _labels().items():
        flags = {action.dest for action in parser._actions}
        assert {*VERBS[label].unless, *VERBS[label].only_with} <= flags, label


def test_no_choice_among_words_is_taken_for_the_name_of_a_run_or_task() -> None:
    for label, parser in _labels().items():
        chosen = {action.dest: action.default for action in parser._actions if action.choices}
        assert short_names(label, argparse.Namespace(**chosen)) == [], label


def test_a_command_that_nobody_decided_about_changes_something() -> None:
    assert verb_of("brand new").changes_with(argparse.Namespace())


@pytest.mark.parametrize(
    ("label", "flags", "changes"),
    [
        ("run", {"dry_run": False}, True),
        ("run", {"dry_run": True}, False),
        ("reconcile", {"apply": False, "rebuild": False, "publish": False}, False),
        ("reconcile", {"apply": False, "rebuild": False, "publish": True}, True),
        ("reconcile", {"apply": False, "rebuild": True, "publish": False}, True),
        ("check evidence", {"execute": False}, False),
        ("check evidence", {"execute": True}, True),
        ("integrate", {"forecast": True}, False),
        ("brief new", {"task_key": "", "output": ""}, False),
        ("brief new", {"task_key": "a:b:c", "output": ""}, True),
        ("list", {}, False),
    ],
)
def test_flags_decide_where_the_table_says_so(label: str, flags: dict[str, object], *, changes: bool) -> None:
    assert verb_of(label).changes_with(argparse.Namespace(**flags)) is changes


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("reconcile --done-rows", True),
        ("reconcile --done-rows --dry-run", False),
        ("run --again RUN --dry-run", True),  # which `run --again` does not take: nothing makes it read
        ("work --runs FILE --dry-run", False),
        ("show --errors RUN", False),
        ("next -- --all", False),
    ],
)
def test_an_earlier_name_and_its_words_of_today_change_the_same(words: str, *, changes: bool) -> None:
    assert verb_in(words.split()).may_change(words.split()) is changes


# Marks and ancestors


def test_a_mark_names_the_home_by_whatever_road(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    for road in (home, tmp_path / "link", f"{home}/../home/"):
        marks = environment_of(str(road), "demo:a:b/error-analysis/001")
        assert homes_named(marks, []) == (str(home),)
    assert homes_named({}, [["sh", "-c", "true"]]) == ()


@pytest.mark.parametrize("name", ["home", "with a space", "한글", "new\nline", "100%", os.fsdecode(b"\xff")])
def test_a_wardens_title_is_one_word_that_names_its_home_alone(tmp_path: Path, name: str) -> None:
    title = title_of(str(tmp_path / name))
    assert title.isascii() and title.split() == [title]
    lines = [["sh"], ["python3", "-I", "okstra-supervisor of a", title]]
    assert homes_named({}, lines) == (str(tmp_path / name),)


def test_the_ancestors_are_told_with_their_words() -> None:
    code = (
        "from okstra_ctl.system.process_identity import ancestors\n"
        "for above in ancestors(): print(above.pid, repr(above.words), flush=True)\n"
    )
    shell = 'python=$1; code=$2; "$python" -c "$code"; true'
    folder = str(Path(process_identity.__file__).parents[2])
    done = subprocess.run(
        ["sh", "-c", shell, "a mark of the test", sys.executable, code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": folder},
    )
    first, second = done.stdout.splitlines()[:2]
    assert "a mark of the test" in first
    assert second.split(" ")[0] == str(os.getpid())


def test_a_listing_is_read_where_there_is_no_proc() -> None:
    listing = (
        "    1     0 /sbin/launchd\n  200     1 python3 -I -c x okstra-supervisor-in=/h\n  bad\n 300 200 sh -c a  b\n"
    )
    assert processes_in_listing(listing) == {
        1: (0, ("/sbin/launchd",)),
        200: (1, ("python3", "-I", "-c", "x", "okstra-supervisor-in=/h")),
        300: (200, ("sh", "-c", "a", "b")),
    }


def test_an_owner_is_here_when_it_is_this_process_or_one_above() -> None:
    parent = process_identity.owner_of(os.getppid())
    assert is_this_process_or_above(process_identity.this_process())
    assert is_this_process_or_above(parent)
    assert not is_this_process_or_above(parent._replace(start_time="1"))
    with subprocess.Popen(["sleep", "30"]) as child:
        assert not is_this_process_or_above(process_identity.owner_of(child.pid))
        child.kill()
