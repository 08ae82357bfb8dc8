"""`okstra config`: reading and changing config.json and project.json, a key at a time, each change checked whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..agents.providers import provider_settings
from ..errors import Refused, UsageError
from ..services import Services
from ..system import assets
from ..system import files as fsio
from ..system import home as home_edge
from ..system.assets import problems_of
from ..system.json_text import loads
from ..system.locks import LockKind, locked
from ..system.secrets import hide
from . import trust
from .keys import Setting, find_setting, keys_in, settings_of, value_at, value_from, with_value, without
from .models import model_table, resolve_model
from .project import open_project
from .project_config import project_config
from .trusted_commands import commands_in

CONFIG_SCHEMA = "config/1"
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
        return fsio.read_json(self.path) or {}


class Value(NamedTuple):
    """A setting as it stands. `value` is None when it is not set; `default` None when okstra has no single one."""

    key: str
    value: object
    default: object
    kind: str
    meaning: str


def of_home(services: Services) -> SettingsFile:
    return SettingsFile(services.home.config, services.home.config_lock, _schema("config"))


def of_project(start: str, services: Services) -> SettingsFile:
    """Raises Missing (`not-a-project`), UsageError (`bad-config`)."""
    files = open_project(start, services).files
    return SettingsFile(files.config, files.lock, _schema("project"), files.root)


def _schema(name: str) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = loads(assets.text("schemas", f"{name}-v1.schema.json"))
    return schema


def list_values(file: SettingsFile) -> list[Value]:
    document = file.read()
    return [_value(document, key, setting) for key, setting in keys_in(file.settings, document)]


def get_value(file: SettingsFile, key: str) -> Value:
    """Raises UsageError (`unknown-setting`)."""
    setting = find_setting(file.settings, key)
    return _value(file.read(), key, setting)


def _value(document: Mapping[str, object], key: str, setting: Setting) -> Value:
    value = value_at(document, key)
    return Value(key, _shown(value), setting.shape.get("default"), setting.kind, setting.meaning)


def _shown(value: object) -> object:
    """The value, but with secrets hidden that somebody wrote into the file by hand."""
    if isinstance(value, str):
        return hide(value)[0]
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return {name: _shown(one) for name, one in value.items()} if isinstance(value, dict) else value


def set_value(file: SettingsFile, key: str, words: Sequence[str], services: Services) -> Value:
    """Sets the key to the value that the words stand for; nothing is written unless the whole file stays valid.

    Raises UsageError (`unknown-setting`, `bad-config`, `bad-sync-path`, `unknown-model`), Refused (`holds-secret`).
    """
    setting = _settable(file, key)
    value = value_from(setting, key, words)
    kinds = sorted(hide("\n".join(words))[1])
    if kinds:
        hint = "leave it in your environment: the clients that okstra starts inherit it"
        raise Refused("holds-secret", f"{key} would hold a secret ({', '.join(kinds)})", where=file.path, hint=hint)
    _change(file, lambda document: with_value(document, key, value), key, services)
    return get_value(file, key)


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
        home_edge.ensure(services.home)
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
        fsio.replace(path, fsio.json_bytes(after), mode=0o644 if file.project else fsio.FILE_MODE)
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
    if section == "providers":
        provider_settings(document, {}, project_root=os.sep, places=(file.path, ""))
