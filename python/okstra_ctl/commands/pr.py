"""The pull request of a task that was handed off (docs/how-to/hand-off.md)."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..errors import Refused
from ..names import PLANNING, TaskKey
from ..options import add_common_flags, add_task_key
from ..output import Reply, confirm, fields
from ..paths import TaskFiles
from ..quoting import okstra_command
from ..services import Call
from ..system.text import printable

if TYPE_CHECKING:
    from ..pulls.sync import Answer, Pull


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    sync = actions.add_parser("sync", help="make a fix cycle's brief of new review comments and red checks")
    add_task_key(sync, "the task", required=True)
    sync.add_argument("--reply", action="store_true", help="answer the threads of what was mended since; asks first")
    sync.add_argument("--fix", action="store_true", help="start the fix cycle; without it, a person is asked")
    sync.add_argument("--yes", action="store_true", help="do not ask before answering")
    add_common_flags(sync)


def execute(args: Namespace, call: Call) -> Reply:
    """Raises Refused (`no-pull-request`, `not-confirmed`), Missing (`gh-missing`), WorkFailed (`gh-failed`)."""
    from ..pulls import sync
    from ..settings.project import open_project
    from ..tasks.catalog import require_task

    key = TaskKey.parse(args.task_key)
    require_task(str(key), call.start, call.services)
    if args.reply and not args.yes and not sys.stdin.isatty():
        hint = "with --yes threads are answered without a question"
        raise Refused("not-confirmed", "nobody is here to ask: nothing was done", where=str(key), hint=hint)
    project = open_project(call.start, call.services).files
    task = project.task(key)
    pull = sync.pull_of(project, key, call.services)
    wanted = sync.new_items(project, task, pull, call.services)
    logs = sync.logs_of(project, wanted, call.services)
    brief = sync.take(project, task, pull, wanted, logs, call.services.clock.now()) if wanted else ""
    answers = sync.answerable(project, task, pull)
    replied = []
    if args.reply and answers:
        _confirm(pull, answers, asks=not args.yes)
        replied = [one.item for one in sync.reply(project, task, pull, answers, call.services)]
    waiting = sync.waiting(task)
    offered = brief or (sync.unused_brief(project, task, pull) if waiting else "")
    following = _next(key, task, offered)
    unanswered = [one for one in answers if one.item not in replied]
    if unanswered and not following:
        following = okstra_command("pr", "sync", key, "--reply")
    data = {
        "pull_request": pull.number,
        "url": pull.url,
        "state": pull.state.lower(),
        "new": [item.id for item in wanted] if brief else [],
        "brief": offered,
        "waiting": waiting,
        "replied": replied,
        "next": [following] if following else [],
    }
    shown = [
        ("pull request", f"{pull.number}  {pull.url}  {pull.state.lower()}"),
        ("new", "\n".join(_shown(item.author, item.place) for item in wanted) if brief else "nothing"),
        ("brief", offered),
        ("replied", ", ".join(replied)),
        ("next", following),
    ]
    reply = Reply(data, fields([(name, str(value).replace("\n", "\n" + " " * 14)) for name, value in shown]))
    return _fixed(reply, offered, following, key, args, call)


def _fixed(reply: Reply, brief: str, command: str, key: TaskKey, args: Namespace, call: Call) -> Reply:
    """The reply, after the fix cycle was started: by --fix, or by a person who says yes. Raises as a led run."""
    from .next import carry_out, flags_as_before

    if not brief:
        return reply
    if not args.fix:
        if not sys.stdin.isatty() or getattr(args, "json", False) or args.yes:
            return reply
        sys.stderr.write(printable(reply.text) + "\n")
        if not confirm("start the fix cycle?", default=False):
            return reply._replace(text="nothing was started")
    words = [*shlex.split(command)[1:], "--yes", *flags_as_before(key, PLANNING, call)]
    done = carry_out(words, call, as_json=getattr(args, "json", False))
    return done._replace(data={**reply.data, **done.data})


def _shown(author: str, place: str) -> str:
    return " ".join(filter(None, (f"{author}:" if author else "red check:", place or "on the whole")))


def _confirm(pull: Pull, answers: list[Answer], *, asks: bool) -> None:
    """Raises Refused (`not-confirmed`)."""
    for one in answers:
        sys.stderr.write(f"thread {one.thread} of pull request {pull.number}: addressed by {one.commit[:12]}\n")
    if asks and not confirm("answer these threads?", default=False):
        raise Refused("not-confirmed", "no thread was answered", where=pull.url)


def _next(key: TaskKey, task: TaskFiles, brief: str) -> str:
    """The command that starts the fix cycle."""
    from ..tasks.fix_cycles import finished_task
    from ..tasks.records import read_manifest

    if not brief:
        return ""
    again = ("--fix-cycle", "yes") if finished_task(task, read_manifest(task) or {}, PLANNING, "") else ()
    return okstra_command("run", "--task-key", key, "--task-type", PLANNING, "--task-brief", brief, *again)
