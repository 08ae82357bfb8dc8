"""A run that is resumed on other commits than it was led on: no verdict counts for what nobody has looked at."""

from __future__ import annotations

from pathlib import Path

from okstra_ctl.lead.assignments import write_request
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import events_of, executed, install, led, part, report_of

WORK = ({"write": {"path": "stage-1/it.py", "content": "x = 1\n"}}, {"commit": "feat: it"}, {"result": executed(1, 2)})


def resumed(project: Project, first: Ended) -> Ended:
    return project.okstra("resume", first.data["run_id"], "--json")


def dispatched(run: Ended) -> list[str]:
    return [row["worker"] for row in events_of(run) if row["event"] == "dispatched"]


def test_verifiers_look_again_at_a_stage_that_moved(project: Project) -> None:
    project.adopt(independent(1), exit_check="test -f stage-1/more.py")
    install(project, part(*WORK, role="executor"))
    red = led(project, "implementation")
    assert (red.status, report_of(red)["gates"]["stage-done"]["gate"]) == (1, "failed")
    asked = dispatched(red)
    project.repo.commit({"stage-1/more.py": "y = 1\n"}, "fix: more", at=Path(red.data["worktree"]["path"]))
    assert resumed(project, red).status == 0
    again = dispatched(red)[len(asked) :]
    assert sorted(again) == ["rehearsal-a-verifier", "rehearsal-b-verifier", "report-writer"]
    assert [one["subject"] for one in report_of(red)["commits"]] == ["feat: it", "fix: more"]


def test_verifiers_that_passed_do_not_look_again_at_what_they_saw(project: Project) -> None:
    project.adopt(independent(1), exit_check="test -f stage-1/more.py")
    install(project, part(*WORK, role="executor"))
    red = led(project, "implementation")
    asked = dispatched(red)
    assert resumed(project, red).status == 1
    assert dispatched(red) == asked


def test_a_commit_of_a_verifier_is_no_part_of_what_was_verified(project: Project) -> None:
    """It may have looked at all; but the other has not seen what it made of it."""
    plan = project.adopt(independent(1))
    verdict = "cat >\"$OKSTRA_RESULT\" <<'E'\n" + VERIFIED + "E\n"
    sneaked = (
        {"run": "echo x >>stage-1/it.py && env -u GIT_CONFIG_COUNT git commit -qam 'fix: on the side'"},
        {"run": verdict},
    )
    install(project, part(*WORK, role="executor"), part(*sneaked, worker="rehearsal-b-verifier"))
    ended = led(project, "implementation")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    gate = report_of(ended)["gates"]["verification"]
    assert gate["gate"] == "failed" and "HEAD was" in gate["note"]
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert stage["status"] == "failed"


VERIFIED = """---
task-key: demo:core:T-1
task-type: implementation
worker: rehearsal-b-verifier
provider: rehearsal
model: rehearsal
commit: none
verdict: pass
---
## 1. Findings
(none)
## 2. Evidence gaps
(none)
## 3. Risks
(none)
## 4. Open questions
(none)
## 5. Recommendation
(none)
"""


def test_an_acceptance_of_another_commit_is_none(project: Project) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    install(project, part({"fault": "crash"}, role="report-writer"))
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    first = led(project, "final-verification")
    assert first.status == 1
    project.repo.commit({"new.py": "x = 1\n"}, "feat: late", at=Path(first.data["worktree"]["path"]))
    install(project, part({"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}, role="report-writer"))
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    ended = resumed(project, first)
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    assert ended.data["outcome"] == "contract-violated"
    handed_off = led(project, "release-handoff", "--push")
    assert handed_off.codes == ["not-accepted"]


def test_what_came_after_the_acceptance_is_not_handed_off(project: Project) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    install(project, part({"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}, role="report-writer"))
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    accepted = led(project, "final-verification")
    assert report_of(accepted)["verdict"]["token"] == "accepted"
    project.repo.commit({"new.py": "x = 1\n"}, "feat: late", at=Path(accepted.data["worktree"]["path"]))
    refused = led(project, "release-handoff", "--push")
    assert (refused.status, refused.codes) == (3, ["not-accepted"])
    assert "the branch is at" in refused.stderr


def test_an_answer_to_another_question_is_set_aside(tmp_path: Path) -> None:
    prompt, answer = tmp_path / "prompt.md", tmp_path / "answer.md"
    write_request(str(prompt), b"G-001 is A\n", str(answer))
    answer.write_text("G-001 AGREE\n")
    write_request(str(prompt), b"G-001 is A\n", str(answer))
    assert answer.exists()
    write_request(str(prompt), b"G-001 is B\n", str(answer))
    assert not answer.exists()
    assert (tmp_path / "answer.md.attempt-1").read_text() == "G-001 AGREE\n"
    assert prompt.read_bytes() == b"G-001 is B\n"


def test_a_report_is_written_anew_when_there_is_more_to_report(project: Project) -> None:
    def writer(words: str) -> dict[str, object]:
        return part({"report": {"verdict": {"conclusion": words}}}, role="report-writer")

    install(project, part({"fault": "crash"}, worker="rehearsal-b"), writer("One was silent."))
    first = led(project, "error-analysis")
    assert report_of(first)["verdict"]["conclusion"] == "One was silent."
    install(project, writer("Both were heard."))
    assert resumed(project, first).status == 0
    assert report_of(first)["verdict"]["conclusion"] == "Both were heard."
