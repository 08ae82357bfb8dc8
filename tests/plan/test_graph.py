"""The stage graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.plan.model import Stage, StageMap, ancestors, critical_path, graph_of, number_list, waves

Graph = dict[int, tuple[int, ...]]


@st.composite
def _graphs(draw: st.DrawFn) -> Graph:
    """Without a cycle: in some order, each stage needs earlier ones only."""
    order = draw(st.permutations(range(1, draw(st.integers(0, 9)) + 1)))
    return {
        stage: tuple(draw(st.lists(st.sampled_from(order[:place]), unique=True))) if place else ()
        for place, stage in enumerate(order)
    }


def test_graph_of_a_map() -> None:
    stages = tuple(Stage(n, "t", needs, (), "", (), "", 1) for n, needs in ((1, ()), (2, (1,))))
    assert graph_of(StageMap(stages, "d")) == {1: (), 2: (1,)}


def test_waves_by_hand() -> None:
    assert waves({1: (), 2: (), 3: (1, 2), 4: (1,), 5: (3, 4)}) == [[1, 2], [3, 4], [5]]
    assert waves({}) == []


@given(_graphs())
def test_every_stage_comes_in_the_first_wave_after_its_needs(graph: Graph) -> None:
    wave_of = {stage: number for number, wave in enumerate(waves(graph)) for stage in wave}
    assert sorted(wave_of) == sorted(graph)
    for stage, needs in graph.items():
        assert wave_of[stage] == max((wave_of[need] for need in needs), default=-1) + 1


@pytest.mark.parametrize("graph", [{1: (1,)}, {1: (2,), 2: (1,)}, {1: (), 2: (1, 4), 3: (2,), 4: (3,)}])
def test_a_cycle_is_an_error(graph: Graph) -> None:
    for ask in (waves, critical_path):
        with pytest.raises(ValueError, match="in a circle"):
            ask(graph)


def test_critical_path_by_hand() -> None:
    assert critical_path({1: (), 2: (1,), 3: (), 4: (2, 3)}) == [1, 2, 4]
    assert critical_path({1: (), 2: (), 3: (1, 2)}) == [1, 3], "the lowest numbers where chains tie"
    assert critical_path({}) == []


@given(_graphs())
def test_the_critical_path_is_a_chain_through_every_wave(graph: Graph) -> None:
    path = critical_path(graph)
    assert len(path) == len(waves(graph))
    assert all(before in graph[after] for before, after in pairwise(path))


@given(_graphs())
def test_ancestors_are_the_needs_and_their_ancestors(graph: Graph) -> None:
    for stage, needs in graph.items():
        assert ancestors(graph, stage) == set(needs).union(*(ancestors(graph, need) for need in needs))
        assert stage not in ancestors(graph, stage)


def test_ancestors_in_a_cycle_end() -> None:
    assert ancestors({1: (2,), 2: (1,)}, 1) == {1, 2}


@pytest.mark.parametrize(("stages", "text"), [((), ""), ((3,), "3"), ((5, 2), "2 and 5"), ((5, 1, 2), "1, 2 and 5")])
def test_number_list(stages: tuple[int, ...], text: str) -> None:
    assert number_list(stages) == text
