"""Generates `docs/reference/` from the code: commands, errors, phases, settings, the manual page.

`make docs` runs it; a test checks that they are up to date.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from argparse_manpage.manpage import Manpage

from . import __version__
from .command_table import COMMANDS, VERBS, Command, Verb
from .errors import ERROR_CODES, EXIT_MEANINGS
from .help_texts import ENVIRONMENT, EXAMPLES, FILES, SET_FOR_OTHERS
from .options import COMMON, add_common_flags, build_parser, whole_parser
from .settings.config import settings_of
from .settings.phases import phase_table
from .system import assets

_DESCRIPTION = (
    "Every task and every implementation stage works in a git worktree of its own; every run leaves a validated record "
    "on disk. Output goes to standard output, messages to standard error."
)
_MADE = "<!-- made by `make docs` from the code: change it there -->\n"
_LOOSENING = (
    "| `sandbox` | config.json; `--sandbox`, `OKSTRA_SANDBOX` for once | `auto` | you |",
    "| `sandboxRequired` | config.json, project.json | `false` | you; a project `true` |",
    "| `sandboxShow`, `sandboxWritable`, `sandboxPorts` | config.json, project.json | none "
    "| you; a project once trusted |",
    "| `checkNetwork` | config.json, project.json | `true` | you; a project `false` |",
    "| `evidence.execute` | config.json | `contained` | you |",
    "| `convergence.quorum` | config.json, project.json; `--quorum` for once | `2` | you; a project a larger one |",
    "| `worktreeSetup`, `worktreeTeardown`, `qaCommands`, `providers.rehearsal.script` | project.json | none "
    "| a project once trusted |",
    "| `claims` | project.json | `off` | a project once trusted |",
    "| `providers.NAME`, `agents.NAME` | config.json | none | you |",
)


def man_page() -> str:
    """The manual page in roff."""
    parser = whole_parser()
    add_common_flags(parser)
    parser.description = _DESCRIPTION
    _prepare(parser, is_root=True)
    page = Manpage(parser, format="single-commands-section")
    page.description = "one software task as a chain of phases, done by coding agents that check one another"
    page.date, page.source, page.manual = "", f"okstra {__version__}", "User Commands"
    page.add_section("exit status", "=", _rows({str(status): text for status, text in EXIT_MEANINGS.items()}))
    page.add_section("environment", "=", _rows(ENVIRONMENT))
    page.add_section("files", "=", _rows(FILES))
    shown = {f"okstra {words}": text for rows in EXAMPLES.values() for words, text in rows}
    page.add_section("examples", "=", _rows(shown))
    page.add_section("see also", "=", r"\fBgit\-worktree\fR(1)")
    header, rest = str(page).split("\n", 1)
    return f'{header}\n.\\" made by `make docs` from the code: change it there\n{rest}'


def _prepare(parser: argparse.ArgumentParser, *, is_root: bool) -> None:
    """Makes the output independent of Python's version and the terminal's width, with the common flags only once."""
    parser.formatter_class = _Unwrapped
    places = [action for action in parser._actions if not action.option_strings]
    parser.usage = " ".join(["%(prog)s", *(_place(action) for action in places), "[options]"])
    for action in parser._actions:
        if action.dest in COMMON and not is_root:
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


def pages() -> dict[str, str]:
    """File name to text of every page."""
    return {
        "commands.md": _commands(),
        "errors.md": _errors(),
        "phases.md": _phases(),
        "settings.md": _settings(),
        "okstra.1": man_page(),
    }


def main() -> int:
    folder = os.path.join(assets.root(), "docs", "reference")
    os.makedirs(folder, exist_ok=True)
    for name, text in pages().items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        sys.stderr.write(f"wrote docs/reference/{name}\n")
    return 0


def _commands() -> str:
    lines = [_MADE, "# Commands", ""]
    lines += ["Every command takes `--json` (one object on stdout, also for failures), `--quiet`, `--no-input`,"]
    lines += ["`--color WHEN`, `--no-color`, `--no-pager` and `--project-root DIR`, before it or after."]
    lines += ["Messages go to stderr."]
    lines += ["For the exit statuses see [errors](errors.md).", ""]
    for command in COMMANDS:
        lines += _command(command)
    return "\n".join([*lines, *_verbs()]).rstrip() + "\n"


def _verbs() -> list[str]:
    lines = [
        "## Who may call what",
        "",
        "A command that changes something is refused to a worker of a run (exit 3, `worker-may-not`);",
    ]
    lines += ["what reads is not. See [who can harm whom](../design/threats.md).", "", "| command | |", "|---|---|"]
    return [*lines, *(f"| `okstra {label}` | {_verb_text(verb)} |" for label, verb in VERBS.items())]


def _verb_text(verb: Verb) -> str:
    flags = [f"`--{flag.replace('_', '-')}`" for flag in verb.unless or verb.only_with]
    if not verb.changes:
        return "reads"
    return f"changes{' unless ' if verb.unless else ' with ' if flags else ''}{' or '.join(flags)}"


def _command(command: Command) -> list[str]:
    parser, _ = build_parser(command)
    lines = [f"## okstra {command.name}", ""]
    if command.alias_of:
        does = "takes these arguments" if all(command.mode) else "does this and more"
        lines += [f"Alias of `okstra {command.alias_of}`, which {does}.", ""]
    lines += [str(parser.description), ""]
    shown = [f"okstra {words}    # {text}" for words, text in EXAMPLES.get(command.name, ())]
    lines += ["```", *shown, "```", ""] if shown else []
    subcommands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subcommands:
        return [*lines, *_flags(parser), ""]
    for action in subcommands:
        helps = {choice.dest: choice.help for choice in action._choices_actions}
        for name, child in action.choices.items():
            lines += [f"### okstra {command.name} {name}", "", f"{helps[name]}", "", *_flags(child), ""]
    return lines


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    rows = []
    for action in parser._actions:
        if action.dest in ("help", *COMMON):
            continue
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        shown = " ".join([*action.option_strings, str(value)] if action.option_strings else [str(value)]).strip()
        needed = "yes" if action.required and action.nargs != "?" else ""
        rows.append(f"| `{shown.replace('|', chr(92) + '|')}` | {needed} | {action.help} |")
    return ["| argument | required | meaning |", "|---|---|---|", *rows] if rows else ["No flags of its own."]


def _errors() -> str:
    lines = [_MADE, "# Errors and exit statuses", ""]
    lines += ["An error is printed on stderr as `okstra: error: …`, then where it is and what to try; with `--json`"]
    lines += ["it stands in `errors` as `code`, `message`, `where`, `try`. Codes are stable.", ""]
    lines += ["| exit | means |", "|---|---|"]
    lines += [f"| {status} | {meaning} |" for status, meaning in EXIT_MEANINGS.items()]
    lines += ["", "| code | exit | meaning |", "|---|---|---|"]
    lines += [f"| `{word}` | {code.exit_status} | {code.meaning} |" for word, code in ERROR_CODES.items()]
    return "\n".join(lines) + "\n"


def _phases() -> str:
    lines = [
        _MADE,
        "# Phases",
        "",
        "From `prompts/phases.toml`, which the code, the prompts and the validators read too.",
        "",
    ]
    for phase in phase_table(assets.toml("prompts", "phases.toml")).phases.values():
        lines += [f"## {phase.task_type}", "", phase.summary, ""]
        lines += [f"- its report holds: {'; '.join(phase.report_holds)}"]
        lines += [f"- source edits: {phase.source_edits}", f"- allowed: {'; '.join(phase.allowed)}"]
        lines += [f"- forbidden: {'; '.join(phase.forbidden)}", f"- usual next: {phase.usual_next}"]
        lines += [f"- a task that is begun with it is a {phase.work_category}, unless `--work-category` says otherwise"]
        lines += [f"- roles: {', '.join(phase.roles)}; default workers: {', '.join(phase.workers)}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _settings() -> str:
    lines = [_MADE, "# Settings", "", "`okstra config list`, `get`, `set` and `unset` read and change them;"]
    lines += ["a person may edit the files as well. `NAME` stands for a name that you choose.", ""]
    for title, schema in (("config.json, in okstra's home", "config"), ("project.json, with --project", "project")):
        lines += [f"## {title}", "", "| setting | value | default | meaning |", "|---|---|---|---|"]
        for one in settings_of(assets.schema(schema)):
            default = f"`{one.shape['default']}`" if "default" in one.shape else ""
            lines.append(f"| `{one.key}` | {one.kind} | {default} | {one.meaning} |")
        lines.append("")
    for title, variables in (("Variables that okstra reads", ENVIRONMENT), ("… and sets for others", SET_FOR_OTHERS)):
        lines += [f"## {title}", "", "| variable | meaning |", "|---|---|"]
        lines += [
            f"| {', '.join(f'`{one}`' for one in names.split(', '))} | {text} |" for names, text in variables.items()
        ]
        lines.append("")
    lines += [
        "## Who may loosen what",
        "",
        "A project's file alone may only tighten: whoever can write to a repository",
    ]
    lines += ["can write it. What loosens counts there once a person has seen and trusted it (`okstra trust`).", ""]
    lines += ["| setting | where | default | who may |", "|---|---|---|---|", *_LOOSENING]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
