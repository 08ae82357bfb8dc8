"""A check that is a pipe is red when any of its commands is, and a reader may have read enough."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.errors import Missing
from okstra_ctl.runs.commands import check_argv, in_shell
from okstra_ctl.system.shell_lists import pipelines

BY_PIPE = "sh -c 'kill -PIPE $$'"


def status(command: str) -> int:
    """As okstra runs it: SIGPIPE ends a writer, as in a shell."""
    done = subprocess.run(check_argv(command), capture_output=True, timeout=30, restore_signals=True)
    return done.returncode


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("pytest_nope | tail -1", 127),
        ("false | true", 1),
        ("true | false", 1),
        ("true | true", 0),
        ("false |& cat", 1),
        ("false | yes | head -1", 1),
        ("yes | head -1 | false", 1),
        ("false | cat && true", 1),
        ("false | cat || true", 0),
        ("false | cat; true", 0),
        ("set -e; false | cat; true", 1),
        ("cat <<<x | grep -q y", 1),
        ("for one in 1; do false | cat; done", 1),
        ("if false | cat; then true; else exit 9; fi", 9),
        ("{ false; } | cat", 1),
        ("(false) | cat", 1),
        ('printf x | sh -c "cat; exit 5"', 5),
        ("printf 'a|b' | grep -q 'a|b'", 0),
        ("printf 'a;b' | grep -q 'c'", 1),
        ("echo a >| /dev/null | cat", 0),
        ("sh -c 'echo x >&2; exit 3' 2>&1 | cat", 3),
        ("true |\n false", 1),
        ("false\ntrue | cat", 0),
        ("false | cat # it's red", 1),
        ("true | # first\n false", 1),
    ],
)
def test_a_pipe_is_red_when_any_of_its_commands_is(command: str, wanted: int) -> None:
    assert status(command) == wanted


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("yes | head -1", 0),
        ("yes | cat | head -1", 0),
        ("yes | head -1 && true", 0),
        ("yes | head -1 && false", 1),
        ("yes | head -1; false", 1),
        ("false || yes | head -1", 0),
        ("true && yes |\nhead -1", 0),
        ("! yes | head -1", 1),
        ("! false | true", 0),
        ("(yes | head -1) | cat", 0),
        ("head -c 1 /dev/zero | sleep 0", 0),
        (f"{BY_PIPE} | true", 0),
        (f"true | {BY_PIPE}", 141),
        (f"{BY_PIPE} | {BY_PIPE}", 141),
        ("set -eu; yes | head -1; true", 141),
        ("for one in 1 2; do yes | head -1; done", 141),
    ],
)
def test_a_writer_whose_reader_has_read_enough_is_no_failure(command: str, wanted: int) -> None:
    """But where it is not certain that a pipe caused it, it is a failure: nothing red may be green."""
    assert status(command) == wanted


@pytest.mark.parametrize(
    "command",
    [
        "if true; then true; fi",
        "for x in 1; do true; done | cat",
        "while true; do break; done",
        "case a in a) true;; esac",
        "[[ a || b ]]",
        "f() { true; }; f",
        "cat <<END\nx\nEND",
        "sleep 0 & wait",
        "echo 'not closed",
        "echo $(date",
        "true | | false",
        "true &&",
        "| true",
    ],
)
def test_what_is_more_than_a_list_is_not_taken_apart(command: str) -> None:
    assert pipelines(command) is None


PARTS = st.sampled_from(["true", "false", "exit 3", "(exit 4)", "! true", "echo 'a | b'", 'echo "$(echo x | cat)"'])
JOINTS = st.sampled_from([" && ", " || ", "; ", "\n"])


@settings(max_examples=25, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4), st.lists(JOINTS, min_size=4, max_size=4))
def test_without_a_pipe_a_check_means_what_it_means_to_bash(parts: list[str], joints: list[str]) -> None:
    command = "".join(part + joint for part, joint in zip(parts, [*joints[: len(parts) - 1], ""], strict=True))
    piped = command.replace("echo 'a | b'", "echo 'a | b' | cat")
    wanted = subprocess.run(["bash", "-c", command], capture_output=True).returncode
    assert (status(command), status(piped)) == (wanted, wanted)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab |&;\n'\"`\\$(){}<>#!", max_size=20))
def test_any_text_can_be_looked_at(command: str) -> None:
    found = pipelines(command)
    if found is not None and len(found) == 1 and len(found[0].commands) == 1:
        assert found[0].commands[0] in command


def test_without_bash_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="bash is not on the PATH"):
        in_shell("true")
