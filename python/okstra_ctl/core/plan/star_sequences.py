"""Patterns that are sequences with stars, where a star (None) stands for any number of items.

File patterns use them twice: a path is a sequence of names with `**` as the star, and a name is a sequence of
characters with `*` as the star. Light to import.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

U = TypeVar("U")


def fits(pattern: Sequence[T | None], items: Sequence[U], one: Callable[[T, U], bool]) -> bool:
    """Whether the whole of `items` matches the pattern; `one` says whether an element matches an item.

    Going back to the last star alone is enough, since an earlier star could only take what a later one can.
    """
    place = taken = 0
    star, star_taken = -1, 0
    while taken < len(items):
        element = pattern[place] if place < len(pattern) else None
        if place < len(pattern) and element is None:
            star, star_taken = place, taken
            place += 1
        elif element is not None and one(element, items[taken]):
            place += 1
            taken += 1
        elif star >= 0:
            star_taken += 1
            place, taken = star + 1, star_taken
        else:
            return False
    return all(element is None for element in pattern[place:])


def can_meet(patterns: Sequence[Sequence[T | None]], together: Callable[[list[T]], bool]) -> bool:
    """Whether some sequence of items matches all the patterns at once.

    Walks the product of the patterns' automata, so the answer is exact. `together` says whether one item can
    match all the given elements.
    """
    start = (0,) * len(patterns)
    seen, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        if all(place == len(pattern) for place, pattern in zip(state, patterns, strict=True)):
            return True
        for after in _moves(state, patterns, together):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return False


def _moves(
    state: tuple[int, ...], patterns: Sequence[Sequence[T | None]], together: Callable[[list[T]], bool]
) -> list[tuple[int, ...]]:
    """The states one move away: a star that ends, or one more item taken by all patterns."""
    moves: list[tuple[int, ...]] = []
    needed: list[T] = []
    taken: list[int] = []
    for which, (place, pattern) in enumerate(zip(state, patterns, strict=True)):
        if place == len(pattern):
            continue
        element = pattern[place]
        if element is None:
            moves.append((*state[:which], place + 1, *state[which + 1 :]))
            taken.append(place)
        else:
            needed.append(element)
            taken.append(place + 1)
    if needed and len(taken) == len(state) and together(needed):
        moves.append(tuple(taken))
    return moves
