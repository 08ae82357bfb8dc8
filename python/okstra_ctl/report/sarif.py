"""A report's open findings as SARIF 2.1.0, which code hosts and editors read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..results.records import FindingSeverity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    FindingSeverity.CRITICAL: ("error", "9.5"),
    FindingSeverity.HIGH: ("error", "8.0"),
    FindingSeverity.MEDIUM: ("warning", "5.0"),
    FindingSeverity.LOW: ("note", "3.0"),
    FindingSeverity.INFO: ("note", "0.0"),
}


def sarif(report: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The log: one result for each finding that is open."""
    rules = [
        {
            "id": f"okstra/{severity}",
            "name": f"{severity.capitalize()}Finding",
            "shortDescription": {"text": f"A finding of severity {severity}"},
            "defaultConfiguration": {"level": level},
            "properties": {"security-severity": rank} if rank != "0.0" else {},
        }
        for severity, (level, rank) in _LEVELS.items()
    ]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "okstra", "version": version, "rules": rules}},
        "automationDetails": {"id": f"okstra/{report['run_id']}"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in report["findings"] if one["status"] == "open"],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Mapping[str, Any]) -> dict[str, Any]:
    severity = FindingSeverity(finding["severity"])
    places = list(_places(finding["evidence"]))
    return {
        "ruleId": f"okstra/{severity}",
        "ruleIndex": list(_LEVELS).index(severity),
        "level": _LEVELS[severity][0],
        "message": {"text": f"{finding['title']}\n\n{finding['claim']}"},
        "locations": places[:1],
        "relatedLocations": [{**place, "id": number} for number, place in enumerate(places[1:], 1)],
        "partialFingerprints": {"okstraFinding/v1": _fingerprint(finding)},
        "properties": {"class": finding["class"], "evidence": finding["evidence_status"]},
    }


def _places(evidence: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Where the finding is, by the lines at which its quotations were found."""
    for one in evidence:
        if not one.get("path"):
            continue
        lines = one.get("found_lines") or one.get("lines")
        region = {"region": {"startLine": lines[0], "endLine": lines[1]}} if lines else {}
        artifact = {"uri": quote(str(one["path"])), "uriBaseId": "%SRCROOT%"}
        yield {"physicalLocation": {"artifactLocation": artifact, **region}}


def _fingerprint(finding: Mapping[str, Any]) -> str:
    """The same for the same claim about the same files, wherever its lines move to."""
    paths = sorted({str(one["path"]) for one in finding["evidence"] if one.get("path")})
    words = " ".join(str(finding["claim"]).casefold().split())
    return hashlib.sha256("\n".join([*paths, words]).encode("utf-8", "replace")).hexdigest()
