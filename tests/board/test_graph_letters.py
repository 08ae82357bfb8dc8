"""The stage graph in letters says what needs what."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.board.lines import DRAWN, PLAIN, Signs, as_text, graph_lines
from okstra_ctl.plan.model import waves
from okstra_ctl.system.text import display_width
from support.boards import stages

_UP, _DOWN, _RIGHT, _TURNS = "│┘└┴┤├┼", "│┐┌┬┤├┼", "─└┴┌┬├┼▶", "┘┐┤"


def _needs(number: int) -> st.SearchStrategy[tuple[int, ...]]:
    if number == 1:
        return st.just(())
    return st.lists(st.integers(1, number - 1), max_size=3, unique=True).map(lambda some: tuple(sorted(some)))


_GRAPHS = (
    st.integers(1, 9)
    .flatmap(lambda count: st.tuples(*map(_needs, range(1, count + 1))))
    .map(lambda needs: dict(enumerate(needs, 1)))
)


def drawn(graph: dict[int, tuple[int, ...]], columns: int | None = None, signs: Signs = DRAWN) -> list[str]:
    return [as_text(line) for line in graph_lines(stages(graph), columns, signs)]


def test_a_graph_as_it_is_drawn() -> None:
    assert drawn({1: (), 2: (), 3: (1, 2), 4: (1,), 5: (3, 4)}) == [
        "  1 Part 1 ┌─┬─▶ 3 Part 3           ┌─┬─▶ 5 Part 5",
        "    done ──┤ │     running ← 1, 2 ──┘ │     blocked ← 3, 4",
        "  2 Part 2 └─┼─▶ 4 Part 4             │",
        "    done ────┘     ready ← 1 ─────────┘",
    ]


def test_a_terminal_without_unicode_gets_plain_letters() -> None:
    assert drawn({1: (), 2: (1,)}, signs=PLAIN) == ["  1 Part 1 +-> 2 Part 2", "    done --+     done <- 1"]
    assert all(line.isascii() for line in drawn({1: (), 2: (1,), 3: (1,), 4: (2, 3)}, signs=PLAIN))


@given(_GRAPHS)
def test_a_line_leads_to_each_stage_of_the_next_wave_that_needs_this_one(graph: dict[int, tuple[int, ...]]) -> None:
    """Followed letter by letter. A crossing that a line might also branch off at is settled by the words."""
    order = waves(graph)
    grid = drawn(graph)
    for wave, after in pairwise(order):
        for row, number in enumerate(wave):
            needing = {one for one in after if number in graph[one]}
            surely, perhaps = (
                {after[target] for target in _reached(grid, row, number, after[0], branches=branches)}
                for branches in (False, True)
            )
            assert surely <= needing <= perhaps


def _reached(grid: list[str], row: int, number: int, first_after: int, *, branches: bool) -> set[int]:
    """The rows of the stages that the line from beside this stage's status arrives at."""
    start = grid[row * 2].index(f"{number} Part {number}")
    end = grid[0].index(f"{first_after} Part {first_after}")
    line = grid[row * 2 + 1].ljust(end)
    turns = [x for x in range(start, end) if line[x] in _TURNS]
    found: set[int] = set()
    for step, onward in ((-1, _UP), (1, _DOWN)) if turns else ():
        y = row * 2 + 1
        while grid[y].ljust(end)[turns[0]] in onward:
            y += step
            mark = grid[y].ljust(end)[turns[0]]
            if y % 2 == 0 and mark in _RIGHT and (mark != "┼" or branches):
                found.add(y // 2)
    return found


def test_what_is_needed_stands_in_words_too() -> None:
    lines = drawn({1: (), 2: (1,), 3: (1, 2)})
    assert any("← 1, 2" in line for line in lines), "no line is drawn from wave 1 to wave 3"


def test_stages_in_a_circle_are_listed() -> None:
    assert drawn({1: (2,), 2: (1,)}) == ["  1 Part 1  done ← 2", "  2 Part 2  done ← 1"]


@pytest.mark.parametrize("columns", [10, 20, 40, 60, 200])
@given(graph=_GRAPHS)
def test_it_is_no_wider_than_there_is_room_or_else_a_list(columns: int, graph: dict[int, tuple[int, ...]]) -> None:
    lines = drawn(graph, columns)
    if len(lines) == len(graph) and "▶" not in "".join(lines):
        return
    assert max(map(display_width, lines)) <= columns
    shown = "\n".join(lines)
    assert all(f"{number} P" in shown for number in graph)
