"""Questions, a person's answers, and the next run: `--clarification-response`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import schemas
from support.okstra import Ended, Project
from support.rehearsal import answers, install, led, part, report_of

QUESTION = "STAGE-1: rehearsal-b: because"


def asked(project: Project) -> Ended:
    """A plan that an analyst objects to."""
    install(
        project,
        part({"result": answers(PLAN="AGREE", STAGE_1="DISAGREE")}, worker="rehearsal-b", round="plan"),
    )
    ended = led(project, "implementation-planning")
    assert [row["question"] for row in report_of(ended)["clarifications"]] == [QUESTION]
    return ended


def response(project: Project, text: str) -> Path:
    path = project.repo.path.parent / "answers.md"
    path.write_text(text, encoding="utf-8")
    return path


def answer(ended: Ended, said: str = "Build it all the same.") -> str:
    run = ended.data["run_id"]
    return f"---\ntask-key: demo:core:T-1\nrun: {run}\n---\n\n## C-001\n> (whatever)\n\n{said}\n"


def test_an_answer_reaches_every_prompt_and_the_next_report(project: Project) -> None:
    first = asked(project)
    path = response(project, answer(first))
    second = led(project, "implementation-planning", "--clarification-response", str(path))
    assert second.status == 0, second
    folder = Path(second.data["run_dir"])
    prompts = list(folder.glob("prompts/*-implementation-planning-002.md"))
    assert len(prompts) >= 4
    for prompt in prompts:
        text = prompt.read_text()
        if "Answers to earlier questions" in text:
            assert f"C-001: {QUESTION}\n    Answer:\n    Build it all the same.\n" in text, prompt
    assert (folder / "user-responses" / "user-response-implementation-planning-002.md").read_text() == path.read_text()
    report = report_of(second)
    assert schemas.faults(report, "final-report") == []
    assert report["clarifications"] == [
        {
            "id": "C-001",
            "question": QUESTION,
            "status": "answered",
            "blocks": "approval",
            "answer": "Build it all the same.",
        }
    ]


def test_what_a_person_answered_keeps_no_plan_from_being_approved(project: Project) -> None:
    first = asked(project)
    assert project.okstra("plan", "approve", first.data["report"], "--yes", "--json").codes == ["plan-not-approved"]
    path = response(project, answer(first))
    second = led(project, "implementation-planning", "--clarification-response", str(path))
    project.okstra.ok("plan", "approve", second.data["report"], "--yes")


def test_a_rerun_has_the_answers_though_their_file_is_gone(project: Project) -> None:
    path = response(project, "## C-001\nYes.\n")
    first = project.run_phase("error-analysis", "--clarification-response", str(path))
    path.unlink()
    again = project.okstra.ok("rerun", first.data["run_id"], "--render-only", "--json")
    assert "    Yes.\n" in Path(again.data["launch_prompt"]).read_text()


def test_a_key_in_an_answer_is_hidden_before_it_is_kept(project: Project) -> None:
    path = response(project, "## C-001\nUse ghp_" + "a1B2" * 9 + ".\n")
    ended = project.run_phase("error-analysis", "--clarification-response", str(path))
    (copy,) = Path(ended.data["run_dir"]).glob("user-responses/*.md")
    assert "ghp_" not in copy.read_text()
    assert "ghp_" not in Path(ended.data["launch_prompt"]).read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no question is answered"),
        ("---\ntask-key: demo:core:T-1\n---\n## C-001\n> Q?\n\n", "no question is answered"),
        ("---\ntask-key: demo:core:OTHER\n---\n## C-001\nYes.\n", "demo:core:OTHER"),
        ("## C-001\n" + "x" * 300_000, "larger than"),
    ],
)
def test_a_file_without_answers_for_this_task_is_refused(project: Project, text: str, message: str) -> None:
    path = response(project, text)
    ended = project.run_phase("error-analysis", "--clarification-response", str(path))
    assert (ended.status, ended.codes) == (2, ["answers-invalid"])
    assert message in ended.envelope["errors"][0]["message"]
    assert not (project.task_root / "runs").exists()


def test_a_file_that_is_not_there_is_named(project: Project) -> None:
    ended = project.run_phase("error-analysis", "--clarification-response", "/no/such/file")
    assert (ended.status, ended.codes) == (2, ["not-found"])
