"""Parsers of the command line: argparse with okstra's errors, the common flags, and options that commands share."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Container
from types import ModuleType
from typing import Any, NoReturn

from .command_table import COMMANDS, IN_NODE, Command, load
from .errors import UsageError
from .system import files as fsio

STDIN = "-"


def add_common_flags(parser: ArgumentParser) -> None:
    """Adds `--json` and `--project-root`. A subcommand's default must not override a value given before it."""
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="print one JSON object")
    parser.add_argument(
        "--project-root",
        metavar="DIR",
        default=SUPPRESS,
        help="the project's folder (default: that of the current directory)",
    )


def add_task_key(parser: ArgumentParser, help: str, *, dest: str = "task_key", required: bool = False) -> Any:
    """One task, as `KEY` or as `--task-key KEY`, never both. Returns the group of the two, to which other ways to name
    the same thing may be added."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(dest, metavar="KEY", nargs="?", default=SUPPRESS, help=help)
    group.add_argument("--task-key", dest=dest, metavar="KEY", default="", help="the same, as a flag")
    return group


class _Formatter(argparse.HelpFormatter):
    """Help of a fixed width unless shown at a terminal: the reference pages are generated from it."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=int(columns) - 2 if columns.isdigit() else 98)


class Parser(argparse.ArgumentParser):
    """argparse with okstra's errors. Abbreviated flags are refused, so that new flags break no script."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> object:
        """Before Python 3.13, argparse takes the value of `--flag=--` for a separator and goes on without one."""
        if action.nargs is None and arg_strings == ["--"]:
            value: object = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def error(self, message: str) -> NoReturn:
        raise UsageError("usage", message, where=self.prog, hint=f"{self.prog} --help")


def build_parser(command: Command) -> tuple[argparse.ArgumentParser, ModuleType]:
    """The parser of one command, and its module."""
    module = load(command)
    parser = Parser(prog=f"okstra {command.name}", description=module.__doc__)
    add_common_flags(parser)
    module.configure(parser)
    return parser, module


def whole_parser(only: Container[str] | None = None) -> argparse.ArgumentParser:
    """All of okstra as one parser, for completion and the manual page. `only`: commands whose arguments are needed."""
    parser = Parser(prog="okstra")
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        child = commands.add_parser(command.name, help=command.summary)
        if only is None or command.name in only:
            add_common_flags(child)
            load(command).configure(child)
    for name, summary in IN_NODE:
        commands.add_parser(name, help=summary)
    return parser


def text_from(path: str) -> str:
    """The file's text, or stdin's for `-`. Raises UsageError (`not-found`, `usage`), Unreadable.

    Stdin is read only for `-`: okstra would wait for ever for a pipe that nobody closes.
    """
    data = sys.stdin.buffer.read() if path == STDIN else fsio.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where="--from", hint="- stands for stdin")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            "usage", f"it is not UTF-8 text (byte {error.start})", where=path, hint="save it as UTF-8"
        ) from None
