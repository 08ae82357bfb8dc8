"""What other machines hold or did of a plan's stages: values that the choice of a stage takes into account.

Pure, and without `remote/`: every choice loads it, also where nothing is shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Elsewhere(NamedTuple):
    """A stage as the shared state has it: claimed by another machine, or done by any.

    `host` is that machine's name, for people; empty for this machine. `epoch` is that of the claim.
    """

    epoch: int
    run_id: str
    host: str
    since: str
    done: bool = False
    head_commit: str = ""
    proof: str = ""
    overrule: str = ""
    gates_open: bool = False
    """okstra leads its run there, and not all gates of the run were passed yet."""


class Shared(NamedTuple):
    """`epochs`: the highest that each stage ever had on any machine; `next_seqs`: the lowest run number of each that no
    machine has used. `anchor`: where stages without predecessors begin."""

    stages: Mapping[int, Elsewhere] = MappingProxyType({})
    epochs: Mapping[int, int] = MappingProxyType({})
    next_seqs: Mapping[int, int] = MappingProxyType({})
    anchor: str = ""

    def next_epoch(self, stage: int) -> int:
        return 1 + self.epochs.get(stage, 0)

    def next_seq(self, stage: int) -> int:
        return self.next_seqs.get(stage, 1)


ALONE = Shared()
"""Of a task that this machine does not share."""
