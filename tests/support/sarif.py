"""What SARIF 2.1.0 requires of a log, its tool, rules, results and places."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


_TEXT = {"type": "string", "minLength": 1}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_REGION = _object("startLine", startLine={"type": "integer", "minimum": 1}, endLine={"type": "integer", "minimum": 1})
_PLACE = _object("artifactLocation", artifactLocation=_object("uri", uri=_TEXT), region=_REGION)
_LOCATION = _object("physicalLocation", physicalLocation=_PLACE, id={"type": "integer", "minimum": 0})
_RULE = _object("id", id=_TEXT, shortDescription=_object("text", text=_TEXT))
_RESULT = _object(
    "message ruleId",
    message=_object("text", text=_TEXT),
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    locations=_list(_LOCATION, maxItems=1),
    relatedLocations=_list(_LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
)
_DRIVER = _object("name", name=_TEXT, version=_TEXT, rules=_list(_RULE))
_RUN = _object("tool results", tool=_object("driver", driver=_DRIVER), results=_list(_RESULT))
_LOG = _object("version runs", version={"const": "2.1.0"}, runs=_list(_RUN, minItems=1))


def checked(log: dict[str, Any]) -> dict[str, Any]:
    """The log, which has what the standard requires, and whose results name rules that are there."""
    Draft202012Validator(_LOG).validate(log)
    for run in log["runs"]:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    return log
