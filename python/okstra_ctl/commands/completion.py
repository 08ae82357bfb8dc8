"""Completion at the command line: a script for bash, zsh or fish; and the task keys, runs and notes that it offers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..command_table import Call
from ..output import Reply

_SHELLS = ("bash", "zsh", "fish")
_OFFERED = ("tasks", "runs", "notes")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "kind", metavar="KIND", choices=(*_SHELLS, *_OFFERED), help="bash, zsh or fish; tasks, runs or notes: the words"
    )


def execute(args: Namespace, call: Call) -> Reply:
    from .. import completion

    if args.kind in _OFFERED:
        words = completion.offered(args.kind, call)
        return Reply({"words": words}, "\n".join(words))
    script = completion.script(args.kind)
    return Reply({"shell": args.kind, "script": script}, script)
