"""The manual page `okstra(1)`, by argparse-manpage from the commands' own parsers. For `make docs` alone."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from argparse_manpage.manpage import Manpage

from . import __version__
from .error_codes import EXIT_MEANINGS
from .options import whole_parser
from .shared_flags import add_common_flags

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
    "~/.okstra/index.sqlite3": "the index that okstra list reads",
}
_DESCRIPTION = (
    "Every task and every implementation stage works in a git worktree of its own; every run leaves a validated record "
    "on disk. Answers go to standard output, all talk to standard error."
)


def man_page() -> str:
    """Its text in roff."""
    parser = whole_parser()
    add_common_flags(parser)
    parser.description = _DESCRIPTION
    _prepare(parser, is_root=True)
    page = Manpage(parser, format="single-commands-section")
    page.description = "one software task as a chain of phases, done by coding agents that check one another"
    page.date, page.source, page.manual = "", f"okstra {__version__}", "User Commands"
    page.add_section("exit status", "=", _rows({str(status): text for status, text in EXIT_MEANINGS.items()}))
    page.add_section("environment", "=", _rows(_ENVIRONMENT))
    page.add_section("files", "=", _rows(_FILES))
    page.add_section("see also", "=", r"\fBgit\-worktree\fR(1)")
    header, rest = str(page).split("\n", 1)
    return f'{header}\n.\\" made by `make docs` from the code: change it there\n{rest}'


def _prepare(parser: argparse.ArgumentParser, *, is_root: bool) -> None:
    """A usage that every Python writes alike, no line breaks by this terminal's width, the common flags only once."""
    parser.formatter_class = _Unwrapped
    places = [action for action in parser._actions if not action.option_strings]
    parser.usage = " ".join(["%(prog)s", *(_place(action) for action in places), "[options]"])
    for action in parser._actions:
        if action.dest in ("json", "project_root") and not is_root:
            action.help = argparse.SUPPRESS
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                _prepare(child, is_root=False)


class _Unwrapped(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=100_000)


def _place(action: argparse.Action) -> str:
    shown = str(action.metavar or "|".join(map(str, action.choices or ())))
    return f"[{shown}]" if action.nargs in ("?", "*") else shown


def _rows(rows: Mapping[str, str]) -> str:
    return "\n".join(
        line for name, text in rows.items() for line in (".TP", rf"\fB{_escaped(name)}\fR", _escaped(text))
    )


def _escaped(text: str) -> str:
    return text.replace("\\", r"\e").replace("-", r"\-")
