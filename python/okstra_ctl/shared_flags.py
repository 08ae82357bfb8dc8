"""The flags of every command and subcommand."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from typing import Any


def add_common_flags(parser: ArgumentParser) -> None:
    """A subcommand's default must not hide what came before it."""
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="answer with one JSON object")
    parser.add_argument(
        "--project-root",
        metavar="DIR",
        default=SUPPRESS,
        help="the project's folder (default: the repository one stands in)",
    )


def add_task_key(parser: ArgumentParser, help: str, *, dest: str = "task_key", required: bool = False) -> Any:
    """One task, as `KEY` or as `--task-key KEY`, whichever one has at hand; never both. Answers the group of the two,
    to which other ways to name the same thing may be added."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(dest, metavar="KEY", nargs="?", default=SUPPRESS, help=help)
    group.add_argument("--task-key", dest=dest, metavar="KEY", default="", help="the same, as a flag")
    return group
