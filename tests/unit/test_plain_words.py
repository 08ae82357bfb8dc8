"""What is read without argparse is what argparse would have read; what it would refuse is left to it."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.ui.command_table import COMMANDS, Command, find, load
from okstra_ctl.ui.parser import Parser, build_parser
from okstra_ctl.ui.plain_words import PlainWords
from okstra_ctl.ui.shared_flags import SUPPRESSED, add_common_flags
from okstra_ctl.words.errors import UsageError

_ODD = [
    "",
    "-",
    "--",
    "-h",
    "--help",
    "--no-such",
    "-x",
    "--json=1",
    "=",
    "a=b",
    "7",
    "-7",
    "007",
    "x y",
    "한글",
    "-x y",
]


def _declared(parser: argparse.ArgumentParser) -> tuple[list[str], list[str], list[argparse.ArgumentParser]]:
    """Its flags, its choices, and the parsers of its actions."""
    flags = [name for action in parser._actions for name in action.option_strings]
    choices = [str(one) for action in parser._actions for one in action.choices or ()]
    deeper = [
        one
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for one in action.choices.values()
    ]
    return flags, choices, deeper


def _words_of(command: Command) -> list[str]:
    parsers, words = [build_parser(command)[0]], list(_ODD)
    while parsers:
        flags, choices, deeper = _declared(parsers.pop())
        words += [*flags, *choices, *(f"{flag}=v" for flag in flags), *(f"{flag}=" for flag in flags)]
        parsers += deeper
    return [*sorted(set(words) - {"-h", "--help"}), "-h", "--help"]


_PARSERS = {command.name: build_parser(command)[0] for command in COMMANDS}
_WORDS = {command.name: _words_of(command) for command in COMMANDS}


def _plainly(command: Command, words: list[str]) -> dict[str, Any] | None:
    plain: Any = PlainWords()
    add_common_flags(plain)
    load(command).configure(plain)
    read = plain.parse(words)
    return None if read is None else vars(read)


def _by_argparse(parser: argparse.ArgumentParser, words: list[str]) -> dict[str, Any] | None:
    try:
        return vars(parser.parse_args(words))
    except (UsageError, SystemExit):
        return None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_each_command_reads_as_argparse_does(command: Command, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(_WORDS[command.name]), max_size=7))
    read = _plainly(command, words)
    if read is not None:
        assert read == _by_argparse(_PARSERS[command.name], words)


_KINDS: list[dict[str, Any]] = [
    {},
    {"default": "d"},
    {"required": True},
    {"choices": ("a", "b")},
    {"type": int, "default": 3},
    {"type": float},
    {"action": "store_true"},
    {"action": "store_true", "default": SUPPRESSED},
    {"action": "append", "default": []},
    {"action": "append", "choices": ("a", "b")},
    {"action": "count"},
    {"dest": "other"},
    {"nargs": 2},
]
_ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"choices": ("a", "b")},
    {"nargs": "?"},
    {"nargs": "?", "default": "d"},
    {"nargs": "+"},
]
_ANY_WORD = st.sampled_from(
    ["--f0", "--f1", "--f2", "--f0=a", "--f1=a", "--f2=", "a", "b", "7", "-1", "", "--", "-", "--f"]
)


def _configure(parser: Any, flags: list[dict[str, Any]], arguments: list[dict[str, Any]]) -> None:
    for number, options in enumerate(flags):
        parser.add_argument(f"--f{number}", **options)
    for number, options in enumerate(arguments):
        parser.add_argument(f"p{number}", **options)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from(_KINDS), max_size=3),
    st.lists(st.sampled_from(_ARGUMENTS), max_size=2),
    st.lists(_ANY_WORD, max_size=6),
    st.lists(_ANY_WORD, max_size=4),
    st.booleans(),
)
def test_whatever_is_declared(
    flags: list[dict[str, Any]], arguments: list[dict[str, Any]], words: list[str], more: list[str], acts: bool
) -> None:
    plain, parser = PlainWords(), Parser(prog="x")
    for one in (plain, parser):
        if acts:
            one.add_argument("--f2", default=SUPPRESSED)
            actions: Any = one.add_subparsers(dest="action", required=True, metavar="ACTION")  # type: ignore[attr-defined]
            _configure(actions.add_parser("go", help="goes"), flags, arguments)
        else:
            _configure(one, flags, arguments)
    whole = [*words, "go", *more] if acts else words
    read = plain.parse(whole)
    if read is not None:
        assert vars(read) == _by_argparse(parser, whole)


@pytest.mark.parametrize(
    "line",
    [
        "run --task-key p:g:i --task-type implementation --stage auto --render-only --json",
        "run --task-key=p:g:i --task-type=implementation --jobs 3",
        "list --project p --limit 5",
        "list",
        "list p:g:i --json",
        "list --task-key p:g:i",
        "stage list p:g:i --porcelain",
        "stage list --plan PLAN --json",
        "stage done --run R --no-change why",
        "worktree list --porcelain",
        "check result FILE --json",
        "--project-root X stage list --plan P",
        "paths",
        "paths RUN --shell",
        "usage --json",
        "config set key value more",
        "memory search a b",
        "wizard step --state S --answer b",
    ],
)
def test_what_is_plain_needs_no_argparse(line: str) -> None:
    words = line.split()
    if words[0] == "--project-root":
        words = [words[2], *words[:2], *words[3:]]
    command = find(words[0])
    assert command is not None
    read = _plainly(command, words[1:])
    assert read is not None
    assert read == _by_argparse(_PARSERS[command.name], words[1:])


@pytest.mark.parametrize(
    "words", ["--help", "-h", "one two", "one --task-key two", "--task-key=", "--limit", "--limit x", "-- x", "--lim 3"]
)
def test_what_is_not_plain_is_left_to_argparse(words: str) -> None:
    command = find("list")
    assert command is not None
    assert _plainly(command, words.split()) is None


def test_the_word_for_no_default_is_argparse_s_own() -> None:
    assert SUPPRESSED == argparse.SUPPRESS
