"""Who has a stage, and that others don't know of it: `stage list`, `status`, `next --all` say it in the same words."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from support.machines import Farm
from support.okstra import Ended, Project

_RUN = f"{Project.task_key}/implementation/stage-{{}}/001"
_PUBLISHING = f"okstra stage publish --run {_RUN.format(2)}"


class Played(NamedTuple):
    """A holds stage 1; B proves stage 2 while the remote is away, looks, and publishes it."""

    host: str
    ends: dict[str, Ended]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    farm = Farm(tmp_path_factory.mktemp("farm"))
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: (), 2: ()})
    farm.join(b)
    assert a.run_stage("1").status == 0
    prepared = b.run_stage("2")
    away = farm.bare.with_name("away.git")
    farm.bare.rename(away)
    assert b.finish(prepared).codes == ["remote-unreachable"]
    ends = {
        "stage list": b.okstra.ok("stage", "list", b.task_key),
        "status": b.okstra.ok("status"),
        "next --all": b.okstra.ok("next", "--all"),
        "status as data": b.okstra.ok("status", "--json"),
        "next --all as data": b.okstra.ok("next", "--all", "--json"),
    }
    away.rename(farm.bare)
    b.okstra.ok("stage", "publish", "--run", prepared.data["run_id"])
    ends["next"] = b.okstra.ok("next", b.task_key, "--json")
    return Played(farm.host, ends)


@pytest.mark.parametrize("command", ["stage list", "status", "next --all"])
def test_every_listing_names_the_host_of_a_stage_and_what_is_not_published(played: Played, command: str) -> None:
    lines = played.ends[command].stdout.splitlines()
    assert any(f" running on {played.host} " in line for line in lines), lines
    (proven,) = [line for line in lines if " reserved (not published) " in line]
    assert _PUBLISHING in (proven if command != "stage list" else played.ends[command].stdout)


def test_the_data_of_every_listing_has_them_too(played: Played) -> None:
    runs = {row["run_id"]: row for row in played.ends["status as data"].data["runs"]}
    found = {name: (row["status"], row["host"], row["unpublished"], row["next"]) for name, row in runs.items()}
    assert found == {
        _RUN.format(1): ("running", played.host, False, ""),
        _RUN.format(2): ("reserved", "", True, _PUBLISHING),
    }
    units = [one for units in played.ends["next --all as data"].data["rounds"] for one in units if one["host"]]
    assert [(one["name"], one["host"], one["command"]) for one in units] == [("stage 1", played.host, "")]


def test_where_only_other_machines_have_work_left_they_are_named(played: Played) -> None:
    assert played.ends["next"].data["step"] == f"nothing here: stage 1 is running on {played.host}"
    assert played.ends["next"].data["next"] == ""
