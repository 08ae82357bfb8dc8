"""The stage graph: waves, cycles, the critical path, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .model import StageMap

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
