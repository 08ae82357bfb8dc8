"""The Stage Map as values. Light to import: no markdown parser here."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """One numbered step of a stage section; `line` is 1-based in the plan file."""

    number: int
    text: str
    line: int


class Stage(NamedTuple):
    """One row of the Stage Map with its section (spec 3, "The Stage Map")."""

    number: int
    title: str
    depends_on: tuple[int, ...]
    files: tuple[str, ...]
    exit_check: str
    steps: tuple[Step, ...]
    tdd_exemption: str
    line: int


class StageMap(NamedTuple):
    """All stages of a plan, in number order; `digest` is the SHA-256 (hex) of the Stage Map part of the text."""

    stages: tuple[Stage, ...]
    digest: str

    def stage(self, number: int) -> Stage:
        """The stage of that number. Raises KeyError when the map has none."""
        for stage in self.stages:
            if stage.number == number:
                return stage
        raise KeyError(number)


class Finding(NamedTuple):
    """One broken rule: its id (`S1` … `S12`), `error` or `warning`, 1-based line, and a message."""

    rule: str
    severity: str
    line: int
    message: str
