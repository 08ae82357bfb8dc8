"""Cycles and reach in a graph given as a list of successors for each place. No recursion: graphs may be long."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush

Edges = Sequence[Sequence[int]]


def find_knots(edges: Edges) -> list[list[int]]:
    """The sets of places (list of int) that all reach one another, of two or more, by their lowest place (Tarjan)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    knots = []
    for root in range(len(edges)):
        if root in order:
            continue
        work = [(root, iter(edges[root]))]
        _enter(root, order, low, path, on_path)
        while work:
            place, following = work[-1]
            after = next(following, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == order[place]:
                    knot = _leave(place, path, on_path)
                    knots += [knot] if len(knot) > 1 else []
            elif after not in order:
                _enter(after, order, low, path, on_path)
                work.append((after, iter(edges[after])))
            elif after in on_path:
                low[place] = min(low[place], order[after])
    return sorted(knots, key=min)


def _enter(place: int, order: dict[int, int], low: dict[int, int], path: list[int], on_path: set[int]) -> None:
    order[place] = low[place] = len(order)
    path.append(place)
    on_path.add(place)


def _leave(place: int, path: list[int], on_path: set[int]) -> list[int]:
    """Takes a finished knot off the path."""
    start = len(path) - 1
    while path[start] != place:
        start -= 1
    knot = path[start:]
    del path[start:]
    on_path.difference_update(knot)
    return knot


def cycle_through(start: int, knot: Sequence[int], edges: Edges) -> list[int]:
    """The shortest way (list of int) from a place of a knot back to itself, with the place at both ends."""
    inside = set(knot)
    came_from: dict[int, int] = {}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for after in edges[place]:
            if after == start:
                way = [place]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return [*reversed(way), start]
            if after in inside and after not in came_from:
                came_from[after] = place
                waiting.append(after)
    return []


def in_order(edges: Edges) -> list[int]:
    """The places so that each comes after those it leads to, otherwise lowest first; places of cycles are left out."""
    waits = [len(set(after)) for after in edges]
    back: list[list[int]] = [[] for _ in edges]
    for place, after in enumerate(edges):
        for target in set(after):
            back[target].append(place)
    ready = [place for place, count in enumerate(waits) if count == 0]
    order = []
    while ready:
        place = heappop(ready)
        order.append(place)
        for before in back[place]:
            waits[before] -= 1
            if waits[before] == 0:
                heappush(ready, before)
    return order
