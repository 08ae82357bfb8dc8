"""What the verifiers of a stage cite is run at the stage's head."""

from __future__ import annotations

import json

from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, finding, install, led, part, report_of, result


def test_verifiers_of_a_stage_agree_on_nothing_that_a_run_contradicts(project: Project) -> None:
    project.adopt(independent(1))
    write = {"write": {"path": "stage-1/it.py", "content": "# stage 1\n"}}
    cited = (
        finding("high", "It is not written", "command `test -e stage-1/it.py` exit 1"),
        finding("high", "It has no code", "command `grep -qv '^#' stage-1/it.py` exit 1"),
    )
    install(
        project,
        part(write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor"),
        part({"result": result(*cited, verdict="fail")}, role="verifier"),
        evidence={"execute": "always"},
    )
    ended = led(project, "implementation")
    assert ended.status == 1, ended
    report = report_of(ended)
    found = {one["title"]: (one["evidence_status"], one["class"], one["mark"]) for one in report["findings"]}
    assert found == {
        "It is not written": ("contradicted", "contested", "not-shown"),
        "It has no code": ("verified", "consensus", "shown"),
    }
    (record,) = project.task_root.rglob("state/evidence-*.json")
    assert {row["commit"] for row in json.loads(record.read_text())["commands"]} == {report["commit"]}
    by_hand = project.okstra("check", "evidence", report["run_id"], "--execute", "--json")
    assert by_hand.codes == ["evidence-contradicted"]
    assert by_hand.data["commit"] == report["commit"]
    assert by_hand.data["counts"]["verified"] == by_hand.data["counts"]["contradicted"] == 2
