"""Completion at the command line: a script for bash, zsh or fish; and the task keys, runs and notes that it offers."""

from __future__ import annotations

import argparse
import os
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence

import argcomplete
from argcomplete.completers import SuppressCompleter
from argcomplete.shell_integration import shellcode

from ..agents.providers import BUILT_IN
from ..command_table import find
from ..errors import OkstraError
from ..names import ACP, CATEGORY_PREFIXES, RunId
from ..options import build_parser, whole_parser
from ..output import Reply
from ..services import Call, open_call
from ..settings.config import ANY_NAME, settings_of
from ..settings.phases import phase_table
from ..system import assets

DOORS = ("okstra", "okstra-ctl", "okstra.sh")
HOW_TO_LOAD = {
    "bash": 'in ~/.bashrc: eval "$(okstra completion bash)"',
    "zsh": 'in ~/.zshrc, after compinit: eval "$(okstra completion zsh)"',
    "fish": "once: okstra completion fish > ~/.config/fish/completions/okstra.fish",
}
# Where okstra's command begins: zsh hands over the whole line, with what stands before `&&` or `;` on it.
_COMMAND = re.compile(r"(?:^|[;&|(\n])\s*(?:\w+=\S*\s+)*((?:\S*/)?(okstra(?:-ctl|\.sh)?)\s)")
# An id with other characters would have to be quoted, and could hold what a shell carries out.
_PLAIN = frozenset("_.:/#@+-")

_GO = (
    """# okcd KEY: goes to the task's worktree.
okcd() {
  local place
  place=$(command okstra cd "$@") && cd -- "$place"
}
""",
    """# okcd KEY: goes to the task's worktree.
function okcd
  set -l place (command okstra cd $argv); and cd $place
end
""",
)

Completer = Callable[..., Iterable[str]]
_SHELLS = ("bash", "zsh", "fish")
_OFFERED = ("tasks", "runs", "notes")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "kind", metavar="KIND", choices=(*_SHELLS, *_OFFERED), help="bash, zsh or fish; tasks, runs or notes: the words"
    )


def execute(args: Namespace, call: Call) -> Reply:

    if args.kind in _OFFERED:
        words = offered(args.kind, call)
        return Reply({"words": words}, "\n".join(words))
    text = script(args.kind)
    return Reply({"shell": args.kind, "script": text}, text)


def script(shell: str) -> str:
    """The script that the shell sources. It calls `okstra` from the PATH, not the program that the line names."""
    first, _, rest = shellcode(DOORS, shell=shell, argcomplete_script="okstra").lstrip().partition("\n")
    return f"{first}\n# Completion of okstra for {shell}; {HOW_TO_LOAD[shell]}\n{rest}\n{_GO[shell == 'fish']}"


def complete() -> None:
    """Writes what can stand at the cursor to file descriptor 8, where the shell reads it, and ends the process."""
    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    begun = [match for match in _COMMAND.finditer(line) if match.end() <= point]
    start, door = (begun[-1].start(1), begun[-1][2]) if begun else (0, "okstra")
    os.environ.update(COMP_LINE=line[start:], COMP_POINT=str(point - start))
    run = find("run") if door == "okstra.sh" else None
    parser = build_parser(run)[0] if run else whole_parser(only=line[start:].split())
    _attach(parser, open_call(None))
    argcomplete.autocomplete(
        parser, always_complete_options=False, exclude=("-h",), default_completer=SuppressCompleter()
    )


def offered(kind: str, call: Call) -> list[str]:
    """The keys of tasks, or the ids of runs or notes; the newest first, because they are needed most often."""
    if kind == "notes":
        from ..history import memory

        return _plain(note.id for note in memory.list_notes(call.services).notes)
    from ..history.listing import run_rows

    runs = [row.run_id for row in reversed(run_rows(call.services))]
    return _plain(runs if kind == "runs" else dict.fromkeys(map(_task_of, runs)))


def _plain(words: Iterable[str]) -> list[str]:
    return [word for word in words if word and all(char.isalnum() or char in _PLAIN for char in word)]


def _task_of(run_id: str) -> str:
    try:
        return str(RunId.parse(run_id).task)
    except OkstraError:
        return ""


def _attach(parser: argparse.ArgumentParser, call: Call) -> None:
    """Sets the completer of every argument without choices, by its flag or its metavar."""
    by_name = _by_name(call)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                _attach(child, call)
        elif action.choices is None and action.nargs != 0:
            flag, metavar = (action.option_strings or [""])[-1], str(action.metavar)
            spelled = [word for word in metavar.split("|") if word.islower()] if "|" in metavar else []
            completer = by_name.get(flag) or by_name.get(metavar) or (_fixed(spelled) if spelled else None)
            if completer:
                action.completer = completer  # type: ignore[attr-defined]


def _by_name(call: Call) -> dict[str, Completer]:
    found: dict[str, Completer] = {
        "--task-type": lambda **_: tuple(phase_table(assets.toml("prompts", "phases.toml")).phases),
        "--work-category": _fixed(tuple(CATEGORY_PREFIXES)),
        "--critic": lambda **_: (*_providers(), "off"),
        "SETTING": lambda **_: _settings(),
        "KEY": lambda **_: offered("tasks", call),
        "RUN": lambda **_: offered("runs", call),
        "RUN|TASK": lambda **_: offered("runs", call),
        "NOTE": lambda **_: offered("notes", call),
    }
    found |= dict.fromkeys(("--provider", "--executor", "--workers"), lambda **_: _providers())
    return found | dict.fromkeys(("FILE", "PATH", "DIR", "PLAN", "BRIEF"), _paths)


def _providers() -> tuple[str, ...]:
    agents = assets.toml("prompts", "agents.toml")
    return (*BUILT_IN, *(f"{ACP}{name}" for name, given in agents.items() if isinstance(given, dict)))


def _fixed(words: Sequence[str]) -> Completer:
    return lambda **_: words


def _settings() -> list[str]:
    return [
        setting.key
        for name in ("config", "project")
        for setting in settings_of(assets.schema(name))
        if ANY_NAME not in setting.key and setting.key != "schema"
    ]


def _paths(prefix: str, **_: object) -> list[str]:
    """Files and folders with that prefix. argcomplete's own completer would start a bash for them."""
    folder, name = prefix[: prefix.rfind("/") + 1], prefix[prefix.rfind("/") + 1 :]
    try:
        entries = list(os.scandir(os.path.expanduser(folder) or "."))
    except OSError:
        return []
    return [
        f"{folder}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.isprintable() and (name or not entry.name.startswith("."))
    ]
