"""Parsers of the command line: argparse with okstra's errors, the common flags, and options that commands share,
filters of runs among them."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from .command_table import COMMANDS, IN_NODE, Command, called_by, modes_of
from .errors import UsageError
from .names import Named, RunId
from .services import Call
from .system import files

if TYPE_CHECKING:  # slow to import
    from .history.listing import RunRow

STDIN = "-"
COLOURS = ("auto", "always", "never")
COMMON = ("json", "project_root", "quiet", "no_input", "no_color", "no_pager", "color")
"""What `add_common_flags` adds."""
_NAMING = {
    "task_key": Named.TASK,
    "task": Named.TASK,
    "ready_stages": Named.TASK,
    "place": Named.TASK_OR_STAGE,
    "run": Named.RUN,
    "what": Named.RUN_OR_TASK,
    "plan": Named.PLAN,
    "approved_plan": Named.PLAN,
}  # what arguments of commands name; each takes a short name as well (docs/how-to/short-names.md)
_MAY_BE_NEW = ("plan adopt", "brief new")  # commands whose task need not exist, and so has no short name
_DIGITS = frozenset("0123456789")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_DAY = "0000-00-00"
_POINTS = (_DAY, *(f"{_DAY}T{time}{zone}" for time in ("00:00", "00:00:00") for zone in ("", "Z")))  # a 0 is any digit


def add_common_flags(parser: ArgumentParser) -> None:
    """Adds the flags that every command takes. A subcommand's default must not override a value given before it."""
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="print one JSON object")
    parser.add_argument(
        "--project-root",
        metavar="DIR",
        default=SUPPRESS,
        help="the project's folder (default: that of the current directory)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", default=SUPPRESS, help="print results and errors only")
    parser.add_argument("--no-input", action="store_true", default=SUPPRESS, help="never ask")
    parser.add_argument("--no-pager", action="store_true", default=SUPPRESS, help="print long lists without a pager")
    parser.add_argument("--no-color", action="store_true", default=SUPPRESS, help="as --color=never")
    parser.add_argument("--color", choices=COLOURS, default=SUPPRESS, help="always: also where output is no terminal")


def add_task_key(parser: ArgumentParser, help: str, *, dest: str = "task_key", required: bool = False) -> Any:
    """One task, as `KEY` or as `--task-key KEY`, never both. Returns the group of the two, to which other ways to name
    the same thing may be added."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(dest, metavar="KEY", nargs="?", default=SUPPRESS, help=help)
    group.add_argument("--task-key", dest=dest, metavar="KEY", default="", help="the same, as a flag")
    return group


_EXAMPLES = "examples:\n"
_UNKNOWN = "unrecognized arguments:"
# By these a person agrees to something: nobody is led to them by a slip.
_AGREEING = ("--approve", "--push", "--pr", "--yes", "--trust")


class _Formatter(argparse.HelpFormatter):
    """Help of a fixed width unless shown at a terminal: the reference pages are generated from it."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=int(columns) - 2 if columns.isdigit() else 98)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Examples keep their lines."""
        return text if text.startswith(_EXAMPLES) else super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """argparse with okstra's errors. Abbreviated flags are refused, so that new flags break no script."""

    command = ""
    """Whose examples stand at the end of its help."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]

    def format_help(self) -> str:
        from .help_pages import examples_of

        self.epilog = examples_of(self.command) or None
        return super().format_help()

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> object:
        """Before Python 3.13, argparse takes the value of `--flag=--` for a separator and goes on without one."""
        if action.nargs is None and arg_strings == ["--"]:
            value: object = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            from .help_pages import nearest

            near = nearest(str(value), [str(one) for one in action.choices or ()])
            self._refuse(str(error), near)

    def error(self, message: str) -> NoReturn:
        from .help_pages import nearest

        unknown = message.partition(_UNKNOWN)[2].split()
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("-")), "")
        near = nearest(flag, _flags_of(self)) if flag else ""
        self._refuse(message, "" if near in (*_AGREEING, flag) else near)  # the flag itself: another action's

    def _refuse(self, message: str, near: str) -> NoReturn:
        hint = f"did you mean {near}? {self.prog} --help" if near else f"{self.prog} --help"
        raise UsageError("usage", message, where=self.prog, hint=hint)


def _flags_of(parser: argparse.ArgumentParser) -> list[str]:
    """Its flags, and those of its actions."""
    flags = [flag for action in parser._actions for flag in action.option_strings]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            flags += [flag for child in action.choices.values() for flag in _flags_of(child)]
    return flags


def build_parser(command: Command, called: str = "") -> tuple[argparse.ArgumentParser, ModuleType]:
    """The parser of one command, and its module. `called`: how the command line names it, if otherwise."""
    module = load(command)
    parser = Parser(prog=f"okstra {called or command.name}", description=module.__doc__)
    parser.command = command.name
    _configure(parser, command)
    return parser, module


def _configure(parser: argparse.ArgumentParser, command: Command) -> None:
    add_common_flags(parser)
    load(command).configure(parser)
    for flag, alias in modes_of(command.name).items():
        text = f"{alias.summary}; its own arguments: okstra {alias.alias_of} --help"
        parser.add_argument(flag, action="store_true", default=SUPPRESS, help=text)


def whole_parser(only: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """All of okstra as one parser, for completion and the manual page. `only`: the words of a command line, of whose
    commands the arguments are needed."""
    parser = Parser(prog="okstra")
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        child = commands.add_parser(command.name, help=command.shown_summary)
        if only is None or command.name in only:
            meant, _ = called_by([command.name, *(only or ())])
            _configure(child, meant or command)
    for name, summary in IN_NODE:
        commands.add_parser(name, help=summary)
    return parser


def text_from(path: str) -> str:
    """The file's text, or stdin's for `-`. Raises UsageError (`not-found`, `usage`), Unreadable.

    Stdin is read only for `-`: okstra would wait for ever for a pipe that nobody closes.
    """
    data = sys.stdin.buffer.read() if path == STDIN else files.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where="--from", hint="- stands for stdin")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            "usage", f"it is not UTF-8 text (byte {error.start})", where=path, hint="save it as UTF-8"
        ) from None


class Since(NamedTuple):
    """Either a point in time, as okstra writes them, or so many seconds ago."""

    point: str
    seconds_ago: int


def parse_since(text: str) -> Since:
    """Raises UsageError (`usage`)."""
    if "".join("0" if char in _DIGITS else char for char in text) in _POINTS:
        return Since(text.removesuffix("Z"), 0)
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not 1 <= len(number) <= 6 or not _DIGITS.issuperset(number):
        raise UsageError("usage", f"invalid --since {text!r}: expected 90m, 3h, 2d, 1w, or a day like 2026-11-23")
    return Since("", int(number) * _SECONDS[unit])


Row = TypeVar("Row")


def add_filters(parser: ArgumentParser, *, since: bool) -> None:
    """`--project` and `--task-key`, and `--since` where it is asked for."""
    parser.add_argument("--project", metavar="ID", default="", help="runs of this project only")
    add_task_key(parser, "runs of this task only")
    if since:
        parser.add_argument("--since", metavar="WHEN", default="", help="90m, 3h, 2d, 1w, or a day like 2026-11-23")


def add_limit(parser: ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, metavar="N", help="the newest N only")


def newest(rows: Sequence[Row], limit: int | None) -> Sequence[Row]:
    """The last `limit` rows; all without a limit. Raises UsageError (`usage`) for a negative one."""
    if limit is None:
        return rows
    if limit < 0:
        raise UsageError("usage", f"invalid --limit {limit}: expected a number of rows, e.g. --limit 20")
    return rows[max(0, len(rows) - limit) :]


def check_task(args: Namespace, call: Call) -> None:
    """A key that is no task's is an error, not an empty list. Raises UsageError (`task-unknown`, `bad-identity`)."""
    if args.task_key:
        from .tasks.catalog import require_task

        require_task(args.task_key, call.start, call.services)


def add_run_or_task(parser: ArgumentParser, help: str) -> None:
    """One run, or a task as `KEY` or `--task-key KEY`; see `settle_task`."""
    parser.add_argument("what", metavar="RUN|TASK", nargs="?", default="", help=help)
    parser.set_defaults(run="")
    parser.add_argument("--task-key", metavar="KEY", default="", help="runs of this task only")


def settle_task(args: Namespace) -> None:
    """A task's key where a run may stand is what `--task-key` says. Raises UsageError (`usage`) for two tasks."""
    if "/" in args.what:
        args.run = args.what
    elif args.what and args.task_key:
        raise UsageError("usage", f"{args.what} and --task-key {args.task_key} both name a task", hint="name one")
    elif args.what:
        args.task_key = args.what


def is_of(row: RunRow, args: Namespace) -> bool:
    """Whether the run is of the project and of the task that were asked for."""
    return row.is_of(args.project, args.task_key)


def oldest_wanted(since_when: str, call: Call) -> str:
    """The time from which on runs are wanted, as `--since` gives it; empty for all. Raises UsageError (`usage`)."""
    if not since_when:
        return ""
    since = parse_since(since_when)
    return since.point or call.services.clock.before(since.seconds_ago)


def short_names(label: str, args: Namespace) -> list[tuple[str, Named]]:
    """The arguments of a command (with its action) in which a short name was given; `tasks.named` finds what it stands
    for."""
    if label in _MAY_BE_NEW:
        return []
    return [
        (argument, kind)
        for argument, kind in _NAMING.items()
        for value in [getattr(args, argument, None)]
        if any(isinstance(one, str) and _is_short(kind, one) for one in (value if isinstance(value, list) else [value]))
    ]


def _is_short(kind: Named, value: str) -> bool:
    """Whether the value is a short name: not empty, and neither a key nor an id, nor the path of a plan."""
    if kind is Named.PLAN:
        is_path = os.sep in value or value.endswith(".md") or os.path.isfile(value)
        return bool(value) and not is_path
    if kind is Named.RUN or (kind is Named.RUN_OR_TASK and "/" in value):
        return bool(value) and not RunId.is_one(value)
    return bool(value) and value.count(":") < 2


def load(command: Command) -> ModuleType:
    """Imports the command's module."""
    module: ModuleType = __import__(f"{__package__}.commands.{command.module}", fromlist=["configure"])
    return module


def words_in(flag: str, text: str) -> list[str]:
    """The words of a flag's value that is itself a piece of a command line. Raises UsageError (`usage`)."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError("usage", f"{flag}: {str(error).lower()}", where=text) from None


def add_trust_flag(parser: ArgumentParser) -> None:
    parser.add_argument("--trust", action="store_true", help="run the commands of project.json unasked, this once")


def with_trust(args: Namespace, call: Call) -> Call:
    """The call with the project's commands trusted, if the flag says so."""
    from .settings.trust import TRUST_VARIABLE

    if not args.trust:
        return call
    environment = {**call.services.environment, TRUST_VARIABLE: "1"}
    return call._replace(services=call.services._replace(environment=environment))


def add_skip_teardown(parser: ArgumentParser) -> None:
    text = "remove worktrees without the project's `worktreeTeardown`, e.g. when it fails"
    parser.add_argument("--skip-teardown", action="store_true", help=text)


def add_wait_quota(parser: ArgumentParser) -> None:
    text = "wait up to so long for a provider's limit to end, e.g. 90m, 8h or 2d, and go on by itself"
    parser.add_argument("--wait-quota", metavar="TIME", default="", help=text)


def add_sandbox_flag(parser: ArgumentParser) -> None:
    from .sandbox.choice import CHOICES

    text = "how workers are contained (default: the setting `sandbox`)"
    parser.add_argument("--sandbox", choices=CHOICES, default="", help=text)


def with_sandbox(args: Namespace, call: Call) -> Call:
    """The call with the sandbox that the flag names, if it names one."""
    from .settings.sandbox_settings import VARIABLE as SANDBOX_VARIABLE

    if not args.sandbox:
        return call
    environment = {**call.services.environment, SANDBOX_VARIABLE: args.sandbox}
    return call._replace(services=call.services._replace(environment=environment))


def sandbox_flag(call: Call) -> list[str]:
    """The flag for a command that this one starts."""
    from .settings.sandbox_settings import VARIABLE as SANDBOX_VARIABLE

    chosen = call.services.environment.get(SANDBOX_VARIABLE, "")
    return [f"--sandbox={chosen}"] if chosen else []
