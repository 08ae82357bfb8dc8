"""The Stage Map as values, and as JSON; what differs between two of them; its graph: waves, cycles, the critical path,
and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_COMPARED = (
    *(("exit_check", "exit check"), ("files", "files"), ("depends_on", "depends on"), ("title", "title")),
    ("proof", "proof"),
)
# What a stage's exit check has to show, beyond ending with 0 at the stage's head.
RED_GREEN = "red-green"
KEPT_GREEN = "kept-green"
NO_PROOF = "none"


class Step(NamedTuple):
    """One numbered step of a stage section; `line` is 1-based in the plan file."""

    number: int
    text: str
    line: int


class Stage(NamedTuple):
    """One row of the Stage Map with its section."""

    number: int
    title: str
    depends_on: tuple[int, ...]
    files: tuple[str, ...]
    exit_check: str
    steps: tuple[Step, ...]
    tdd_exemption: str
    line: int
    proof: str = RED_GREEN
    """`red-green`: the check fails without the stage's code; `kept-green`: it passes at the base; `none: <reason>`."""


class StageMap(NamedTuple):
    """All stages of a plan, in number order; `digest` is the SHA-256 (hex) of the Stage Map part of the text."""

    stages: tuple[Stage, ...]
    digest: str

    def stage(self, number: int) -> Stage:
        """Raises KeyError when the map has no such stage."""
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise KeyError(number)


class Finding(NamedTuple):
    """One broken rule: its id (`S1` … `S13`), `error` or `warning`, 1-based line, and a message."""

    rule: str
    severity: str
    line: int
    message: str


def error(rule: str, line: int, message: str) -> Finding:
    return Finding(rule, "error", line, message)


def stage_map_to_json(stage_map: StageMap) -> dict[str, object]:
    stages = [
        {**stage._asdict(), "depends_on": list(stage.depends_on), "files": list(stage.files)}
        | {"steps": [step._asdict() for step in stage.steps]}
        for stage in stage_map.stages
    ]
    return {"digest": stage_map.digest, "stages": stages}


def stage_map_from_json(value: object) -> StageMap:
    """The map that `stage_map_to_json` wrote. Raises ValueError for a value of another shape."""
    fields = _checked(value, {"digest": str, "stages": list})
    stages = tuple(map(_stage, fields["stages"]))
    if [stage.number for stage in stages] != list(range(1, len(stages) + 1)):
        raise ValueError("the stages of the map are not numbered from 1 without a gap")
    return StageMap(stages, fields["digest"])


def _stage(value: object) -> Stage:
    kinds = dict.fromkeys(Stage._fields, str) | {"number": int, "line": int}
    if isinstance(value, dict):  # maps that were written before there were proofs
        value = {"proof": RED_GREEN, **value}
    fields = _checked(value, {**kinds, "depends_on": list, "files": list, "steps": list})
    for name, kind in (("depends_on", int), ("files", str)):
        fields[name] = tuple(_checked({name: item}, {name: kind})[name] for item in fields[name])
    steps = (_checked(step, {"number": int, "text": str, "line": int}) for step in fields["steps"])
    return Stage(**{**fields, "steps": tuple(Step(**step) for step in steps)})


def _checked(value: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The fields of a JSON object that have the given types. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    for name, kind in kinds.items():
        if type(value.get(name)) is not kind:  # `true` is an int to Python, not to JSON
            raise ValueError(f"`{name}` is missing, or of another kind")
        str(value[name]).encode()  # lone surrogates come from no plan: UnicodeEncodeError is a ValueError
    return {name: value[name] for name in kinds}


def changes(before: StageMap, after: StageMap) -> list[str]:
    """One clause for each stage that was added, removed or changed; empty when only other text of the plan was."""
    old = {stage.number: stage for stage in before.stages}
    new = {stage.number: stage for stage in after.stages}
    return [
        *(f"stage {number} is gone" for number in old.keys() - new.keys()),
        *(f"stage {number} is new" for number in new.keys() - old.keys()),
        *(clause for number in old.keys() & new.keys() for clause in _changes_of(old[number], new[number])),
    ]


def _changes_of(old: Stage, new: Stage) -> Iterator[str]:
    for field, name in _COMPARED:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield f"stage {old.number}: {name} {_shown(before)} is now {_shown(after)}"
    if [step.text for step in old.steps] != [step.text for step in new.steps]:
        yield f"stage {old.number}: its steps"


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text[:80] or '-'}`"


Graph = Mapping[int, tuple[int, ...]]


def graph_of(stage_map: StageMap) -> dict[int, tuple[int, ...]]:
    """Stage number to the stages that it depends on."""
    return {stage.number: stage.depends_on for stage in stage_map.stages}


def waves(graph: Graph) -> list[list[int]]:
    """Stages that can run side by side, wave after wave. Raises ValueError on a cycle."""
    left = {stage: set(needs) & set(graph) for stage, needs in graph.items()}
    result = []
    while left:
        wave = sorted(stage for stage, needs in left.items() if not needs & left.keys())
        if not wave:
            raise ValueError("the stages depend on each other in a circle")
        result.append(wave)
        for stage in wave:
            del left[stage]
    return result


def critical_path(graph: Graph) -> list[int]:
    """The longest chain of stages that must follow one another; the lowest numbers where chains tie."""
    best: dict[int, list[int]] = {}
    for wave in waves(graph):
        for stage in wave:
            chains = [best[need] for need in sorted(graph[stage]) if need in best]
            best[stage] = [*max(chains, key=len, default=[]), stage]
    return max((best[stage] for stage in sorted(best)), key=len, default=[])


def ancestors(graph: Graph, stage: int) -> set[int]:
    """All stages that the stage depends on, directly or indirectly."""
    seen: set[int] = set()
    queue = list(graph.get(stage, ()))
    while queue:
        current = queue.pop()
        if current not in seen:
            seen.add(current)
            queue.extend(graph.get(current, ()))
    return seen


def named(stages: Iterable[int]) -> str:
    """`stage 1`, or `stages 1 and 2`, for messages."""
    numbers = list(stages)
    return f"{'stage' if len(numbers) == 1 else 'stages'} {number_list(numbers)}"


def number_list(stages: Iterable[int]) -> str:
    """`1, 2 and 5`, for messages."""
    words = [str(stage) for stage in sorted(stages)]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
