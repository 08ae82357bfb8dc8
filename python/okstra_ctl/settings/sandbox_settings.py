"""Which sandbox is wanted, and what it lets through: a person's settings, and what a project may ask for.

A project's settings alone may only tighten. What loosens, and stands in project.json all the same, counts once a person
has trusted it (`settings/trust.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import UsageError, bad_config
from ..sandbox.choice import AUTO, CHOICES

VARIABLE = "OKSTRA_SANDBOX"
ANY_PORT = "any"


class SandboxSettings(NamedTuple):
    choice: str = AUTO
    required: bool = False
    shown: tuple[str, ...] = ()
    """Paths, and variables as `$NAME`."""
    writable: tuple[str, ...] = ()
    ports: tuple[int, ...] | None = ()
    """Further ports that agents may connect to; None: any."""
    check_network: bool = True


def sandbox_settings(
    config: Mapping[str, Any], project: Mapping[str, Any], asked: str, *, places: tuple[str, str]
) -> SandboxSettings:
    """`config` is config.json and `project` project.json, `asked` the flag's or the environment's choice.

    Raises UsageError (`bad-config`, `usage`).
    """
    where, project_where = places
    if asked and asked not in CHOICES:
        raise UsageError("usage", f"there is no sandbox {asked!r}", hint="one of: " + ", ".join(CHOICES))
    choice = asked or str(config.get("sandbox", AUTO))
    if choice not in CHOICES:
        raise bad_config(where, f"sandbox is {choice!r}; one of {', '.join(CHOICES)}")
    ports = (*_texts(config, "sandboxPorts", where), *_texts(project, "sandboxPorts", project_where))
    return SandboxSettings(
        choice,
        _flag(config, "sandboxRequired", False, where) or _flag(project, "sandboxRequired", False, project_where),
        (*_texts(config, "sandboxShow", where), *_texts(project, "sandboxShow", project_where)),
        (*_texts(config, "sandboxWritable", where), *_texts(project, "sandboxWritable", project_where)),
        None if ANY_PORT in ports else tuple(_port(port, where) for port in ports),
        _flag(config, "checkNetwork", True, where) and _flag(project, "checkNetwork", True, project_where),
    )


def _flag(document: Mapping[str, Any], name: str, default: bool, where: str) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        raise bad_config(where, f"{name} is {value!r}; write true or false")
    return value


def _texts(document: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    values = document.get(name, [])
    if not isinstance(values, list) or not all(isinstance(one, str) and one and "\0" not in one for one in values):
        raise bad_config(where, f"{name} is not a list of texts")
    return tuple(values)


def _port(text: str, where: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise bad_config(where, f"sandboxPorts has {text!r}; write a port's number, or {ANY_PORT}")
    return int(text)
