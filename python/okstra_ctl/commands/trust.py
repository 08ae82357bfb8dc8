"""Shows the commands that the project's settings run, and records that you trust them until they change."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ..errors import Refused
from ..output import Reply, confirm
from ..services import Call
from ..settings import trust
from ..settings.project import Project, open_project
from ..settings.trust import shown


def of_project(project: Project) -> trust.Commands:
    """The commands that the project's settings run."""
    return trust.commands_of(project.root, project.config.commands)


def lines(commands: trust.Commands) -> list[str]:
    """The commands, as shown to the person who is asked."""
    rows = [f"{name}: {command}" for name, command in shown(commands.settings)]
    return [*rows, *([f"(with the script {commands.script})"] if commands.script else [])]


def ask(commands: trust.Commands) -> bool:
    """At a terminal: shows the commands and asks. Only an explicit yes counts."""
    text = "\n".join(["the project's settings run these commands:", *(f"  {line}" for line in lines(commands))])
    return confirm(f"{text}\ntrust them, in {commands.root}?", default=False)


def settle(project: Project, call: Call) -> None:
    """Asks once and records a yes; after a no, the run itself is refused."""
    commands = of_project(project)
    if not trust.is_trusted(commands, call.services) and ask(commands):
        trust.trust(commands, call.services)


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--show", action="store_true", help="only show them, and whether they are trusted")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(args: Namespace, call: Call) -> Reply:
    commands = of_project(open_project(call.start, call.services))
    if not commands.digest:
        return _trust_reply(commands, True, "the project's settings run no commands: there is nothing to trust")
    if args.show:
        trusted = trust.is_trusted(commands, call.services)
        return _trust_reply(commands, trusted, "\n".join([*lines(commands), "trusted" if trusted else "not trusted"]))
    if not args.yes and not sys.stdin.isatty():
        hint = "okstra trust --show shows them; okstra trust --yes trusts them"
        raise Refused("not-confirmed", "nobody is here to ask", where=commands.root, hint=hint)
    if not args.yes and not ask(commands):
        raise Refused("not-confirmed", "they are not trusted", where=commands.root)
    trust.trust(commands, call.services)
    return _trust_reply(commands, True, "\n".join([*lines(commands), f"trusted, in {commands.root}"]))


def _trust_reply(commands: trust.Commands, trusted: bool, text: str) -> Reply:
    data = {
        "project": commands.root,
        "settings": dict(commands.settings),
        "script": commands.script,
        "digest": commands.digest,
        "trusted": trusted,
    }
    return Reply(data, text)
