"""Completion at the command line: a script for bash, zsh or fish; and the task keys, runs and notes that it offers."""

from __future__ import annotations

from ...core.identity import RunId
from ...words.errors import OkstraError
from ...words.hints import ArgumentParser, Namespace
from ..command_table import Call
from ..reply import Reply

_SHELLS = ("bash", "zsh", "fish")
_OFFERED = ("tasks", "runs", "notes")
# A key with other signs in it would have to be quoted, and could hold what a shell carries out.
_PLAIN_SIGNS = frozenset("_.:/#@+-")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "kind", metavar="KIND", choices=(*_SHELLS, *_OFFERED), help="bash, zsh or fish; tasks, runs or notes: the words"
    )


def execute(args: Namespace, call: Call) -> Reply:
    if args.kind in _OFFERED:
        words = [
            word
            for word in _words(args.kind, call)
            if word and all(char.isalnum() or char in _PLAIN_SIGNS for char in word)
        ]
        return Reply({"words": words}, "\n".join(words))
    from ..completion import bourne, fish
    from ..completion.grammar import grammar

    scripts = {"bash": bourne.bash_script, "zsh": bourne.zsh_script, "fish": fish.fish_script}
    script = scripts[args.kind](grammar())
    return Reply({"shell": args.kind, "script": script}, script)


def _is_plain(word: str) -> bool:
    """Whether a shell takes it as it stands."""
    return word != "" and all(char.isalnum() or char in _PLAIN_SIGNS for char in word)


def _words(kind: str, call: Call) -> list[str]:
    """The newest first, for that is what is meant most often."""
    if kind == "notes":
        from ...flows import memory

        return [note.id for note in memory.list_notes(call.doors).notes]
    from ...flows.overview import run_rows

    runs = [row.run_id for row in reversed(run_rows(call.doors))]
    return runs if kind == "runs" else list(dict.fromkeys(key for run in runs if (key := _task_of(run))))


def _task_of(run_id: str) -> str:
    try:
        return str(RunId.parse(run_id).task)
    except OkstraError:
        return ""
