"""A lease: who gives no sign of life for that long, by the clock of the one that waits, loses its stage."""

from __future__ import annotations

import time

import pytest

from okstra_ctl.names import TaskKey
from okstra_ctl.remote.exchange import exchange_of
from okstra_ctl.remote.machine import this_holder
from okstra_ctl.services import open_services
from okstra_ctl.settings.project import load_project
from okstra_ctl.sharing.claims import SharedClaims
from okstra_ctl.sharing.joining import Wanted
from support.machines import Farm
from support.okstra import Project

_KEY = TaskKey.parse(Project.task_key)
_LEASE = 4  # seconds; a person can't set less than five minutes


def _claims(machine: Project) -> SharedClaims:
    services = open_services(machine.okstra.environment)
    exchange = exchange_of(load_project(str(machine.repo.path), services), _KEY, services)
    assert exchange is not None
    return SharedClaims(exchange, this_holder(services.home), services, lease=_LEASE)


def _wanted(claims: SharedClaims, base: str, seq: int) -> Wanted:
    return Wanted(1, f"{_KEY}/implementation/stage-1/{seq:03d}", seq, seq, base, claims.new_token())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[SharedClaims, SharedClaims, Wanted, str]:
    """A holds stage 1."""
    farm = Farm(tmp_path_factory.mktemp("farm"))
    machine = farm.machine("a")
    farm.approve(machine, {1: ()})
    a, b = _claims(machine), _claims(farm.machine("b"))
    digest = farm.shared(Project.task_key)["approval"]["digest"]
    held = _wanted(a, machine.repo.git("rev-parse", "HEAD"), 1)
    assert a.claim([held], digest=digest, plan="plan.md", anchor=held.base)
    return a, b, held, digest


def test_who_gives_signs_of_life_keeps_the_stage_and_who_does_not_loses_it(
    pair: tuple[SharedClaims, SharedClaims, Wanted, str],
) -> None:
    a, b, held, digest = pair
    assert 1 in b.fetch().stages
    time.sleep(_LEASE * 0.6)
    a.beat(1, held.token)
    assert 1 in b.fetch().stages
    time.sleep(_LEASE * 0.6)
    assert 1 in b.fetch().stages, "it gave a sign since"
    mine = _wanted(b, held.base, 2)
    assert not b.claim([mine], digest=digest, plan="plan.md")
    time.sleep(_LEASE * 1.1)
    assert 1 not in b.fetch().stages
    assert b.claim([mine], digest=digest, plan="plan.md")
    assert b.read().task.holds(1, mine.token)
    assert not a.read().task.holds(1, held.token)
