"""`okstra gc --remote`: what is done and merged goes below one commit; nothing is lost, and no number given twice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.machines import Farm


@pytest.mark.stress
def test_a_task_that_is_over_is_archived_and_goes_on_where_it_stood(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    a, b = farm.machine("a"), farm.machine("b")
    farm.approve(a, {1: ()})
    farm.join(b)
    early = a.okstra.ok("gc", "--remote", "--json").data["tasks"]
    assert [(one["archived"], one["why"]) for one in early] == [(False, "stage 1 is not done")]
    done = a.finish(a.run_stage())
    a.okstra.ok("integrate", "--task-key", a.task_key)
    (archived,) = a.okstra.ok("gc", "--remote", "--json").data["tasks"]
    assert (archived["task_key"], archived["archived"]) == (a.task_key, True)
    shown = ("git", "-C", str(farm.bare), "for-each-ref", "--format=%(refname)", "refs/okstra")
    refs = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()
    assert [ref for ref in refs if "records" not in ref] == ["refs/okstra/archive"]
    kept = a.repo.git("-C", str(farm.bare), "rev-list", "refs/okstra/archive").split()
    assert done.data["head_commit"] in kept
    (stage,) = b.okstra.ok("stage", "list", b.task_key, "--json").data["stages"]
    assert (stage["status"], stage["head_commit"], stage["host"]) == ("done", done.data["head_commit"], farm.host)
    farm.approve(b, {1: (), 2: ()})  # another plan: the task goes on
    again = b.run_stage("1")
    assert (again.data["epoch"], again.data["seq"]) == (2, 2), again
    assert farm.log(b.task_key).count("okstra: approve the plan") == 2, "its history goes on, too"
