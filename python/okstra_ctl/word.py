"""Words: the closed sets that statuses, outcomes and verdicts are chosen from."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A word of a closed set that is its own text, as `enum.StrEnum` of Python 3.11."""

    __str__ = str.__str__
