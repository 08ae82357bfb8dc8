"""A led run checks its own record before it ends: an inconsistent one ends as `contract-violated`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.okstra import Project
from support.rehearsal import install, led, part, report_of

SPOILED = {
    "a-line-of-the-events": ('echo "{" >>"$(dirname "$OKSTRA_DRAFT")/../state/events-001.jsonl"', "row-broken"),
    "a-result": ('rm "$(dirname "$OKSTRA_DRAFT")"/../worker-results/rehearsal-a-worker-*.md', "result-missing"),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_what_a_worker_spoiled_is_told_and_ends_the_run_as_violated(project: Project, spoiled: str) -> None:
    command, id_ = SPOILED[spoiled]
    install(project, part({"run": command}, {"report": {"verdict": {"conclusion": "ok"}}}, role="report-writer"))
    ended = led(project, "error-analysis")
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    report = report_of(ended)
    assert report["gates"]["record"]["gate"] == "failed"
    assert id_ in report["gates"]["record"]["note"]
    assert report["verdict"]["next_step"] == f"okstra check run {ended.data['run_id']}"
    manifest = json.loads(Path(ended.data["manifest"]).read_text())
    assert (manifest["outcome"], manifest["gates"]["record"]) == ("contract-violated", "failed")
    checked = project.okstra("check", "run", ended.data["run_id"], "--json")
    assert {one["id"] for one in checked.data["findings"]} == {id_}


def test_a_run_whose_record_holds_says_nothing_of_it(project: Project) -> None:
    install(project)
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    assert "record" not in report_of(ended)["gates"]
