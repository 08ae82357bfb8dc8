"""Which file patterns may meet, told by how the paths that they cover begin and end. Light to import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product

from .glob_names import WILDCARDS
from .globs import Pattern

Join = Iterator[tuple[list[str], list[str]]]


def candidate_pairs(patterns: Mapping[str, Pattern]) -> Iterator[tuple[str, str]]:
    """The pairs of patterns (str) of which one's head begins the other's, one's tail ends the other's, and so for the
    beginnings of their last names.
    """
    everything = list(patterns)
    for left, right in _join(everything, everything, lambda text: patterns[text].head):
        for ours, theirs in _join(left, right, lambda text: patterns[text].tail[::-1]):
            for some, others in _join(ours, theirs, lambda text: _last_head(patterns[text])):
                yield from combinations(some, 2) if some is others else product(some, others)


def _last_head(pattern: Pattern) -> str:
    """What the last name of every path that the pattern covers begins with, whole names with a slash behind."""
    last = pattern.names[-1]
    if last is None:
        return ""
    if last.is_literal:
        return last.text + "/"
    return last.text[: min(last.text.find(sign) for sign in WILDCARDS if sign in last.text)]


def _join(left: list[str], right: list[str], key: Callable[[str], str]) -> Join:
    """Pairs of lists from left and right that hold all pairs of which one's key begins the other's, each once.

    The keys that a key begins stand right behind it when sorted, so none is tried in vain. A list joined with
    itself comes out as one list twice.
    """
    if left is not right and len(left) == len(right) == 1:
        one, other = key(left[0]), key(right[0])
        if one.startswith(other) or other.startswith(one):
            yield left, right
        return
    lefts = _grouped(left, key)
    rights = lefts if left is right else _grouped(right, key)
    keys = sorted(lefts if left is right else {*lefts, *rights})
    for place, end in enumerate(_ends(keys)):
        ours, theirs = lefts.get(keys[place], []), rights.get(keys[place], [])
        if (ours is theirs and len(ours) > 1) or (ours is not theirs and ours and theirs):
            yield ours, theirs
        if end > place + 1:
            yield from _with_longer(ours, rights, keys[place + 1 : end])
            if left is not right:
                yield from ((below, over) for over, below in _with_longer(theirs, lefts, keys[place + 1 : end]))


def _with_longer(texts: list[str], groups: Mapping[str, list[str]], keys: Sequence[str]) -> Join:
    """A group with all those of longer keys, taken together."""
    longer = [text for key in keys for text in groups.get(key, ())] if texts else []
    if longer:
        yield texts, longer


def _grouped(texts: list[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(key(text), []).append(text)
    return groups


def _ends(keys: Sequence[str]) -> list[int]:
    """For each of the sorted keys the place behind the last one that it begins."""
    ends = [len(keys)] * len(keys)
    open_places: list[int] = []
    for place, key in enumerate(keys):
        while open_places and not key.startswith(keys[open_places[-1]]):
            ends[open_places.pop()] = place
        open_places.append(place)
    return ends
