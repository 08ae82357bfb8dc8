"""Writes `docs/reference/` from the code: commands, errors, phases, settings, the manual page.

`make docs` runs it; a test holds them equal.
"""

from __future__ import annotations

import argparse
import os
import sys

from .command_table import COMMANDS, Command
from .error_codes import ERROR_CODES, EXIT_MEANINGS
from .man_page import man_page
from .options import build_parser
from .settings.keys import settings_of
from .settings.phases import phase_table
from .system import assets
from .system.json_text import loads
from .verbs import VERBS, Verb

_MADE = "<!-- made by `make docs` from the code: change it there -->\n"


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
    lines = [_MADE, "# Commands", "", "Every command takes `--json` (one object on stdout, also for failures) and"]
    lines += ["`--project-root DIR`. People's talk goes to stderr. For the exit statuses see [errors](errors.md).", ""]
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
    return [*lines, *(f"| `okstra {label}` | {_said(verb)} |" for label, verb in VERBS.items())]


def _said(verb: Verb) -> str:
    flags = [f"`--{flag.replace('_', '-')}`" for flag in verb.unless or verb.only_with]
    if not verb.changes:
        return "reads"
    return f"changes{' unless ' if verb.unless else ' with ' if flags else ''}{' or '.join(flags)}"


def _command(command: Command) -> list[str]:
    parser, _ = build_parser(command)
    lines = [f"## okstra {command.name}", "", str(parser.description), ""]
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
        if action.dest in ("help", "json", "project_root"):
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
        "From `prompts/phases.toml`, which the core, the prompts and the validators read too.",
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
        for one in settings_of(loads(assets.text("schemas", f"{schema}-v1.schema.json"))):
            default = f"`{one.shape['default']}`" if "default" in one.shape else ""
            lines.append(f"| `{one.key}` | {one.kind} | {default} | {one.meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
