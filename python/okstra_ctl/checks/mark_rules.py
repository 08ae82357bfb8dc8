"""What a report says of cited commands, against okstra's own record of running them (docs/design/evidence.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..results.commands import Seen, checked_command, turned
from ..results.records import Evidence, EvidenceStatus, Mark
from .record_rules import Fault, RunRecords

_SEEN = (EvidenceStatus.VERIFIED, EvidenceStatus.CONTRADICTED, EvidenceStatus.FLAKY)


def check_marks(records: RunRecords) -> Iterator[Fault]:
    report = records.report
    if report is None:
        return
    runs = _runs(records)
    for finding in report["findings"]:
        cited = [*finding["evidence"], *(line for one in finding["verdicts"] for line in one["evidence"])]
        for line in cited:
            if line.get("status") in _SEEN and "command" in line and not _is_recorded(line, runs):
                message = f"{finding['id']}: `{line['command']}` is {line['status']}, and there is no such run of it"
                yield records.in_report("mark-unearned", message, f'"{finding["id"]}"')
        if finding.get("mark") == Mark.SHOWN and not any(
            "command" in line and line.get("status") == EvidenceStatus.VERIFIED for line in cited
        ):
            message = f"{finding['id']} is shown, and none of its commands is verified"
            yield records.in_report("mark-unearned", message, f'"{finding["id"]}"')
    for proof in report.get("proofs", ()):
        if proof["mark"] == Mark.PROVEN and not any(_has_turned(one["command"], runs) for one in proof["commands"]):
            message = f"{proof['finding']} of {proof['run_id']} is proven, and none of its commands turned"
            yield records.in_report("mark-unearned", message, '"proofs"')


def _runs(records: RunRecords) -> list[Seen]:
    """Every run of a command that okstra has on record."""
    found = [
        Seen(row["command"], row["commit"], tuple(row["exits"]), row["why"])
        for row in (records.evidence or {}).get("commands", ())
    ]
    checks = [*(records.qa["checks"] if records.qa else ()), *([records.exit_check] if records.exit_check else ())]
    return found + [Seen(row["command"], str(row.get("commit")), (row["exit"],)) for row in checks]


def _is_recorded(line: Mapping[str, Any], runs: list[Seen]) -> bool:
    cited = Evidence("", 0, 0, "", line["command"], line["exit"])
    return any(one.command == line["command"] and checked_command(cited, one).status == line["status"] for one in runs)


def _has_turned(command: str, runs: list[Seen]) -> bool:
    mine = [one for one in runs if one.command == command]
    return any(turned(before, after) for before in mine for after in mine)
