"""The tools that are offered, made from the parsers of okstra's own commands: names, texts and schemas have one home.

Whoever calls them is a program, often an agent. So what a person alone may say has no name here: no tool approves,
trusts, pushes, merges, hands off, chooses how workers are contained, or leads a run by the caller's session.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..command_table import find
from ..errors import UsageError
from ..names import HANDOFF, REVIEW
from ..options import build_parser
from ..settings.phases import phase_table
from ..system import assets

RUN, WAIT = "run", "wait"
PATIENCE = 50.0  # seconds: many clients give a call up after a minute
LONGEST_WAIT = 86400
_PLACE = "project_root"
_ROSTER = ("provider", "workers", "executor", "report_writer", "critic")
_REQUEST = ("words", "task_type", "task_key", "task_group", "task_id", "stage", "issue", "task_brief", "work_category")
_LIMITS = ("budget", "quorum", "directive", "related_tasks", "clarification_response", "report_language", "fix_cycle")


class Tool(NamedTuple):
    """`words` are the command and its action; `takes` the arguments of it that a caller may give."""

    name: str
    words: tuple[str, ...]
    takes: tuple[str, ...]
    reads: bool = True
    says: str = ""
    """Its description, where the command table's is not true here."""


TOOLS = (
    Tool("list", ("list",), ("project", "task_key", "since", "task_type", "status", "limit", "all")),
    Tool("show", ("show",), ("run",)),
    Tool("status", ("status",), ("project", "task_key")),
    Tool("stage_list", ("stage", "list"), ("task_key", "plan")),
    Tool("next", ("next",), ("task_key",), says="where a task stands, and its next step as a command; nothing is done"),
    Tool(
        "report",
        ("report", "find"),
        ("task_key", "type"),
        says="the reports of a project or task, each with the paths of its pages",
    ),
    Tool(
        RUN,
        ("run",),
        (*_REQUEST, *_ROSTER, *_LIMITS, "dry_run"),
        reads=False,
        says="start a task from a sentence, or its next phase; okstra leads it. The answer comes as soon as it is "
        "prepared, `wait` waits for its end. Approving a plan, pushing and merging stay with the person",
    ),
    Tool(
        WAIT,
        ("wait",),
        ("run", "awaited", "timeout"),
        says="wait for a run's end, or for its workers' results (`for`), 50 seconds unless `timeout` says otherwise; "
        "then `ended` is empty or timeout, and it may be called again",
    ),
)
_LONGEST = 100_000
"""Bytes of one argument: Linux takes no longer word in a command line than 128 KiB."""
_TYPES: Mapping[object, str] = {int: "integer", float: "number"}


def tool_named(name: str) -> Tool | None:
    return next((tool for tool in TOOLS if tool.name == name), None)


def description_of(tool: Tool) -> str:
    command = find(tool.words[0])
    assert command is not None
    helps = {one.dest: one.help for one in _subcommands(build_parser(command)[0])}
    return tool.says or helps.get(tool.words[-1]) or command.summary


def schema_of(tool: Tool) -> dict[str, Any]:
    """The JSON schema of the tool's arguments, closed."""
    found = _actions(tool)
    properties = {_public(name): _property(tool, found[name]) for name in tool.takes}
    properties[_PLACE] = {"type": "string", "description": "the project's folder (default: where the server started)"}
    required = [_public(name) for name in tool.takes if found[name].required and not found[name].option_strings]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def words_of(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    """The command line, without the program. Raises UsageError (`usage`) for what the schema does not let in."""
    from jsonschema import Draft202012Validator

    faults = sorted(Draft202012Validator(schema_of(tool)).iter_errors(arguments), key=lambda fault: list(fault.path))
    if faults:
        raise UsageError("usage", faults[0].message, where=tool.name, hint="the tool's schema says what it takes")
    for name, value in arguments.items():
        if isinstance(value, str) and ("\0" in value or any("\ud800" <= one <= "\udfff" for one in value)):
            raise UsageError("usage", f"{name} has characters that no command line can have", where=tool.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError("usage", f"{name} is no number that ends: {value}", where=tool.name)
        if isinstance(value, str) and len(value.encode("utf-8", "replace")) > _LONGEST:
            raise UsageError("usage", f"{name} is longer than {_LONGEST} bytes", where=tool.name)
    found, place = _actions(tool), arguments.get(_PLACE)
    if place and not os.path.isdir(place):
        raise UsageError("usage", f"{_PLACE} is no folder", where=place, hint="name the project's folder")
    flags: list[str] = [f"--project-root={place}"] if place else []
    plain: list[str] = []
    for name in tool.takes:
        value = arguments.get(_public(name))
        if value is not None:
            target = flags if found[name].option_strings else plain
            target += _words(found[name], value)
    flags += ["--json", "--no-input", *([] if tool.reads else ["--yes", "--lead=auto"])]
    return [*tool.words, *flags, *(["--", *plain] if plain else [])]


def _words(action: argparse.Action, value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield from [action.option_strings[-1]] if value else []
    elif action.option_strings:
        yield f"{action.option_strings[-1]}={value}"
    else:
        yield str(value)


def _public(name: str) -> str:
    """Argument names as a caller knows them, where the command's own are made for its code."""
    return {"words": "request", "awaited": "for"}.get(name, name)


def _property(tool: Tool, action: argparse.Action) -> dict[str, Any]:
    text = {"description": " ".join(str(action.help or "").split())}
    if isinstance(action, argparse._StoreTrueAction):
        return {"type": "boolean", **text}
    if action.dest == "task_type" and not tool.reads:
        phases = set(phase_table(assets.toml("prompts", "phases.toml")).phases) - {HANDOFF, REVIEW}
        return {"type": "string", "enum": sorted(phases), **text}
    if tool.name == WAIT and action.dest == "timeout":
        text["description"] += f"; {PATIENCE:g} unless it is given"
        return {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, **text}
    kinds = {"enum": list(action.choices)} if action.choices else {}
    return {"type": _TYPES.get(action.type, "string"), **kinds, **text}


def _actions(tool: Tool) -> dict[str, argparse.Action]:
    """By name; of a flag and a positional that mean the same, the flag, with the text of the positional."""
    found: dict[str, argparse.Action] = {}
    for one in sorted(_parser(tool)._actions, key=lambda one: bool(one.option_strings)):
        if one.dest in tool.takes:
            one.help = found[one.dest].help if one.dest in found else one.help
            found[one.dest] = one
    return found


def _parser(tool: Tool) -> argparse.ArgumentParser:
    command = find(tool.words[0])
    assert command is not None
    parser, _ = build_parser(command)
    for word in tool.words[1:]:
        parser = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction)).choices[word]
    return parser


def _subcommands(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [child for one in parser._actions for child in getattr(one, "_choices_actions", ())]
