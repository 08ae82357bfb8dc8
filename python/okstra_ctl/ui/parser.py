"""A command's parser, for help and for words that are not plain (`plain_words`). Slow to import, for argparse is."""

from __future__ import annotations

import argparse
import os
from collections.abc import Container
from types import ModuleType
from typing import Any, NoReturn

from ..words.errors import UsageError
from .command_table import COMMANDS, IN_NODE, Command, load
from .shared_flags import SUPPRESSED, add_common_flags

# argparse searches the disk for translations of its own words, which nobody has: a tenth of a light command's time.
argparse._ = str  # type: ignore[attr-defined]


class _Formatter(argparse.HelpFormatter):
    """Help at the terminal's width. With a width given, argparse need not import shutil on every call."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=int(columns) - 2 if columns.isdigit() else 98)


class Parser(argparse.ArgumentParser):
    """argparse whose errors are ours; abbreviated flags are refused, so that new flags break no script."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]

    def _add_action(self, action: Any) -> Any:
        """Of a parser and of its groups."""
        if action.default == SUPPRESSED:
            action.default = argparse.SUPPRESS  # argparse goes by the very object
        return super()._add_action(action)

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
