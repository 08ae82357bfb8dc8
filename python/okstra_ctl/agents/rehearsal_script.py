"""The rehearsal's script: a TOML file of parts, each for the dispatches that it matches (docs/formats.md)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..errors import bad_config
from ..system.text import UnknownPlaceholder, fill

_bad = partial(bad_config, page="docs/formats.md")
MATCHES = ("phase", "role", "worker", "stage", "round", "attempt")
FAULTS = ("hang", "deaf", "crash", "garbage", "silent", "empty", "half", "denied", "rate-limit", "overloaded", "login")
_FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "edit": {"path": str, "find": str, "replace": str},
    "write": {"path": str, "content": str},
}
# The keys allowed beside a step's own key, with the types of their values.
_BESIDE: dict[str, dict[str, type | tuple[type, ...]]] = {"run": {"exit": int}, "fault": {"after": (int, float)}}
_PLAIN: dict[str, type | tuple[type, ...]] = {
    "run": str,
    "planned": str,
    "commit": str,
    "result": str,
    "audit": str,
    "say": str,
    "wait": (int, float),
    "cost": (int, float),
    "fault": str,
    "report": dict,
}
_EACH = re.compile(r"\{\{EACH ([A-Z][A-Z0-9_]*)\}\}\n?(.*?)\{\{END\}\}\n?", re.DOTALL)
_ANCHOR = re.compile(r"^\*\*([A-Za-z][A-Za-z ]*):\*\* *(.*)$", re.MULTILINE)


class Step(NamedTuple):
    """One step: `kind` is its key in the script, `value` that key's value, `beside` the other keys."""

    kind: str
    value: Any
    beside: Mapping[str, Any]


class Part(NamedTuple):
    """The steps for dispatches that have, for each name in `matches`, one of the values given there."""

    matches: Mapping[str, tuple[str, ...]]
    steps: tuple[Step, ...]


def parse_script(document: object, *, where: str) -> tuple[Part, ...]:
    """The parts of a parsed script. Raises UsageError (`bad-config`), which names the part and step."""
    if not isinstance(document, Mapping) or not isinstance(document.get("part"), list):
        raise _bad(where, "a rehearsal script is a list of [[part]] tables")
    unknown = sorted(set(document) - {"part"})
    if unknown:
        raise _bad(where, f"{', '.join(unknown)} is not known beside [[part]]")
    return tuple(_part(part, f"part {number}", where) for number, part in enumerate(document["part"], 1))


def _part(part: object, name: str, where: str) -> Part:
    if not isinstance(part, Mapping):
        raise _bad(where, f"{name} is not a table")
    unknown = sorted(set(part) - {*MATCHES, "steps"})
    if unknown:
        raise _bad(where, f"{name} has {unknown[0]!r}; known are steps and {', '.join(MATCHES)}")
    steps = part.get("steps")
    if not isinstance(steps, list) or not steps:
        raise _bad(where, f"{name} has no steps")
    matches = {key: _words(part[key], f"{name}: {key}", where) for key in MATCHES if key in part}
    return Part(matches, tuple(_step(step, f"{name}, step {number}", where) for number, step in enumerate(steps, 1)))


def _words(value: object, name: str, where: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in values):
        raise _bad(where, f"{name} is not a word, a number or a list of them")
    return tuple(str(one) for one in values)


def _step(step: object, name: str, where: str) -> Step:
    kinds = {*_PLAIN, *_FIELDS}
    found = [key for key in step if key in kinds] if isinstance(step, Mapping) else []
    if not isinstance(step, Mapping) or len(found) != 1:
        raise _bad(where, f"{name} is not a table with one of {', '.join(sorted(kinds))}")
    kind = str(found[0])
    value, beside = step[kind], {key: step[key] for key in step if key != kind}
    _check_fields(beside, _BESIDE.get(kind, {}), f"{name}: beside {kind}", where, needed=False)
    if kind in _FIELDS:
        if not isinstance(value, Mapping):
            raise _bad(where, f"{name}: {kind} is not a table")
        _check_fields(value, _FIELDS[kind], f"{name}: {kind}", where, needed=True)
        _check_path(value["path"], f"{name}: {kind}", where)
    elif not isinstance(value, _PLAIN[kind]) or isinstance(value, bool):
        raise _bad(where, f"{name}: {kind} has a value of another kind")
    if kind == "fault" and value not in FAULTS:
        raise _bad(where, f"{name}: there is no fault {value!r}; there are {', '.join(FAULTS)}")
    return Step(kind, value, beside)


def _check_fields(
    value: Mapping[str, Any], fields: Mapping[str, type | tuple[type, ...]], name: str, where: str, *, needed: bool
) -> None:
    for key in value:
        if key not in fields:
            raise _bad(where, f"{name}: {key!r} is not known" + (f"; {', '.join(fields)} are" if fields else ""))
        if not isinstance(value[key], fields[key]) or isinstance(value[key], bool):
            raise _bad(where, f"{name}: {key} has a value of another kind")
    missing = [key for key in fields if key not in value]
    if needed and missing:
        raise _bad(where, f"{name} lacks {missing[0]}")


def _check_path(path: str, name: str, where: str) -> None:
    normal = posixpath.normpath(path)
    if not path or posixpath.isabs(path) or normal.startswith("..") or normal == ".":
        raise _bad(where, f"{name}: the path {path!r} is not one inside the worktree")


def part_for(parts: Sequence[Part], facts: Mapping[str, str]) -> Part | None:
    """The first part that matches; None when none does."""
    for part in parts:
        if all(facts.get(name, "") in words for name, words in part.matches.items()):
            return part
    return None


def name_for(pattern: str) -> str:
    """A file name that a planned file's pattern matches; a plain name is returned unchanged."""
    return pattern.replace("**/", "").replace("**", "rehearsal.txt").replace("*", "rehearsal").replace("?", "x")


def anchors(prompt: str) -> dict[str, str]:
    """The values of a prompt's anchor lines: ``**Result path:** `…` `` as RESULT_PATH, and so on.

    On a line with several quoted values the first counts; a line without quotes counts as a whole.
    """
    found: dict[str, str] = {}
    for name, rest in _ANCHOR.findall(prompt):
        quoted = re.search(r"`([^`]*)`", rest)
        found.setdefault(name.strip().upper().replace(" ", "_"), quoted[1] if quoted else rest.strip())
    return found


def expand(text: str, values: Mapping[str, str]) -> str:
    """Fills the placeholders; the text between `{{EACH NAMES}}` and `{{END}}` is repeated for each word of NAMES,
    with `{{ITEM}}` as that word. Raises UnknownPlaceholder."""

    def repeated(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UnknownPlaceholder(found[1])
        items = re.split(r"[,\s]+", values[found[1]].strip())
        return "".join(fill(found[2], {**values, "ITEM": item}) for item in items if item)

    parts, position = [], 0
    for found in _EACH.finditer(text):
        parts += [fill(text[position : found.start()], values), repeated(found)]
        position = found.end()
    return "".join([*parts, fill(text[position:], values)])
