"""Attacks by real processes, contained; what they did is looked at from outside."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from okstra_ctl.sandbox import landlock
from okstra_ctl.sandbox.choice import Kind
from support import figures
from support.contained_attacks import ATTACKS, Attack, table
from support.contained_lab import Effects, Lab, can_contain, lab
from support.faults import seeded
from support.sealed import ROOT

needs_bwrap = pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here")
needs_landlock = pytest.mark.skipif(not can_contain(Kind.LANDLOCK), reason="this kernel has no Landlock")
_BY_LANDLOCK = [one for one in ATTACKS if not one.broad and one.needs <= landlock.version()]
_OF_THE_ROLE = {
    "executor": {"own worktree", "git folder", "own result"},
    "tester": {"own worktree"},
    "check": {"own worktree"},
    "evidence": {"own worktree"},
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("machine")) as made:
        yield made


@pytest.fixture
def outer() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def _tried(attack: Attack, machine: Lab, outer: subprocess.Popen[bytes], kind: Kind | None) -> Effects:
    script = attack.script.replace("<OUTER>", str(outer.pid))
    found = machine.run(attack.role, script, kind=kind)
    if attack.area == "behind":
        before = machine.state()
        time.sleep(0.8)
        after = machine.state()
        found = found._replace(changed=tuple(name for name in after if before[name] != after[name]))
    return found


def _hurt(attack: Attack, found: Effects, outer: subprocess.Popen[bytes]) -> list[str]:
    allowed = set(attack.own)
    effects = [name for name in found.changed if name not in allowed]
    effects += ["a secret was read"] if found.leaked else []
    effects += ["a process outside was ended"] if outer.poll() is not None else []
    return effects


@needs_bwrap
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: f"{one.area}: {one.what} ({one.role})")
def test_it_has_no_effect(attack: Attack, machine: Lab, outer: subprocess.Popen[bytes]) -> None:
    found = _tried(attack, machine, outer, Kind.BWRAP)
    assert bool(_hurt(attack, found, outer)) is bool(attack.known), found


def _check_by_landlock_alone(attack: Attack, machine: Lab, outer: subprocess.Popen[bytes]) -> None:
    found = _tried(attack, machine, outer, Kind.LANDLOCK)
    assert bool(_hurt(attack, found, outer)) is bool(attack.known or attack.landlock), found


@needs_landlock
def test_landlock_alone_stops_a_sample(machine: Lab, outer: subprocess.Popen[bytes]) -> None:
    for attack in seeded().sample(_BY_LANDLOCK, 6):
        _check_by_landlock_alone(attack, machine, outer)


@needs_landlock
@pytest.mark.stress
@pytest.mark.parametrize("attack", _BY_LANDLOCK, ids=lambda one: f"{one.area}: {one.what} ({one.role})")
def test_landlock_alone_stops_it(attack: Attack, machine: Lab, outer: subprocess.Popen[bytes]) -> None:
    _check_by_landlock_alone(attack, machine, outer)


@pytest.mark.stress
@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.outside], ids=lambda one: f"{one.area}: {one.what}")
def test_it_would_have_one_uncontained(
    attack: Attack, tmp_path_factory: pytest.TempPathFactory, outer: subprocess.Popen[bytes]
) -> None:
    with lab(tmp_path_factory.mktemp("machine")) as machine:
        assert _hurt(attack, _tried(attack, machine, outer, None), outer) != []


def test_the_published_table_lists_every_attack() -> None:
    """`OKSTRA_FIGURES=docs/reliability.md pytest tests/sandbox/test_attacks.py -k published` writes it anew."""
    figures.keep("attacks", lambda _: table())
    assert table() in (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
