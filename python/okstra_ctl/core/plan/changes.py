"""What is different between two Stage Maps, for people who approved one and have the other. Light to import."""

from __future__ import annotations

from collections.abc import Iterator

from .records import Stage, StageMap

_FIELDS = (("exit_check", "exit check"), ("files", "files"), ("depends_on", "depends on"), ("title", "title"))


def changes(before: StageMap, after: StageMap) -> list[str]:
    """One clause for each stage that came, went or changed; empty when only its steps' or other words did."""
    old = {stage.number: stage for stage in before.stages}
    new = {stage.number: stage for stage in after.stages}
    return [
        *(f"stage {number} is gone" for number in old.keys() - new.keys()),
        *(f"stage {number} is new" for number in new.keys() - old.keys()),
        *(clause for number in old.keys() & new.keys() for clause in _of_stage(old[number], new[number])),
    ]


def _of_stage(old: Stage, new: Stage) -> Iterator[str]:
    for field, name in _FIELDS:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield f"stage {old.number}: {name} {_shown(before)} is now {_shown(after)}"
    if [step.text for step in old.steps] != [step.text for step in new.steps]:
        yield f"stage {old.number}: its steps"


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text[:80] or '-'}`"
