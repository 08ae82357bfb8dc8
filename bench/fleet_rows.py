"""What a fleet gains: stages whose agents wait, on three nodes of this machine with two slots each, and on one slot."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from families import Family
from measure import Row, row_of

from fleet import NODES, ground

_STAGES, _SLOTS = 20, 2
_GOAL = 0.2
_NODES_START_SECONDS = 8


def gain(seconds: float, _: int) -> Row:
    """All stages, from the command to its end, their merge included."""
    many, one = _placed(NODES, _SLOTS, seconds), _placed(NODES[:1], 1, seconds)
    return row_of("", "", [(many, one)], goal=_GOAL, note=f"{one / many:.1f} times as fast (at most {_most():.1f})")


def _most() -> float:
    """With equal stages, and nothing lost: so many rounds instead of so many stages."""
    return _STAGES / -(-_STAGES // (len(NODES) * _SLOTS))


def _placed(nodes: Sequence[str], slots: int, seconds: float) -> float:
    stages: dict[int, tuple[int, ...]] = dict.fromkeys(range(1, _STAGES + 1), ())
    with ground(nodes, seconds=seconds, slots=slots, stages=stages) as place:
        for name in ("scheduler", *nodes):
            place.serve(name)
        time.sleep(_NODES_START_SECONDS)  # nodes are there before the clock runs
        began = time.monotonic()
        placing = place.start()
        _, stderr = placing.communicate(timeout=1800)
        if placing.returncode:
            raise SystemExit(stderr[-3000:])
        return time.monotonic() - began


def _family(seconds: int) -> Family:
    what = f"{_STAGES} stages whose agent waits {seconds} s, on {len(NODES)} nodes with {_SLOTS} slots"
    return Family(f"fleet-{seconds}", what, "on one slot", "", partial(gain, seconds), {1: _GOAL}, (1,))


FAMILIES = (_family(2), _family(20))
