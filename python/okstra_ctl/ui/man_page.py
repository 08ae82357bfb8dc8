"""The manual page `okstra(1)`, made from the command table and each command's parser, in man's own language."""

from __future__ import annotations

import argparse

from .. import __version__
from ..words.error_codes import EXIT_MEANINGS
from ..words.hints import Iterator
from .command_table import COMMANDS, IN_NODE, Command
from .parser import build_parser

_COMMON = ("help", "json", "project_root")
_ENVIRONMENT = {
    "OKSTRA_HOME": "okstra's home, instead of ~/.okstra",
    "OKSTRA_PYTHON": "the Python that runs okstra, instead of the one recorded at install",
    "OKSTRA_DEBUG": "1: a bug shows its traceback",
    "OKSTRA_WORKTREE_SYNC_DIRS": "files and folders that a new worktree gets, colon-separated",
    "OKSTRA_DEFAULT_<SLOT>_MODEL": "the model of a slot, where neither flag nor config.json names one",
    "NO_COLOR": "no colours at a terminal",
}
_FILES = {
    "<project>/.okstra/project.json": "the project's settings",
    "<project>/.okstra/tasks/": "tasks: manifests, prompts, results, reports, ledgers",
    "~/.okstra/config.json": "a person's settings",
    "~/.okstra/worktrees/": "the worktrees, and registry.json: who holds which",
    "~/.okstra/active.jsonl, recent.jsonl, archive/": "the index that okstra list reads",
}


def man_page() -> str:
    """Its text in roff."""
    lines = [
        r".\" made by `make docs` from the code: change it there",
        f'.TH OKSTRA 1 "" "okstra {__version__}" "User Commands"',
        ".SH NAME",
        _text("okstra - one software task as a chain of phases, done by coding agents that check one another"),
        ".SH SYNOPSIS",
        r".B okstra",
        r"\fICOMMAND\fR [\fIARGUMENT\fR...] [\-\-json] [\-\-project\-root \fIDIR\fR]",
        ".SH DESCRIPTION",
        _text("Every task and every implementation stage works in a git worktree of its own; every run leaves a"),
        _text("validated record on disk. Answers go to standard output, all talk to standard error."),
        ".SH OPTIONS OF EVERY COMMAND",
        *_entry(r"\fB\-\-json\fR", "answer with one JSON object, for failures too"),
        *_entry(r"\fB\-\-project\-root\fR \fIDIR\fR", "the project's folder; default: the repository one stands in"),
        *_entry(r"\fB\-\-help\fR", "the flags of a command"),
    ]
    for group in dict.fromkeys(command.group for command in COMMANDS):
        lines.append(f".SH {_text(group.upper())}")
        for command in COMMANDS:
            if command.group == group:
                lines += _command(command)
    lines.append(".SH INSTALLATION")
    for name, summary in IN_NODE:
        lines += _entry(rf"\fBokstra {name}\fR", summary)
    for title, rows in (
        ("EXIT STATUS", {str(status): meaning for status, meaning in EXIT_MEANINGS.items()}),
        ("ENVIRONMENT", _ENVIRONMENT),
        ("FILES", _FILES),
    ):
        lines.append(f".SH {title}")
        for name, meaning in rows.items():
            lines += _entry(rf"\fB{_text(name)}\fR", meaning)
    lines += [".SH SEE ALSO", r"\fBgit\-worktree\fR(1)"]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> Iterator[str]:
    parser, _ = build_parser(command)
    yield rf".SS okstra {_text(command.name)}"
    yield _sentence(command.summary)
    subcommands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subcommands:
        yield from _arguments(parser)
    for action in subcommands:
        helps = {choice.dest: str(choice.help) for choice in action._choices_actions}
        for name, child in action.choices.items():
            yield from _entry(rf"\fBokstra {_text(command.name)} {_text(name)}\fR", helps[name])
            yield ".RS"
            yield from _arguments(child)
            yield ".RE"


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.dest in _COMMON:
            continue
        value = str(action.metavar or ("|".join(map(str, action.choices)) if action.choices else ""))
        flags = ", ".join(rf"\fB{_text(flag)}\fR" for flag in action.option_strings)
        shown = " ".join(filter(None, [flags, rf"\fI{_text(value)}\fR" if value else ""]))
        yield from _entry(shown, str(action.help))


def _entry(term: str, meaning: str) -> list[str]:
    return [".TP", term, _text(meaning)]


def _sentence(text: str) -> str:
    return _text(f"{text[:1].upper()}{text[1:]}.")


def _text(text: str) -> str:
    """Plain text in roff: hyphens stay hyphens, and no line begins with one of its commands."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("\n", " ")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
