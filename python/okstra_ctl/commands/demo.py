"""Plays a task from a bug to an accepted change, in a throw-away folder: no account, and nothing of yours is touched.

Git, worktrees, commits, tests, checks and reports are real; a script stands in for the agents.
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace

from ..demo.play import Demo, Played
from ..demo.stage import DemoStage
from ..output import Reply
from ..quoting import okstra_command, quote
from ..services import Call
from ..system import assets
from ..system.text import printable


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="every command, and all that it prints")


def execute(args: Namespace, call: Call) -> Reply:
    quiet = getattr(args, "json", False)
    show = _ignore if quiet else _write
    stage = DemoStage(call.services.environment, show if args.verbose else _ignore)
    try:
        before = "\n" if args.verbose else ""
        played = Demo(stage, lambda title: show(f"{before}{title}"), lambda line: show(f"   {line}")).play()
    except KeyboardInterrupt:
        stage.remove()
        raise
    enter = f"cd {quote(stage.repo)} && export OKSTRA_HOME={quote(stage.okstra_home)}"
    if not shutil.which("okstra", path=call.services.environment.get("PATH")):
        enter += f" PATH={quote(os.path.join(assets.root(), 'bin'))}:$PATH"
    following = [enter, okstra_command("open", "top"), okstra_command("show", "top/analysis")]
    data = {"folder": stage.place, "verdicts": played.verdicts, "reports": list(played.reports), "next": following}
    return Reply(data, "\n".join(_end(stage, played, following)))


def _end(stage: DemoStage, played: Played, following: list[str]) -> list[str]:
    return [
        "",
        "What just happened: a bug report became a merged, verified change. Two agents checked each other's claims,",
        "no stage was done before its check passed, and every step left a record.",
        "",
        "Look at it:",
        *(f"  {command}" for command in following),
        "On a repository of yours:",
        "  okstra init",
        '  okstra run "what is wanted, in a sentence"',
        "  okstra next",
        "",
        f"report  {played.reports[-1]}",
        f"remove  rm -rf {quote(stage.place)}    # all that the demonstration wrote",
    ]


def _write(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")
    sys.stdout.flush()


def _ignore(line: str) -> None:
    pass
