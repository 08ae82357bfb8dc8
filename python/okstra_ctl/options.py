"""A command's parser."""

from __future__ import annotations

import argparse
import os
from collections.abc import Container
from types import ModuleType
from typing import NoReturn

from .command_table import COMMANDS, IN_NODE, Command, load
from .errors import UsageError
from .shared_flags import add_common_flags


class _Formatter(argparse.HelpFormatter):
    """Help of one width wherever it is not shown at a terminal: the reference pages are made of it."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=int(columns) - 2 if columns.isdigit() else 98)


class Parser(argparse.ArgumentParser):
    """argparse whose errors are ours; abbreviated flags are refused, so that new flags break no script."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> object:
        """argparse (before Python 3.13) takes the value of `--flag=--` for a separator, and goes on without one."""
        value: object = super()._get_values(action, arg_strings)
        if action.nargs is None and value == []:
            self.error(f"argument {'/'.join(action.option_strings) or action.dest}: expected one argument")
        return value

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
    """All of okstra as one parser, for completion and the manual page; `only`: commands whose arguments are wanted."""
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
