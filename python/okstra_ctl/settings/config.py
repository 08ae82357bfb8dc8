"""`okstra config`: reading and changing config.json and project.json, a key at a time, each change checked whole.

Settings go by dotted keys; the JSON Schemas are the one list of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..agents.providers import provider_settings
from ..errors import Refused, UsageError
from ..services import Services, ensure_home
from ..system import assets, files
from ..system.assets import problems_of
from ..system.locks import LockKind, locked
from ..system.secrets import hide
from ..system.text import loads
from . import trust
from .project import open_project, project_config
from .roster import environment_name, model_table, resolve_model
from .sandbox_settings import VARIABLE as SANDBOX_VARIABLE
from .sync_list import SYNC_VARIABLE
from .trust import commands_in

ANY_NAME = "NAME"  # stands in a key for a name that the person chooses
FIXED = ("schema", "projectId")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "JSON object",
}
CONFIG_SCHEMA = "config/1"


class Setting(NamedTuple):
    """One key with its part of the schema; the key of a provider's setting holds `NAME`."""

    key: str
    shape: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What a value looks like, in a few words."""
        choices = self.shape.get("enum") or ([self.shape["const"]] if "const" in self.shape else [])
        if choices:
            return " or ".join(map(str, choices))
        low, high = self.shape.get("minimum"), self.shape.get("maximum")
        reach = f", {low} to {high}" if low is not None and high is not None else ""
        return _KINDS[self.shape["type"]] + reach

    @property
    def meaning(self) -> str:
        return str(self.shape["description"])

    @property
    def fixed(self) -> bool:
        return self.key in FIXED


def settings_of(schema: Mapping[str, Any]) -> list[Setting]:
    """Every setting of a schema, in its order."""
    return list(_walk(schema, ""))


def _walk(shape: Mapping[str, Any], prefix: str) -> Iterator[Setting]:
    for name, inner in shape.get("properties", {}).items():
        yield from _below(f"{prefix}{name}", inner)
    if isinstance(shape.get("additionalProperties"), Mapping):
        yield from _below(f"{prefix}{ANY_NAME}", shape["additionalProperties"])


def _below(key: str, shape: Mapping[str, Any]) -> Iterator[Setting]:
    if "properties" in shape or (
        isinstance(shape.get("additionalProperties"), Mapping) and "properties" in shape["additionalProperties"]
    ):
        yield from _walk(shape, f"{key}.")
    else:
        yield Setting(key, shape)


def find_setting(settings: Sequence[Setting], key: str) -> Setting:
    """The setting that a key names. Raises UsageError (`unknown-setting`) with those that there are."""
    for setting in settings:
        if _fits(setting.key, key):
            return setting
    raise UsageError(
        "unknown-setting",
        f"there is no setting {key!r}",
        hint="one of: " + ", ".join(setting.key for setting in settings if not setting.fixed),
    )


def _fits(wanted: str, key: str) -> bool:
    ours, theirs = wanted.split("."), key.split(".")
    return len(ours) == len(theirs) and all(
        one == other or (one == ANY_NAME and _NAME.match(other)) for one, other in zip(ours, theirs, strict=True)
    )


def value_from(setting: Setting, key: str, words: Sequence[str]) -> object:
    """The value that the words of a command line stand for. Raises UsageError (`bad-config`).

    A list takes one word for each entry, or one JSON array.
    """
    kind = setting.shape.get("type", "string")
    if kind == "array":
        return _json(setting, key, words[0], list) if len(words) == 1 and words[0].startswith("[") else list(words)
    if len(words) != 1:
        raise _bad(setting, key, " ".join(words))
    word = words[0]
    if kind == "object":
        return _json(setting, key, word, dict)
    if kind == "boolean":
        if word.lower() not in _FLAGS:
            raise _bad(setting, key, word)
        return _FLAGS[word.lower()]
    return _number(setting, key, word, kind) if kind in ("integer", "number") else word


def _json(setting: Setting, key: str, word: str, shape: type) -> object:
    try:
        value: object = loads(word)
    except (ValueError, RecursionError):
        raise _bad(setting, key, word) from None
    if not isinstance(value, shape):
        raise _bad(setting, key, word)
    return value


def _number(setting: Setting, key: str, word: str, kind: str) -> object:
    whole = re.fullmatch(r"[+-]?[0-9]{1,15}", word, re.ASCII)
    if whole is None and (kind == "integer" or not re.fullmatch(r"[+-]?[0-9]{1,15}\.[0-9]{1,15}", word, re.ASCII)):
        raise _bad(setting, key, word)
    return int(word) if whole else float(word)


def _bad(setting: Setting, key: str, word: str) -> UsageError:
    return UsageError("bad-config", f"{key} can't be {word[:200]!r}", hint=f"write: {setting.kind}")


def value_at(document: Mapping[str, object], key: str) -> object:
    """The value of a dotted key; None when it is not set."""
    found: object = document
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def with_value(document: Mapping[str, object], key: str, value: object) -> dict[str, object]:
    """The document with the key set. Raises UsageError (`bad-config`) when something else stands in its way."""
    name, _, rest = key.partition(".")
    if not rest:
        return {**document, name: value}
    inner = document.get(name, {})
    if not isinstance(inner, Mapping):
        raise UsageError("bad-config", f"{name} is not an object", hint=f"okstra config unset, or fix {name} by hand")
    return {**document, name: with_value(inner, rest, value)}


def without(document: Mapping[str, object], key: str) -> dict[str, object]:
    """The document without the key, and without objects that become empty."""
    name, _, rest = key.partition(".")
    inner = document.get(name)
    if rest and isinstance(inner, Mapping):
        kept = without(inner, rest)
        if kept:
            return {**document, name: kept}
    elif rest:
        return dict(document)
    return {other: value for other, value in document.items() if other != name}


def keys_in(settings: Sequence[Setting], document: Mapping[str, object]) -> Iterator[tuple[str, Setting]]:
    """Every key to list; one with a free name appears once for each name in the document."""
    for setting in settings:
        before, name, after = setting.key.partition(ANY_NAME)
        if not name:
            yield setting.key, setting
            continue
        chosen = value_at(document, before.rstrip("."))
        names = chosen if isinstance(chosen, Mapping) else {}
        yield from ((f"{before}{one}{after}", setting) for one in names if _NAME.match(one))


Change = Callable[[dict[str, object]], dict[str, object]]


class SettingsFile(NamedTuple):
    """One of the two files, with the lock that its writers take. `project` is the project's folder, or empty."""

    path: str
    lock: str
    schema: Mapping[str, Any]
    project: str = ""

    @property
    def settings(self) -> list[Setting]:
        return settings_of(self.schema)

    def read(self) -> dict[str, object]:
        return files.read_json(self.path) or {}


class Value(NamedTuple):
    """A setting as it stands. `value` is None when it is not set; `default` None when okstra has no single one.
    `origin` is where the value in force comes from: `machine` or `project` (their files), the variable of the
    environment that goes before them, or `default`."""

    key: str
    value: object
    default: object
    kind: str
    meaning: str
    origin: str


def of_home(services: Services) -> SettingsFile:
    return SettingsFile(services.home.config, services.home.config_lock, assets.schema("config"))


def of_project(start: str, services: Services) -> SettingsFile:
    """Raises Missing (`not-a-project`), UsageError (`bad-config`)."""
    paths = open_project(start, services).files
    return SettingsFile(paths.config, paths.lock, assets.schema("project"), paths.root)


def list_values(file: SettingsFile, environment: Mapping[str, str]) -> list[Value]:
    document = file.read()
    return [_value(file, document, key, setting, environment) for key, setting in keys_in(file.settings, document)]


def get_value(file: SettingsFile, key: str, environment: Mapping[str, str]) -> Value:
    """Raises UsageError (`unknown-setting`)."""
    setting = find_setting(file.settings, key)
    return _value(file, file.read(), key, setting, environment)


def _value(
    file: SettingsFile, document: Mapping[str, object], key: str, setting: Setting, environment: Mapping[str, str]
) -> Value:
    value = value_at(document, key)
    origin = "default" if value is None else "project" if file.project else "machine"
    variable = variable_of(key)
    if variable and environment.get(variable):
        origin = variable
    return Value(key, _shown(value), setting.shape.get("default"), setting.kind, setting.meaning, origin)


def variable_of(key: str) -> str:
    """The variable of the environment that goes before the setting; empty for most."""
    section, _, slot = key.partition(".")
    if section == "models" and slot:
        return environment_name(slot)
    return {"sandbox": SANDBOX_VARIABLE, "worktreeSyncDirs": SYNC_VARIABLE}.get(key, "")


def _shown(value: object) -> object:
    """The value, but with secrets hidden that somebody wrote into the file by hand."""
    if isinstance(value, str):
        return hide(value)[0]
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return {name: _shown(one) for name, one in value.items()} if isinstance(value, dict) else value


def set_value(
    file: SettingsFile, key: str, words: Sequence[str], services: Services, *, if_empty: bool = False
) -> Value:
    """Sets the key to the value that the words stand for; nothing is written unless the whole file stays valid.
    `if_empty`: a value that is there, or comes meanwhile, stays.

    Raises UsageError (`unknown-setting`, `bad-config`, `bad-sync-path`, `unknown-model`), Refused (`holds-secret`).
    """
    setting = _settable(file, key)
    value = value_from(setting, key, words)
    kinds = sorted(hide("\n".join(words))[1])
    if kinds:
        hint = "leave it in your environment: the clients that okstra starts inherit it"
        raise Refused("holds-secret", f"{key} would hold a secret ({', '.join(kinds)})", where=file.path, hint=hint)

    def change(document: Mapping[str, Any]) -> dict[str, Any]:
        return dict(document) if if_empty and value_at(document, key) else with_value(document, key, value)

    _change(file, change, key, services)
    return get_value(file, key, services.environment)


def unset_value(file: SettingsFile, key: str, services: Services) -> bool:
    """Whether it was set. Raises UsageError (`unknown-setting`, `bad-config`)."""
    _settable(file, key)
    if value_at(file.read(), key) is None:
        return False
    _change(file, lambda document: without(document, key), key, services)
    return True


def _settable(file: SettingsFile, key: str) -> Setting:
    setting = find_setting(file.settings, key)
    if setting.fixed:
        raise UsageError("usage", f"{key} can't be changed", where=file.path, hint="every task key starts with it")
    return setting


def _change(file: SettingsFile, change: Change, key: str, services: Services) -> None:
    """Changes the file. Commands that a person sets here over trusted ones are trusted without asking again."""
    if not file.project:
        ensure_home(services.home)
    with locked(LockKind.INDEX, file.lock):
        before = file.read()
        after = change(before)
        if not file.project:
            after = {"schema": CONFIG_SCHEMA, **after}
        faults = set(problems_of(after, file.schema)) - set(problems_of(before, file.schema))
        if faults:
            raise UsageError("bad-config", "; ".join(sorted(faults)), where=key, hint="nothing was changed")
        _check_meaning(file, after, key, services)
        # Whoever keeps the file elsewhere and links to it keeps the link; a project's file comes with its repository.
        path = file.path if file.project else os.path.realpath(file.path)
        files.replace(path, files.json_bytes(after), mode=0o644 if file.project else files.FILE_MODE)
    if file.project and trust.is_trusted(trust.commands_of(file.project, commands_in(before)), services):
        now = trust.commands_of(file.project, commands_in(after))
        if now.digest and now.settings != commands_in(before):
            trust.trust(now, services)


def _check_meaning(file: SettingsFile, document: Mapping[str, object], key: str, services: Services) -> None:
    """Checks what no schema can: that models, programs and paths exist."""
    if file.project:
        project_config(document, where=file.path, environment=services.environment)
        provider_settings({}, document, project_root=file.project, places=("", file.path))
        return
    section, _, name = key.partition(".")
    model = value_at(document, key)
    if section == "models" and isinstance(model, str):
        table = model_table(assets.toml("prompts", "models.toml"))
        resolve_model(name, flags={}, environment={}, config={name: model}, table=table)
    if section in ("providers", "agents"):
        provider_settings(document, {}, project_root=os.sep, places=(file.path, ""))
