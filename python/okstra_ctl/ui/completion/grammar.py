"""What can stand where on okstra's command line: read off the parsers, for every shell's script."""

from __future__ import annotations

import argparse

from ...agents.providers import BUILT_IN
from ...core.branches import CATEGORY_PREFIXES
from ...core.json_text import loads
from ...core.phases import phase_table
from ...core.settings import ANY_NAME, settings_of
from ...edges import assets
from ...words.records import Record
from ..command_table import COMMANDS, IN_NODE
from ..parser import build_parser

WORDS, FILES, TEXT = "words", "files", "text"
ASKED = ("tasks", "runs", "notes")  # what a script asks `okstra completion` for, because it changes
_BY_METAVAR = {
    "FILE": FILES,
    "PATH": FILES,
    "DIR": FILES,
    "PLAN": FILES,
    "BRIEF": FILES,
    "KEY": "tasks",
    "RUN": "runs",
    "RUN|TASK": "runs",
    "NOTE": "notes",
}


class Value(Record):
    """What a flag or a place takes: one of `words`, or what its kind says."""

    kind: str
    words: tuple[str, ...] = ()


class Flag(Record):
    """`value` is None for a flag that takes none."""

    name: str
    help: str
    value: Value | None


class Node(Record):
    """A command or an action: `path` is how it is called, `""` for okstra itself. The last place may repeat."""

    path: str
    children: tuple[tuple[str, str], ...]
    flags: tuple[Flag, ...]
    places: tuple[Value, ...]
    repeats: bool


def grammar() -> list[Node]:
    """Every command and action, okstra itself first."""
    known = _known_words()
    commands = [(command.name, command.summary) for command in COMMANDS]
    own = (Flag("--help", "tell what there is", None), Flag("--version", "print the version", None))
    nodes = [Node("", (*commands, *IN_NODE), own, (), False)]
    for command in COMMANDS:
        nodes += _nodes(command.name, build_parser(command)[0], known)
    return nodes


def _known_words() -> dict[str, tuple[str, ...]]:
    """Words for flags and places that take no fixed choice in their parser: checks of their own stand behind them."""
    phases = tuple(phase_table(assets.toml("prompts", "phases.toml")).phases)
    keys = [
        setting.key
        for name in ("config", "project")
        for setting in settings_of(loads(assets.text("schemas", f"{name}-v1.schema.json")))
        if ANY_NAME not in setting.key and setting.key != "schema"
    ]
    providers = tuple(BUILT_IN)
    return {
        "--task-type": phases,
        "--work-category": tuple(CATEGORY_PREFIXES),
        "--provider": providers,
        "--executor": providers,
        "--critic": (*providers, "off"),
        "--workers": providers,
        "SETTING": tuple(dict.fromkeys(keys)),
    }


def _nodes(path: str, parser: argparse.ArgumentParser, known: dict[str, tuple[str, ...]]) -> list[Node]:
    children: list[tuple[str, str]] = []
    flags: list[Flag] = []
    places: list[Value] = []
    below: list[Node] = []
    repeats = False
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: str(choice.help) for choice in action._choices_actions}
            for name, child in action.choices.items():
                children.append((name, helps.get(name, "")))
                below += _nodes(f"{path} {name}", child, known)
        elif action.option_strings:
            takes = None if action.nargs == 0 else _value(action, known)
            flags += [Flag(name, _help(action), takes) for name in action.option_strings if name.startswith("--")]
        else:
            places.append(_value(action, known))
            repeats = action.nargs in ("+", "*")
    return [Node(path, tuple(children), tuple(flags), tuple(places), repeats), *below]


def _help(action: argparse.Action) -> str:
    return "tell what there is" if action.dest == "help" else str(action.help)


def _value(action: argparse.Action, known: dict[str, tuple[str, ...]]) -> Value:
    name = action.option_strings[-1] if action.option_strings else str(action.metavar)
    if action.choices is not None:
        return Value(WORDS, tuple(str(choice) for choice in action.choices if str(choice)))
    if name in known:
        return Value(WORDS, known[name])
    metavar = str(action.metavar)
    if metavar in _BY_METAVAR:
        return Value(_BY_METAVAR[metavar])
    spelled = tuple(word for word in metavar.split("|") if word.islower()) if "|" in metavar else ()
    return Value(WORDS, spelled) if spelled else Value(TEXT)
