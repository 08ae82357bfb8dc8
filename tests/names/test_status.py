"""Every state that a run can be in has its next step, and it is a command that there is."""

from __future__ import annotations

import pytest

from okstra_ctl.command_table import find
from okstra_ctl.options import build_parser
from okstra_ctl.status import OPEN, RunStatus, next_step

_RUN = "p:g:1/implementation/stage-1/001"


@pytest.mark.parametrize("stage", [True, False])
@pytest.mark.parametrize("status", list(RunStatus))
def test_each_open_state_has_a_next_step_and_no_other(status: RunStatus, stage: bool) -> None:
    words = next_step(str(status), _RUN, stage=stage).split()
    assert bool(words) == (status in OPEN)
    if words:
        command = find(words[1])
        assert command is not None
        build_parser(command)[0].parse_args(words[2:])


def test_only_what_ended_well_was_given_back_or_dropped_needs_nothing() -> None:
    assert set(RunStatus) - set(OPEN) == {RunStatus.COMPLETED, RunStatus.RELEASED, RunStatus.DROPPED}
