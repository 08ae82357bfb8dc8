"""Settings by dotted key: which there are, and values from words. The JSON Schemas are the one list of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import UsageError
from ..system.json_text import loads

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
