"""The command line: finds the command, parses its flags, and is the one place where errors are caught and printed."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from . import __version__
from .command_table import COMMANDS, IN_NODE, called_by, find, verb_of
from .errors import EXIT_OK, InternalError, Interrupted, Missing, OkstraError, UsageError, WorkFailed
from .options import build_parser, load, short_names
from .output import Mode, OutputFailed, Reply, flush_output, is_quiet, print_error, print_reply, set_mode
from .services import Call, Services, open_call
from .system import assets, inspection
from .system.inspection import Contained, Look
from .system.text import printable

_LISTS = (
    *("list", "status", "history", "usage", "config list", "worktree list", "report find", "memory list"),
    *("error-log", "schedule", "time-summary", "stage list", "projects"),
)
_SWITCHES = ("--json", "-q", "--quiet", "--no-input", "--no-color", "--no-pager")
_WITH_VALUE = ("--project-root", "--color")
_ENDS = "--"


def become_node(words: Sequence[str]) -> NoReturn:
    """Raises Missing (`assets-missing`, `dependency-missing`)."""
    program = os.path.join(assets.root(), "src", "main.js")
    if not os.path.isfile(program):
        raise Missing(
            "assets-missing", "this okstra has no `okstra install` in it", where=program, hint="install okstra anew"
        )
    import shutil

    from .system import processes

    node = shutil.which("node")
    if node is None:
        raise Missing(
            "dependency-missing",
            f"`okstra {words[0]}` needs Node.js 18 or newer, and there is no node on the PATH",
            where=program,
            hint="install Node.js 18 or newer, then do it again; all other commands work without it",
        )
    environment = {**os.environ, "OKSTRA_PYTHON": sys.executable}
    processes.become([node, program, *words], environment, ".")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    words = behind_the_command(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
    name = words[0] if words and find(words[0]) else "okstra"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    carry_out(words)
    try:
        return _run(name, words, as_json=as_json)
    except BrokenPipeError:
        _give_up_output()
        return EXIT_OK
    except OutputFailed as error:
        _give_up_output()
        return print_error(name, error, as_json=False)


def _give_up_output() -> None:
    """Discards what is left in stdout's buffer: it can't be written, and must not fail again when okstra ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(name: str, words: list[str], *, as_json: bool) -> int:
    try:
        status = _dispatch(words, as_json=as_json)
        flush_output()
        if not as_json and sys.stderr.isatty() and not is_quiet():
            _warn_of_other_version()
        return status
    except OkstraError as error:
        return print_error(name, error, as_json=as_json)
    except KeyboardInterrupt:
        return print_error(name, Interrupted("interrupted", "interrupted"), as_json=as_json)
    except (BrokenPipeError, OutputFailed):
        raise
    except ModuleNotFoundError as error:
        if os.environ.get("OKSTRA_DEBUG") == "1":
            raise
        return print_error(name, _package_missing(error), as_json=as_json)
    except Exception as error:
        if os.environ.get("OKSTRA_DEBUG") == "1":
            raise
        return print_error(name, _refused_by_the_system(error) or _logged(error), as_json=as_json)


def _dispatch(words: list[str], *, as_json: bool) -> int:
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what can stand at the cursor
        from .commands.completion import complete

        complete()
    if words[:1] == ["help"]:
        from .help_pages import page_of

        named = [word for word in words[1:] if not word.startswith("-")]
        page = page_of(named[0]) if named else None
        if page is not None:
            return print_reply("help", _help_reply(page), as_json=as_json)
        words = [*words[1:], "--help"] if named else words
    if not words or is_common(words[0]) or words[0] in ("-h", "--help", "help"):
        from .help_pages import top_page

        return print_reply("help", _help_reply(top_page(first_time=_is_first_time())), as_json=as_json)
    if words[0] in ("--version", "-V", "version"):
        return print_reply("version", Reply({"version": __version__}, f"okstra {__version__}"), as_json=as_json)
    if words[0] in dict(IN_NODE):
        become_node(words)
    command, rest = called_by(words)
    if command is None:
        from .help_pages import TOPICS, nearest

        near = nearest(words[0], [*(one.name for one in COMMANDS), "help", *TOPICS])
        hint = f"okstra {'help ' if near in TOPICS else ''}{near}" if near else "okstra help all lists them"
        raise UsageError("usage", f"there is no command {words[0]!r}", hint=hint)
    module = load(command)
    called = words[0] if words[0] == command.name else command.alias_of
    args = build_parser(command, called)[0].parse_args(rest)
    call = open_call(getattr(args, "project_root", None))
    inspection.use(partial(_look_contained, call.services))
    label = " ".join(part for part in (command.name, getattr(args, "action", None)) if part)
    try:
        if verb_of(label).changes_with(args):
            from .leadership import require_no_worker

            require_no_worker(label, call.services)
        short = short_names(label, args)
        if short:
            from .tasks.named import with_full_names

            with_full_names(args, short, call)
        reply = module.execute(args, call)
        if not as_json and sys.stdout.isatty():
            reply = _fitted(reply, call)
            if label in _LISTS and not getattr(args, "no_pager", False):
                reply = _in_pager(reply, call)
        return print_reply(label, reply, as_json=as_json)
    except OkstraError as error:
        return print_error(label, error, as_json=as_json)


def _fitted(reply: Reply, call: Call) -> Reply:
    """The reply's text no wider than the terminal."""
    from .system.folding import folded
    from .terminal import screen_of  # slow to import

    return reply._replace(text=folded(reply.text, screen_of(sys.stdout, call.services.environment).columns))


def _in_pager(reply: Reply, call: Call) -> Reply:
    """As git does: what is longer than the terminal goes through $PAGER, else less. Returns what is left to print."""
    from .system import processes

    environment = call.services.environment
    text = reply.drawn or printable(reply.text)
    pager = environment.get("PAGER", "less")
    try:
        rows = os.get_terminal_size(sys.stdout.fileno()).lines
    except OSError:
        return reply
    if pager in ("", "cat") or environment.get("TERM", "dumb") == "dumb" or not 0 < rows <= text.count("\n") + 1:
        return reply
    flush_output()
    shown = processes.paged(text + "\n", pager, {"LESS": "FRX", **environment})
    return reply._replace(text="", drawn="") if shown else reply


def _look_contained(services: Services, look: Look, wanted: Contained) -> Contained:
    from .runs.inspection import contained  # only for worktrees in which something contained has worked

    return contained(look, wanted, services)


def _help_reply(page: str) -> Reply:
    return Reply({"commands": [one._asdict() for one in COMMANDS]}, page)


def _is_first_time() -> bool:
    """Whether nothing was ever done here: there is no home yet."""
    try:
        return not os.path.isdir(open_call(None).services.home.root)
    except OkstraError:
        return False


def _warn_of_other_version() -> None:
    """Warns when skills, agents and runtime are of another version: npm or pip updated only the commands."""
    try:
        with open(open_call(None).services.home.installed_version, encoding="utf-8") as file:
            installed = file.readline().strip()
    except (OSError, ValueError, OkstraError):
        return
    if installed != __version__:
        warning = f"okstra: warning: `okstra install` was last run by version {installed}, and this is {__version__}"
        sys.stderr.write(printable(f"{warning}\n  try: okstra install") + "\n")


def _package_missing(error: ModuleNotFoundError) -> OkstraError:
    """The error for a package that is not installed; a missing module of okstra's own is a bug."""
    name = error.name or ""
    if not name or name.split(".")[0] == __package__.split(".")[0]:
        return _logged(error)
    return Missing(
        "dependency-missing",
        f"the Python package {name} is not installed",
        where=sys.executable,
        hint="okstra install; or, in a checkout of okstra, make setup",
    )


def _refused_by_the_system(error: Exception) -> OkstraError | None:
    """The error for a shortage of the machine (files, memory, disk); None for any other exception."""
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "raise the limit of open files: ulimit -n 256"
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free space on that disk, then call it again"
    elif error.errno in (errno.ENOMEM, errno.EAGAIN):
        hint = "end other programs or raise the limits of memory and processes (ulimit -a), then call it again"
    elif error.errno in (errno.EROFS, errno.EIO):
        hint = "look at the disk: it is read-only, or fails"
    else:
        return None
    return WorkFailed(
        "system-refused", f"the system refused: {error.strerror}", where=str(error.filename or ""), hint=hint
    )


def _logged(error: Exception) -> InternalError:
    """Writes the traceback to a log in okstra's home; if that fails, the message says so."""
    import traceback

    text = "".join(traceback.format_exception(error))
    try:
        from .system import files

        log = open_call(None).services.home.bug_log
        files.make_folder(os.path.dirname(log))
        with open(log, "a", encoding="utf-8", errors="backslashreplace", opener=files.private) as file:
            file.write(f"okstra {__version__}: {' '.join(sys.argv[1:])}\n{text}\n")
    except (OSError, OkstraError):
        log = "(the log could not be written)"
    return InternalError(
        "internal-error",
        f"a bug in okstra: {type(error).__name__}: {error}",
        where=log,
        hint="please report it with that log; OKSTRA_DEBUG=1 shows the traceback",
    )


def behind_the_command(words: Sequence[str]) -> list[str]:
    """The words with common flags that stand before the command moved behind it."""
    leading, rest = list[str](), list(words)
    while rest and is_common(rest[0]):
        leading.append(rest.pop(0))
        if leading[-1] in _WITH_VALUE and rest:
            leading.append(rest.pop(0))
    return [*rest[:1], *leading, *rest[1:]] if rest else leading


def is_common(word: str) -> bool:
    return word in _SWITCHES or word.partition("=")[0] in _WITH_VALUE


def carry_out(words: Sequence[str]) -> None:
    """Sets what the flags say of output and input. Wrong values are the parser's to refuse."""
    given = list(words[: words.index(_ENDS)]) if _ENDS in words else list(words)
    colour = ""  # the last one counts
    for place, word in enumerate(given):
        if word == "--no-color":
            colour = "never"
        elif word == "--color" and place + 1 < len(given):
            colour = given[place + 1]
        elif word.startswith("--color="):
            colour = word.partition("=")[2]
    if colour == "never":
        os.environ["NO_COLOR"] = "1"
    if colour == "always":
        os.environ.pop("NO_COLOR", None)
        os.environ["FORCE_COLOR"] = "1"
    set_mode(Mode(quiet="-q" in given or "--quiet" in given, draws_always=colour == "always"))
    if "--no-input" in given and sys.stdin.isatty():  # what is piped in is no question
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
