"""Agents that speak the Agent Client Protocol: those of `prompts/agents.toml`, and the person's own in config.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from ..errors import bad_config
from ..names import ACP
from ..system.text import placeholders

_bad = partial(bad_config, page="docs/how-to/add-a-provider.md")
START_SECONDS = 60.0
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?")
_LISTS = ("argv", "variables", "state", "logins")
_TEXTS = ("install", "login", "model", "family", "mode")
_CONTAINED_MODE = "containedMode"
_FIELDS = (*_LISTS, *_TEXTS, _CONTAINED_MODE, "env", "startSeconds")


class Agent(NamedTuple):
    """One agent, and what it needs (the fields of `prompts/agents.toml`)."""

    name: str
    argv: tuple[str, ...]
    install: str = ""
    login: str = ""
    variables: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    family: str = ""
    model: str = ""
    mode: str = ""
    contained_mode: str = ""
    start_seconds: float = START_SECONDS
    own: bool = False
    """Whether the person's config.json names it."""

    @property
    def provider(self) -> str:
        return f"{ACP}{self.name}"

    def to_settings(self) -> dict[str, Any]:
        """As settings of the provider, which a job carries as its options."""
        return {**self._asdict(), "env": dict(self.env)}


def agent_in(name: str, given: Mapping[str, Any]) -> Agent:
    """The agent of settings that `to_settings` made."""
    env = given["env"]
    fields = {field: given[field] for field in Agent._fields}
    return Agent(**{**fields, "name": name, "env": tuple(env.items())})


def agents(table: Mapping[str, object], config: Mapping[str, object], where: str) -> dict[str, Agent]:
    """By name: the table's, overlaid with `agents` of config.json, field by field. Raises UsageError (`bad-config`)."""
    own = config.get("agents", {})
    if not isinstance(own, Mapping):
        raise _bad(where, 'agents is not a map from names to settings, like {"mine": {"argv": ["my-agent", "acp"]}}')
    known = {name: given for name, given in table.items() if isinstance(given, Mapping)}
    for name, given in own.items():
        if fault := _fault(str(name), given, known):
            raise _bad(where, f"agents.{name}{fault}")
    return {
        name: _agent(name, {**known.get(name, {}), **own.get(name, {})}, own=name in own) for name in {**known, **own}
    }


def _agent(name: str, given: Mapping[str, Any], *, own: bool) -> Agent:
    lists: dict[str, Any] = {field: tuple(given.get(field, ())) for field in _LISTS}
    texts: dict[str, Any] = {field: str(given.get(field, "")) for field in _TEXTS}
    env = tuple(sorted(dict(given.get("env", {})).items()))
    seconds = float(given.get("startSeconds", START_SECONDS))
    inside = str(given.get(_CONTAINED_MODE, ""))
    return Agent(name=name, **lists, **texts, contained_mode=inside, env=env, start_seconds=seconds, own=own)


def _fault(name: str, given: object, known: Mapping[str, Mapping[str, Any]]) -> str:
    if not _NAME.fullmatch(name):
        return " is no name: small letters, digits, - and _ alone"
    if not isinstance(given, Mapping):
        return " is not an object of settings"
    if unknown := sorted(set(given) - set(_FIELDS)):
        return f".{unknown[0]} is unknown; there are {', '.join(_FIELDS)}"
    if not given.get("argv", known.get(name, {}).get("argv")):
        return ".argv is missing: the command that speaks the protocol, word by word"
    for field in _LISTS:
        if not _are_texts(given.get(field, [])):
            return f".{field} is not a list of strings"
    for field in (*_TEXTS, _CONTAINED_MODE):
        if not isinstance(given.get(field, ""), str):
            return f".{field} is not a text"
    env = given.get("env", {})
    if not isinstance(env, Mapping) or not _are_texts(list(env.values())):
        return ".env is not an object of strings"
    return _fault_of_values(given)


def _fault_of_values(given: Mapping[str, Any]) -> str:
    if unknown := sorted(set().union(*(placeholders(word) for word in given.get("argv", ()))) - {"MODEL", "PORT"}):
        return f".argv asks for {{{{{unknown[0]}}}}}; there are MODEL, PORT"
    if "family" in given and not given["family"].strip():
        return ".family is not the name of a family of models, like claude or gpt"
    for field in ("state", "logins"):
        for path in given.get(field, ()):
            if path.startswith(("/", "~")) or ".." in path.split("/") or not path.strip("/."):
                return f".{field} has {path!r}: paths below the home, like .config/mine/"
            if field == "logins" and path.endswith("/"):
                return f".logins has {path!r}: files alone"
    if wrong := [name for name in given.get("variables", ()) if not _VARIABLE.fullmatch(name)]:
        return f".variables has {wrong[0]!r}: names of variables, like MY_KEY or MY_*"
    seconds = given.get("startSeconds", START_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 3600:
        return ".startSeconds is not a number of seconds, 3600 at most"
    return ""


def variables_for(patterns: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of the environment that the patterns name."""
    starts = tuple(one[:-1] for one in patterns if one.endswith("*"))
    return tuple(name for name in environment if name in patterns or (starts and name.startswith(starts)))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one and "\0" not in one for one in value)
