"""The Stage Map to and from JSON values. Light to import: a cache of it spares other commands the markdown parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .records import Stage, StageMap, Step

T = TypeVar("T")


def stage_map_to_json(stage_map: StageMap) -> dict[str, object]:
    """The map (StageMap) as plain JSON values (dict)."""
    return {"digest": stage_map.digest, "stages": [_stage_to_json(stage) for stage in stage_map.stages]}


def stage_map_from_json(obj: object) -> StageMap:
    """The map (StageMap) that `stage_map_to_json` wrote. Raises ValueError when the value has another shape."""
    fields = _object(obj, "the stage map")
    stages = _list(fields, "stages", _stage_from_json)
    numbers = [stage.number for stage in stages]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError("the stages of the map are not numbered from 1 without a gap")
    return StageMap(stages, _text(fields, "digest"))


def _stage_to_json(stage: Stage) -> dict[str, object]:
    return {
        "number": stage.number,
        "title": stage.title,
        "depends_on": list(stage.depends_on),
        "files": list(stage.files),
        "exit_check": stage.exit_check,
        "steps": [{"number": step.number, "text": step.text, "line": step.line} for step in stage.steps],
        "tdd_exemption": stage.tdd_exemption,
        "line": stage.line,
    }


def _stage_from_json(obj: object) -> Stage:
    fields = _object(obj, "a stage")
    return Stage(
        number=_number(fields, "number"),
        title=_text(fields, "title"),
        depends_on=_list(fields, "depends_on", _whole_number),
        files=_list(fields, "files", _string),
        exit_check=_text(fields, "exit_check"),
        steps=_list(fields, "steps", _step_from_json),
        tdd_exemption=_text(fields, "tdd_exemption"),
        line=_number(fields, "line"),
    )


def _step_from_json(obj: object) -> Step:
    fields = _object(obj, "a step")
    return Step(_number(fields, "number"), _text(fields, "text"), _number(fields, "line"))


def _object(value: object, what: str) -> dict[object, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not a JSON object")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    value.encode()  # lone surrogates come from no plan: UnicodeEncodeError is a ValueError
    return value


def _whole_number(value: object) -> int:
    # `true` is an int to Python, yet not to JSON.
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("expected a whole number")
    return value


def _text(fields: dict[object, object], name: str) -> str:
    return _field(fields, name, _string)


def _number(fields: dict[object, object], name: str) -> int:
    return _field(fields, name, _whole_number)


def _list(fields: dict[object, object], name: str, read: Callable[[object], T]) -> tuple[T, ...]:
    values = fields.get(name)
    if not isinstance(values, list):
        raise ValueError(f"`{name}` is not a list")
    return tuple(_field({name: value}, name, read) for value in values)


def _field(fields: dict[object, object], name: str, read: Callable[[object], T]) -> T:
    if name not in fields:
        raise ValueError(f"`{name}` is missing")
    try:
        return read(fields[name])
    except ValueError as problem:
        raise ValueError(f"`{name}`: {problem}") from None
