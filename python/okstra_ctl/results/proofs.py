"""Whether the work on a task has turned the commands of its open findings: red before it, green after it.

Pure rules (docs/design/evidence.md); `lead/phases.py` reads the reports and runs the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .commands import Seen, turned
from .records import EvidenceStatus, Mark

Report = Mapping[str, Any]
Record = Mapping[tuple[str, str], Seen]
"""What okstra saw, by command and commit."""


class OpenFinding(NamedTuple):
    """An open finding of an earlier run that cites a command as red. `before` is the commit that it was red at."""

    run_id: str
    id: str
    severity: str
    title: str
    before: str
    commands: tuple[tuple[str, int], ...]


class Turn(NamedTuple):
    command: str
    cited: int
    before: Seen | None
    after: Seen | None

    @property
    def is_green(self) -> bool:
        return turned(self.before, self.after, self.cited)

    @property
    def is_still_red(self) -> bool:
        return self.after is not None and not self.after.why and any(self.after.exits)


class Proof(NamedTuple):
    """What became of an open finding."""

    finding: OpenFinding
    turns: tuple[Turn, ...]

    @property
    def mark(self) -> Mark:
        """Proven when a command has turned, and none of them is red with the work."""
        proven = any(turn.is_green for turn in self.turns) and not any(turn.is_still_red for turn in self.turns)
        return Mark.PROVEN if proven else Mark.NOT_SHOWN


def open_findings(reports: Iterable[Report], before: Callable[[Report], str]) -> tuple[OpenFinding, ...]:
    """Those of the newest report of each phase and stage. `reports` are the task's, newest first; `before` gives the
    commit at which a report's commands are to be red."""
    found: list[OpenFinding] = []
    known: set[tuple[str, object]] = set()
    for report in reports:
        part = (report["task_type"], report["stage"])
        if part not in known:
            known.add(part)
            commit = before(report)
            found += [one for finding in report["findings"] for one in _open(report["run_id"], finding, commit)]
    return tuple(found)


def _open(run_id: str, finding: Mapping[str, Any], before: str) -> Iterable[OpenFinding]:
    # What okstra did not see end as cited is no proof, even when the work turns it.
    seen = [line for line in finding["evidence"] if line.get("status") == EvidenceStatus.VERIFIED]
    red = {line["command"]: line["exit"] for line in seen if line.get("exit")}
    if finding["status"] == "open" and red:
        yield OpenFinding(run_id, finding["id"], finding["severity"], finding["title"], before, tuple(red.items()))


def proof_of(finding: OpenFinding, head: str, seen: Record) -> Proof:
    return Proof(
        finding,
        tuple(
            Turn(command, cited, seen.get((command, finding.before)), seen.get((command, head)))
            for command, cited in finding.commands
        ),
    )


def proof_json(proof: Proof) -> dict[str, object]:
    """As it is in the report."""
    finding = proof.finding
    return {
        "mark": str(proof.mark),
        "run_id": finding.run_id,
        "finding": finding.id,
        "severity": finding.severity,
        "title": finding.title,
        "status": "closed" if proof.mark is Mark.PROVEN else "open",
        "commands": [
            {"command": turn.command, "before": _seen(turn.before), "after": _seen(turn.after)} for turn in proof.turns
        ],
    }


def _seen(seen: Seen | None) -> str:
    return seen.as_text() if seen else "not run"


def commands_before(findings: Sequence[OpenFinding]) -> dict[str, dict[str, tuple[int, ...]]]:
    """By commit, the commands to run there, each with the exits that are claimed for it."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for finding in findings:
        for command, cited in finding.commands:
            here = found.setdefault(finding.before, {})
            here[command] = tuple(dict.fromkeys((*here.get(command, ()), cited)))
    return found
