"""Shows the commands that the project's settings run, and keeps that you trust them; asked again when they change."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..command_table import Call
from ..errors import Refused
from ..output import Reply
from ..settings import trust
from ..settings.project import open_project
from .trusting import ask, lines, of_project


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--show", action="store_true", help="only show them, and whether they are trusted")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(args: Namespace, call: Call) -> Reply:
    commands = of_project(open_project(call.start, call.doors))
    if not commands.digest:
        return _answer(commands, True, "the project's settings run no commands: there is nothing to trust")
    if args.show:
        trusted = trust.is_trusted(commands, call.doors)
        return _answer(commands, trusted, "\n".join([*lines(commands), "trusted" if trusted else "not trusted"]))
    if not args.yes and not sys.stdin.isatty():
        hint = "okstra trust --show shows them; okstra trust --yes trusts them"
        raise Refused("not-confirmed", "nobody is here to ask", where=commands.root, hint=hint)
    if not args.yes and not ask(commands):
        raise Refused("not-confirmed", "they are not trusted", where=commands.root)
    trust.trust(commands, call.doors)
    return _answer(commands, True, "\n".join([*lines(commands), f"trusted, in {commands.root}"]))


def _answer(commands: trust.Commands, trusted: bool, text: str) -> Reply:
    data = {
        "project": commands.root,
        "settings": dict(commands.settings),
        "script": commands.script,
        "digest": commands.digest,
        "trusted": trusted,
    }
    return Reply(data, text)
