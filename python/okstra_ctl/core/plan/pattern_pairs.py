"""Which file patterns may meet, told by how the paths that they cover begin and end. Light to import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .globs import Pattern


def candidate_pairs(patterns: Mapping[str, Pattern]) -> Iterator[tuple[str, str]]:
    """The pairs of patterns (str) of which one's head begins the other's, and one's tail ends the other's.

    Sorted heads that begin one another stand in a row, so a stack of the open ones finds the pairs without trying all.
    """
    by_head: dict[str, list[str]] = {}
    for text, pattern in patterns.items():
        by_head.setdefault(pattern.head, []).append(text)
    open_heads: list[str] = []
    for head in sorted(by_head):
        while open_heads and not head.startswith(open_heads[-1]):
            open_heads.pop()
        yield from _same_head(by_head[head], patterns)
        for above in open_heads:
            yield from _other_head(by_head[above], by_head[head], patterns)
        open_heads.append(head)


def _same_head(texts: list[str], patterns: Mapping[str, Pattern]) -> Iterator[tuple[str, str]]:
    """The pairs among patterns of one head, found by their tails in the same way."""
    backwards = sorted((patterns[text].tail[::-1], text) for text in texts)
    open_tails: list[tuple[str, str]] = []
    for tail, text in backwards:
        while open_tails and not tail.startswith(open_tails[-1][0]):
            open_tails.pop()
        for _, other in open_tails:
            yield other, text
        open_tails.append((tail, text))


def _other_head(above: list[str], below: list[str], patterns: Mapping[str, Pattern]) -> Iterator[tuple[str, str]]:
    for one in above:
        tail = patterns[one].tail
        for other in below:
            if tail.endswith(patterns[other].tail) or patterns[other].tail.endswith(tail):
                yield one, other
