"""The flags of every command and subcommand."""

from __future__ import annotations

from ..words.hints import ArgumentParser

SUPPRESSED = "==SUPPRESS=="  # the default of a flag that leaves no trace unless it is given; argparse's own word


def add_common_flags(parser: ArgumentParser) -> None:
    """A subcommand's default must not hide what came before it."""
    parser.add_argument("--json", action="store_true", default=SUPPRESSED, help="answer with one JSON object")
    parser.add_argument(
        "--project-root",
        metavar="DIR",
        default=SUPPRESSED,
        help="the project's folder (default: the repository one stands in)",
    )
