"""A remote that can't be reached: nothing is begun without it, and what is under way is finished once it is back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from support.machines import Farm
from support.okstra import Ended, Project


class Played(NamedTuple):
    farm: Farm
    a: Project
    plan: str
    ends: dict[str, Ended]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    farm = Farm(tmp_path_factory.mktemp("farm"))
    a = farm.machine("a")
    plan = farm.approve(a, {1: (), 2: ()})
    ends = {"1": a.run_stage()}
    away = farm.bare.with_name("away.git")
    farm.bare.rename(away)
    run = ends["1"].data["run_id"]
    ends["begun"] = a.run_stage()
    ends["done"] = a.finish(ends["1"])
    ends["list"] = a.okstra("stage", "list", a.task_key, "--json")
    ends["shown"] = a.okstra("stage", "list", a.task_key)
    ends["next"] = a.okstra("next", a.task_key, "--json")
    ends["reconcile"] = a.okstra("reconcile", "--json")
    ends["away"] = a.okstra("stage", "publish", "--run", run, "--json")
    ends["approved"] = a.okstra("plan", "approve", plan, "--yes", "--json")
    away.rename(farm.bare)
    ends["published"] = a.okstra("stage", "publish", "--run", run, "--json")
    ends["again"] = a.okstra("stage", "publish", "--run", run, "--json")
    ends["list after"] = a.okstra("stage", "list", a.task_key, "--json")
    return Played(farm, a, plan, ends)


def test_nothing_begins_without_the_remote(played: Played) -> None:
    assert (played.ends["begun"].status, played.ends["begun"].codes) == (69, ["remote-unreachable"])
    assert list(played.a.registry["stages"]) == [f"{played.a.task_key}#stage-1"]


def test_a_proven_stage_waits_for_the_remote_and_says_so(played: Played) -> None:
    done, publishing = played.ends["done"], f"okstra stage publish --run {played.ends['1'].data['run_id']}"
    assert (done.status, done.codes) == (69, ["remote-unreachable"])
    assert publishing in done.envelope["errors"][0]["try"]
    first, second = played.ends["list"].data["stages"]
    assert (first["unpublished"], first["next"]) == (True, publishing)
    assert second["status"] == "ready"
    assert "(not published)" in played.ends["shown"].stdout
    assert "as this machine saw them last" in played.ends["shown"].stderr
    assert publishing in played.ends["next"].stdout
    assert any(one["kind"] == "stage-unpublished" for one in played.ends["reconcile"].data["findings"])
    assert played.ends["away"].codes == ["remote-unreachable"]


def test_an_approval_stands_here_and_says_that_nobody_else_knows(played: Played) -> None:
    (error,) = played.ends["approved"].envelope["errors"]
    assert error["code"] == "remote-unreachable"
    assert f"plan approve {played.plan} --yes" in error["try"]


def test_once_it_is_back_the_stage_is_published_without_another_check(played: Played) -> None:
    assert played.ends["published"].status == played.ends["again"].status == 0, played.ends["published"]
    first = played.ends["list after"].data["stages"][0]
    assert (first["status"], first["unpublished"]) == ("done", False)
    assert first["head_commit"] == played.ends["published"].data["head_commit"]
    rows = [row for row in played.a.ledger if row["status"] == "done"]
    assert [row["head_commit"] for row in rows] == [first["head_commit"]]


def test_a_led_run_that_ended_before_it_could_publish_is_named_with_its_way_on(played: Played) -> None:
    run = played.ends["1"].data["run_id"]
    assert played.ends["published"].data["next"] == ""  # a person's session led it, and answers for it
    manifest = Path(played.ends["1"].data["manifest"])
    sound = manifest.read_text()
    led = json.loads(sound)
    led |= {"lead": {**led["lead"], "mode": "auto"}, "started_at": led["prepared_at"], "outcome": "failed"}
    try:
        manifest.write_text(json.dumps(led))
        assert f"next       okstra resume {run}" in played.a.okstra.ok("stage", "publish", "--run", run).stdout
    finally:
        manifest.write_text(sound)


@pytest.mark.stress
def test_a_remote_that_lost_the_task_gets_it_back_by_a_person(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: (), 2: ()})
    farm.join(b)
    run = a.run_stage()
    ref = f"refs/okstra/tasks/{a.task_key.replace(':', '/')}"
    a.repo.git("-C", str(farm.bare), "update-ref", "-d", ref)  # as `push --mirror` does
    refused = a.run_stage()
    assert (refused.status, refused.codes) == (65, ["remote-rewound"])
    assert "reconcile --publish" in refused.envelope["errors"][0]["try"]
    a.okstra.ok("reconcile", "--publish")
    second = b.run_stage()
    assert (second.status, second.data["stage"]) == (0, 2), "b saw less than a, and builds on it"
    assert a.finish(run).status == 0
