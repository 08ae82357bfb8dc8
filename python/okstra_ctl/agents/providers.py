"""Providers by name: okstra's own adapters, and the commands in the settings (docs/design/leading.md)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError
from ..system.template import placeholders
from . import command
from .job import Provider

BUILT_IN = ("claude", "codex", "gemini", "rehearsal")
Settings = Mapping[str, Mapping[str, Any]]


def provider(name: str, settings: Settings) -> Provider:
    """The adapter of that name, imported on demand. Raises UsageError (`unknown-worker`)."""
    if name == "claude":
        from .claude import Claude

        return Claude()
    if name == "codex":
        from .codex import Codex

        return Codex()
    if name == "gemini":
        from .gemini import Gemini

        return Gemini()
    if name == "rehearsal":
        from .rehearsal import Rehearsal

        return Rehearsal()
    if "argv" in settings.get(name, {}):
        given = settings[name]
        return command.Command(name, tuple(given["argv"]), dict(given.get("env", {})))
    known = sorted({*BUILT_IN, *(other for other in settings if "argv" in settings[other])})
    raise UsageError("unknown-worker", f"there is no provider {name!r}", hint="one of: " + ", ".join(known))


def provider_settings(
    home: Mapping[str, object],
    project: Mapping[str, object],
    *,
    project_root: str,
    places: tuple[str, str] = ("config.json", "project.json"),
) -> Settings:
    """`providers` of config.json, checked; project.json's rehearsal script overrides it, as an absolute path.

    project.json comes with the repository, so it may set no program, argument or permission: cloning a repository
    must not decide what runs here. Raises UsageError (`bad-config`).
    """
    settings = {name: dict(_checked(name, given, places[0])) for name, given in _section(home, places[0]).items()}
    for name, given in _section(project, places[1]).items():
        if name != "rehearsal" or set(given) - {"script"}:
            raise _bad(places[1], f"a project may set providers.rehearsal.script alone; {name} belongs in config.json")
        settings.setdefault(name, {}).update(_checked(name, given, places[1]))
    script = settings.get("rehearsal", {}).get("script")
    if script:
        settings["rehearsal"]["script"] = posixpath.normpath(posixpath.join(project_root, script))
    return settings


def own_commands(home: Mapping[str, object], where: str) -> Settings:
    """The user's own providers: the commands of config.json, by name. Raises UsageError (`bad-config`)."""
    return {name: given for name, given in _section(home, where).items() if "argv" in given}


def _section(document: Mapping[str, object], where: str) -> Mapping[str, Mapping[str, Any]]:
    found = document.get("providers", {})
    if not isinstance(found, Mapping) or not all(isinstance(given, Mapping) for given in found.values()):
        raise _bad(where, 'providers is not a map from names to settings, like {"mine": {"argv": ["my-agent"]}}')
    return found


def _checked(name: str, given: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    fault = _fault(name, given)
    if fault:
        raise _bad(where, f"providers.{name}{fault}")
    return given


def _fault(name: str, given: Mapping[str, Any]) -> str:
    if name not in BUILT_IN and (fault := _command_fault(given)):
        return fault
    if name in BUILT_IN and "argv" in given:
        return " is okstra's own adapter and takes no argv; give the command another name"
    if not _is_texts(given.get("arguments", [])):
        return ".arguments is not a list of strings"
    if name == "rehearsal" and not isinstance(given.get("script", ""), str):
        return ".script is not a path"
    if name == "claude":
        settings = given.get("settings", {})
        permissions = settings.get("permissions", {}) if isinstance(settings, Mapping) else None
        if not isinstance(permissions, Mapping):
            return ".settings is not an object of Claude Code settings"
        if not all(_is_texts(permissions.get(rules, [])) for rules in ("allow", "deny")):
            return ".settings.permissions has rules that are not a list of strings"
    return ""


def _command_fault(given: Mapping[str, Any]) -> str:
    argv, environment = given.get("argv"), given.get("env", {})
    if not argv or not _is_texts(argv):
        return ".argv is not a list of strings"
    if not isinstance(environment, Mapping) or not _is_texts(list(environment.values())):
        return ".env is not an object of strings"
    unknown = sorted(set().union(*(placeholders(word) for word in argv)) - set(command.PLACEHOLDERS))
    if unknown:
        return f".argv asks for {{{{{unknown[0]}}}}}; there are {', '.join(command.PLACEHOLDERS)}"
    return ""


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and "\0" not in one for one in value)


def _bad(where: str, message: str) -> UsageError:
    return UsageError("bad-config", message, where=where, hint="docs/how-to/add-a-provider.md shows what goes there")
