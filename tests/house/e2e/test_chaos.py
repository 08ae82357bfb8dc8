"""Eleven kinds of command on one task at once, `reconcile --apply` among them, with signals at random.

The long form (`-m stress`) goes on for three minutes; `OKSTRA_CHAOS_SECONDS` sets another time.
"""

from __future__ import annotations

import os
import time

import pytest

from support import figures
from support.chaos import Chaos
from support.faults import seeded
from support.okstra import Project
from support.plans import independent


def _play(project: Project, chaos: Chaos) -> None:
    project.adopt(independent(chaos.stages))
    project.repo.commit({f"src/{number}.txt": f"{number}\n" for number in range(40)})
    assert project.run_phase().status == 0
    chaos.rage()
    print(chaos.endings)
    chaos.settle()
    chaos.check()


def test_commands_of_all_kinds_and_signals_leave_nothing_amiss(project: Project) -> None:
    _play(project, Chaos(project, at_once=12, seconds=6, seed=seeded().randrange(2**32), stages=12))


@pytest.mark.stress
def test_commands_of_all_kinds_and_signals_for_minutes(project: Project) -> None:
    seconds = float(os.environ.get("OKSTRA_CHAOS_SECONDS", "180"))
    chaos = Chaos(project, at_once=20, seconds=seconds, seed=seeded().randrange(2**32), stages=60)
    _play(project, chaos)
    told = f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores: {chaos.figures}"
    print(told)
    figures.keep("chaos", lambda _: told)
