"""A run's record of the commands that its workers cited, as okstra ran them itself: `state/evidence-<seq>.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..names import RunId
from ..paths import RunFiles
from ..results.commands import Seen
from ..system import files

SCHEMA = "evidence/1"


def recorded_commands(run: RunFiles) -> tuple[Seen, ...]:
    """Every command that okstra ran, in that order. Raises Unreadable."""
    document: dict[str, Any] = files.read_json(run.evidence, SCHEMA) or {}
    return tuple(
        Seen(row["command"], row["commit"], tuple(row["exits"]), row["why"], row["output"])
        for row in document.get("commands", ())
    )


def record_commands(run: RunFiles, run_id: RunId, ran: Sequence[Seen]) -> None:
    """Replaces the record whole: after a kill it has every command that ended before, and a resume runs the others."""
    rows = [{**one._asdict(), "exits": list(one.exits)} for one in ran]
    files.replace_json(run.evidence, {"schema": SCHEMA, "run_id": str(run_id), "commands": rows})
