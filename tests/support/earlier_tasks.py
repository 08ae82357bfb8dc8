"""Tasks whose keys were given before ids were limited: they stay, and every command must bear them."""

from __future__ import annotations

import json
from pathlib import Path

from okstra_ctl.names import TaskKey
from okstra_ctl.paths import ProjectFiles
from okstra_ctl.tasks.records import new_manifest


def make_earlier_task(project_root: Path, key: str, brief: str = "") -> Path:
    """Writes the task's manifest by hand; returns the task's folder. `brief`: its file, from the project's root."""
    parsed = TaskKey.parse(key)
    task = ProjectFiles(str(project_root)).task(parsed)
    folder = Path(task.root)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = new_manifest(parsed, "feature", brief, "2026-01-01T00:00:00Z")
    Path(task.manifest).write_text(json.dumps(manifest), encoding="utf-8")
    return folder
