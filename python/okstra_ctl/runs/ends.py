"""What a run's own manifest says that it ended as: for whoever has a claim or a ledger row of it in hand."""

from __future__ import annotations

from ..errors import OkstraError
from ..names import RunId
from ..paths import ProjectFiles
from ..system import files as fsio
from .manifest import SCHEMA


def recorded_end(run_id: str, project_root: str) -> str:
    """Empty while it goes on; and where its manifest can't be read, which other commands tell."""
    try:
        run = RunId.parse(run_id)
        manifest = fsio.read_json(ProjectFiles(project_root).task(run.task).run_of(run).manifest, SCHEMA)
    except OkstraError:
        return ""
    return str((manifest or {}).get("outcome") or "")
