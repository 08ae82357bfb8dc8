"""A plan's stages as the markdown that `plan check` reads (spec 3, "The Stage Map")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .safe_markdown import cell, code, inline


def plan_lines(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """`## 5.5 Stage Map` with its table, then one section a stage. Stages are numbered by their places."""
    yield "## 5.5 Stage Map"
    yield ""
    yield "| Stage | Title | Depends on | Files | Steps | Exit check |"
    yield "|---|---|---|---|---|---|"
    for number, stage in enumerate(stages, 1):
        depends = ", ".join(str(one) for one in stage["depends_on"]) or "(none)"
        files = ", ".join(code(name) for name in stage["files"]).replace("|", "\\|")
        check = code(stage["exit_check"]).replace("|", "\\|")
        title = cell(stage["title"])
        yield f"| {number} | {title} | {depends} | {files} | {len(stage['steps'])} | {check} |"
    yield ""
    for number, stage in enumerate(stages, 1):
        yield f"### 5.5.{number} Stage {number}: {inline(stage['title'])}"
        yield ""
        yield from (f"{place}. {inline(step)}" for place, step in enumerate(stage["steps"], 1))
        if stage["tdd_exemption"]:
            yield ""
            yield f"TDD exemption: {inline(stage['tdd_exemption'])}"
        yield ""


def plan_items(stages: Sequence[object]) -> tuple[str, ...]:
    """What the analysts are asked about a plan: the direction as a whole, and each stage."""
    return ("PLAN", *(f"STAGE-{number}" for number in range(1, len(stages) + 1)))
