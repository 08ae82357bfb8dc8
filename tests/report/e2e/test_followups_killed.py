"""`followups spawn` killed at points of its way: the same command makes the task whole, once."""

from __future__ import annotations

import json
from pathlib import Path

from support import schemas
from support.crash import Play
from support.faults import Preload, sample, seeded
from support.rehearsal import install, led, part

RUN = "demo:core:T-1/error-analysis/001"
ARGS = ("followups", "spawn", RUN, "--item", "FU-001", "--json")
WANTED = {"title": "Rotate", "task_type": "error-analysis", "reason": "old"}


def _notes(history: Path) -> list[str]:
    rows = [json.loads(line) for line in (history / "timeline.jsonl").read_text().splitlines()]
    return [row["note"] for row in rows if row["event"] == "spawned"]


def _faults(tasks: Path) -> list[str]:
    """What is amiss with the two tasks once the command was given again."""
    origin, made = tasks / "t-1", tasks / "t-1-1"
    found = [] if sorted(path.name for path in tasks.iterdir()) == ["t-1", "t-1-1"] else ["more tasks than two"]
    files = [made / "task-manifest.json", origin / "task-manifest.json", *tasks.glob("*/history/*.jsonl")]
    found += [fault for path in files for fault in schemas.faults_of_file(path)]
    rows = (origin / "history" / "follow-ups.jsonl").read_text().splitlines()
    notes = (_notes(origin / "history"), _notes(made / "history"))
    if len(rows) != 1 or notes != (["FU-001 as demo:core:T-1-1"], ["from FU-001 of demo:core:T-1"]):
        found.append(f"{len(rows)} rows, {notes}")
    related = [json.loads((folder / "task-manifest.json").read_text())["related"] for folder in (origin, made)]
    if related != [["demo:core:T-1-1"], ["demo:core:T-1"]]:
        found.append(f"related: {related}")
    if "> old" not in (made / "brief.md").read_text() or not (made / "task-index.md").exists():
        found.append("no brief, or no page")
    catalog = json.loads((tasks.parent.parent / "discovery" / "task-catalog.json").read_text())
    return found if "demo:core:T-1-1" in catalog["tasks"] else [*found, "not in the catalog"]


def test_a_killed_spawn_is_made_whole_by_the_same_command(tmp_path: Path) -> None:
    play = Play(tmp_path, Preload.build(tmp_path))
    project = play.project
    install(project, part({"report": {"follow_ups": [WANTED]}}, role="report-writer"))
    assert led(project, "error-analysis").status == 0
    play.ready(*ARGS)
    wrong = []
    points = [play.points[0], *sample(seeded(), play.points[1:], 8)]
    for fault in ("group", "torn"):
        for point in points if fault == "group" else sample(seeded(), points, 3):
            play.strike(point, fault).outlive()
            listed = project.okstra.ok("followups", "list", "--json").data["items"][0]
            if listed["next"].startswith("okstra followups spawn"):
                project.okstra.ok(*listed["next"].split()[1:], "--json")
            again = project.okstra.ok(*ARGS).data["spawned"][0]
            assert again["task_key"] == "demo:core:T-1-1"
            wrong += [f"{fault} at {point}: {fault_found}" for fault_found in _faults(project.task_root.parent)]
    assert wrong == []
