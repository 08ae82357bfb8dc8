"""What a row of the table is: one measure, taken at several sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from measure import Row

SIZES = (10, 100, 1_000, 10_000)
BEHIND = 1.5  # seconds in which what okstra owes the disk has begun to be settled; the rest of it is waited for


class Family(NamedTuple):
    """`of` says what the size counts; `goals` are the ratios that are asked for, by size."""

    name: str
    what: str
    against: str
    of: str
    measure: Callable[[int], Row]
    goals: Mapping[int, float] = {}
    sizes: tuple[int, ...] = SIZES
