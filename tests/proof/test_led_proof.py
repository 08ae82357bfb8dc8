"""A stage that okstra leads is proven too: what its check does not need closes the gate, until a person answers."""

from __future__ import annotations

import pytest

from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, install, led, part, report_of

CHECK = "test -e README.md"


def test_a_led_stage_without_a_proof_is_not_done_and_a_person_can_answer_for_it(project: Project) -> None:
    project.adopt(independent(1), exit_check=CHECK, proof="red-green")
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    install(project, part(*work, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status != 0, ended
    gate = report_of(ended)["gates"]["stage-done"]
    assert gate["gate"] == "failed"
    assert "passes without this stage's code; no file of this stage counts as a test" in gate["note"]
    assert "unproven; log: " in ended.stderr
    assert [row["status"] for row in project.ledger] == ["started"]
    words = ("stage", "done", "--run", ended.data["run_id"], "--unproven", "it pins nothing", "--json")
    assert project.okstra(*words).codes == ["gates-not-passed"]
    done = project.okstra.ok(*words, "--overrule", "looked at it")
    assert done.data["proof"] == "unproven"
    row = project.ledger[-1]
    assert (row["status"], row["proof"], row["unproven"]) == ("done", "unproven", "it pins nothing")
    assert project.okstra.ok("integrate", "--task-key", project.task_key, "--json").data["merged"] == [1]


@pytest.mark.stress  # the whole walk and the demonstration prove stages in CI
def test_a_led_stage_says_in_its_report_that_it_is_proven(project: Project) -> None:
    project.adopt(independent(1), exit_check="test -e stage-1/it.py", proof="red-green")
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    install(project, part(*work, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status == 0, ended
    report = report_of(ended)
    assert report["gates"]["stage-done"]["note"].endswith("exit 0, proven")
    assert [row["result"] for row in report["checked"] if row["what"] == "test -e stage-1/it.py"] == ["exit 0, proven"]
    project.okstra.ok("check", "run", ended.data["run_id"])
