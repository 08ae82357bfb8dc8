"""Runs that okstra leads itself, from the prompt to the record on disk (`--lead auto`, rehearsal)."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import schemas
from support.okstra import Project
from support.plans import independent
from support.rehearsal import (
    answers,
    events_of,
    executed,
    finding,
    install,
    led,
    manifest_of,
    part,
    report_of,
    result,
)

pytestmark = pytest.mark.contained


def test_a_finding_that_the_other_analyst_confirms_is_consensus(project: Project) -> None:
    install(
        project,
        part({"result": result(finding("high", "It breaks", "README.md:1"))}, worker="rehearsal-a", round=""),
        part({"result": answers(G_001="AGREE")}, worker="rehearsal-b", round="1"),
    )
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    report = report_of(ended)
    assert schemas.faults(report, "final-report") == []
    (found,) = report["findings"]
    assert (found["class"], found["status"]) == ("consensus", "open")
    assert [(one["worker"], one["verdict"]) for one in found["verdicts"]] == [("rehearsal-b", "AGREE")]
    assert report["rehearsal"] is True
    assert manifest_of(ended)["outcome"] == "completed"
    assert {row["model_observed"] for row in manifest_of(ended)["roster"]} == {"rehearsal"}


def test_a_disputed_finding_goes_round_again_and_stays_contested(project: Project) -> None:
    install(
        project,
        part({"result": result(finding("high", "It breaks"))}, worker="rehearsal-a", round=""),
        part({"result": answers(G_001="DISAGREE")}, worker="rehearsal-b", round=["1", "2"]),
    )
    ended = led(project, "error-analysis")
    (found,) = report_of(ended)["findings"]
    assert found["class"] == "contested"
    assert [(one["round"], one["worker"]) for one in found["verdicts"]] == [
        (1, "rehearsal-b"),
        (2, "rehearsal-a"),
        (2, "rehearsal-b"),
    ]


def test_the_same_place_found_twice_is_one_finding(project: Project) -> None:
    install(project, part({"result": result(finding("low", "It breaks", "README.md:1"))}, role="analyst", round=""))
    (found,) = report_of(led(project, "error-analysis"))["findings"]
    assert [one["worker"] for one in found["raised_by"]] == ["rehearsal-a", "rehearsal-b"]
    assert found["class"] == "consensus"


def test_a_critics_gap_is_verified_once(project: Project) -> None:
    install(project, part({"result": result(finding("medium", "Nobody looked at it"))}, role="critic"))
    ended = led(project, "error-analysis", "--critic", "rehearsal")
    (found,) = report_of(ended)["findings"]
    assert [one["worker"] for one in found["raised_by"]] == ["critic"]
    assert sorted(one["worker"] for one in found["verdicts"]) == ["rehearsal-a", "rehearsal-b"]


def test_an_invalid_result_goes_back_once_with_the_checkers_words(project: Project) -> None:
    install(
        project,
        part({"result": "I looked, and all is well.\n"}, worker="rehearsal-a", attempt="1", round=""),
    )
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    ends = [row for row in events_of(ended) if row["event"] == "ended" and row["worker"] == "rehearsal-a"]
    assert [row["outcome"] for row in ends] == ["invalid-result", "completed"]
    (prompt,) = Path(ended.data["run_dir"]).glob("prompts/rehearsal-a-repair-1-*.md")
    assert "R1" in prompt.read_text()


def work(number: int) -> tuple[dict[str, object], ...]:
    place = f"stage-{number}/it.py"
    return (
        {"write": {"path": place, "content": f"# stage {number}\n"}},
        {"commit": f"feat: stage {number}"},
        {"result": executed(1, 2)},
    )


def test_a_stage_is_built_verified_and_recorded_done(project: Project) -> None:
    plan = project.adopt(independent(2))
    install(project, part(*work(1), role="executor", stage="1"))
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status == 0, ended
    report = report_of(ended)
    assert report["verdict"]["token"] == "done"
    assert [one["subject"] for one in report["commits"]] == ["feat: stage 1"]
    assert {name: gate["gate"] for name, gate in report["gates"].items()} == {
        "execution": "passed",
        "verification": "passed",
        "stage-done": "passed",
        "report": "passed",
        "isolation": "passed",
    }
    stages = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert [stage["status"] for stage in stages] == ["done", "ready"]


def test_a_stage_that_a_verifier_fails_goes_back_to_its_executor_once(project: Project) -> None:
    project.adopt(independent(1))
    mended = ({"write": {"path": "stage-1/more.py", "content": "# more\n"}}, {"commit": "fix: more"})
    install(
        project,
        part(*mended, {"result": executed(1, 2)}, role="executor", round="turn-2"),
        part(*work(1), role="executor"),
        part(
            {"result": result(finding("high", "Half of it is missing"), verdict="fail")},
            worker="rehearsal-b-verifier",
            attempt="1",
            round="",
        ),
    )
    ended = led(project, "implementation")
    assert ended.status == 0, ended
    assert [one["subject"] for one in report_of(ended)["commits"]] == ["feat: stage 1", "fix: more"]


def test_a_stage_that_stays_failed_is_not_done(project: Project) -> None:
    plan = project.adopt(independent(1))
    install(
        project,
        part(*work(1), role="executor", round=""),
        part(
            {"write": {"path": "stage-1/more.py", "content": "# more\n"}},
            {"commit": "fix: more"},
            {"result": executed(1, 2)},
            role="executor",
        ),
        part({"result": result(finding("high", "It is wrong"), verdict="fail")}, worker="rehearsal-b-verifier"),
    )
    ended = led(project, "implementation")
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    report = report_of(ended)
    assert report["verdict"]["token"] == "not-done"
    assert report["gates"]["verification"]["gate"] == "failed"
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert stage["status"] == "failed"


def test_a_plan_that_an_analyst_objects_to_can_not_be_approved(project: Project) -> None:
    install(project, part({"result": answers(PLAN="AGREE", STAGE_1="DISAGREE")}, worker="rehearsal-b", round="plan"))
    ended = led(project, "implementation-planning")
    assert ended.status == 0, ended
    report = report_of(ended)
    assert report["gates"]["plan"]["gate"] == "blocked-by-disagreement"
    assert [(row["id"], row["status"], row["blocks"]) for row in report["clarifications"]] == [
        ("C-001", "open", "approval")
    ]
    refused = project.okstra("plan", "approve", ended.data["report"], "--yes", "--json")
    assert refused.codes == ["plan-not-approved"]


def test_a_plan_that_all_let_pass_is_approved_and_built(project: Project) -> None:
    ended = led(project, "implementation-planning")
    assert ended.status == 0, ended
    assert report_of(ended)["gates"]["plan"]["gate"] == "passed"
    project.okstra.ok("plan", "approve", ended.data["report"], "--yes")
    install(
        project,
        part(
            {"write": {"path": "rehearsal.txt", "content": "x\n"}},
            {"commit": "chore: it"},
            {"result": executed(1)},
            role="executor",
        ),
    )
    built = led(project, "implementation")
    assert built.status == 0, built


@pytest.mark.parametrize(("command", "token", "gate"), [("true", "accepted", "passed"), ("false", "blocked", "failed")])
def test_final_verification_runs_the_projects_own_checks(project: Project, command: str, token: str, gate: str) -> None:
    install(project, part({"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}, role="report-writer"))
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(settings.read_text().replace('"qaCommands": []', f'"qaCommands": ["{command}"]'))
    ended = led(project, "final-verification")
    report = report_of(ended)
    assert (report["verdict"]["token"], report["gates"]["checks"]["gate"]) == (token, gate)
    assert report["checked"][0]["result"] == ("exit 0" if command == "true" else "exit 1")


def test_what_nothing_was_run_for_is_not_plainly_accepted(project: Project) -> None:
    install(project, part({"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}, role="report-writer"))
    report = report_of(led(project, "final-verification"))
    assert report["verdict"]["token"] == "blocked", "what was asked for was not on offer"


def test_the_report_writer_can_leave_out_no_finding(project: Project) -> None:
    install(
        project,
        part({"result": result(finding("critical", "It breaks"))}, worker="rehearsal-a", round=""),
        part({"report": {"findings": [], "gates": {}, "verdict": {"conclusion": "fine"}}}, role="report-writer"),
    )
    report = report_of(led(project, "error-analysis"))
    assert [one["title"] for one in report["findings"]] == ["It breaks"]
    assert report["gates"]["convergence"]["gate"] == "passed"


def test_a_run_that_has_spent_its_budget_stops_and_goes_on_with_a_larger_one(project: Project) -> None:
    install(project, part({"cost": 0.75}, {"result": result()}, role="analyst", round=""), maxParallelWorkers=1)
    stopped = led(project, "error-analysis", "--budget", "1")
    assert (stopped.status, stopped.codes) == (3, ["budget-spent"])
    assert "1.50 of 1.00" in stopped.envelope["errors"][0]["message"]
    assert manifest_of(stopped)["outcome"] == "interrupted"
    again = project.okstra("resume", stopped.data["run_id"], "--json")
    assert again.codes == ["budget-spent"]
    done = project.okstra("resume", stopped.data["run_id"], "--budget", "5", "--json")
    assert done.status == 0, done
    usage = manifest_of(stopped)["usage"]
    assert usage["total"]["cost_usd"] == 1.5
    dispatched = [row["worker"] for row in events_of(stopped) if row["event"] == "dispatched"]
    assert dispatched == ["rehearsal-a", "rehearsal-b", "report-writer"]
