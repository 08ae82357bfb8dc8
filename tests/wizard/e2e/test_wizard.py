"""`okstra wizard` through the real command, in both languages, to a run that starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.services import open_services
from okstra_ctl.wizard import session
from okstra_ctl.wizard.front import converse
from okstra_ctl.wizard.steps import Question
from support.okstra import Ended, Project


def init(project: Project, *more: str) -> Ended:
    return project.okstra.ok("wizard", "init", "--json", *more)


def step(project: Project, state: str, answer: str) -> Ended:
    return project.okstra.ok("wizard", "step", "--state", state, f"--answer={answer}", "--json")


@pytest.mark.parametrize(("language", "label"), [("en", "What is wanted?"), ("ko", "무엇을 원하시나요?")])
def test_a_new_task_from_the_first_question_to_its_run(project: Project, language: str, label: str) -> None:
    asked = init(project, "--language", language)
    state, prompt = asked.data["state"], asked.data["prompt"]
    assert prompt["id"] == "task-brief" and prompt["label"].startswith(label)
    answers = {"task-group": "auth", "task-id": "LOGIN-7", "task-type": "error-analysis"}
    answers["task-brief"] = "It crashes on empty lists"
    for _ in range(20):
        ended = step(project, state, answers.get(prompt["id"], ""))
        if ended.data["done"]:
            break
        prompt = ended.data["prompt"]
        assert prompt["label"]
        assert prompt["error"] == ""
    argv = project.okstra.ok("wizard", "render-args", "--state", state, "--json").data["argv"]
    assert argv[:2] == ["okstra", "run"]
    assert "demo:auth:LOGIN-7" in project.okstra.ok("wizard", "confirmation", "--state", state).stdout
    ran = project.okstra.ok(*argv[1:], "--render-only", "--json")
    assert ran.data["run_id"] == "demo:auth:LOGIN-7/error-analysis/001"
    assert "It crashes on empty lists" in Path(ran.data["launch_prompt"]).read_text()


def test_stages_are_shown_with_status_and_files_and_what_is_not_ready_is_refused(project: Project) -> None:
    project.adopt({1: (), 2: (1,)})
    known = ("--known", f"task={project.task_key.partition(':')[2]}", "--known", "task-type=implementation")
    asked = init(project, *known)
    prompt = asked.data["prompt"]
    assert prompt["id"] == "stage"
    shown = {option["value"]: option["hint"] for option in prompt["options"]}
    assert list(shown) == ["auto", "1", "2"]
    assert shown["1"].startswith("ready; stage-1/")
    assert shown["2"].startswith("blocked; ← 1")
    refused = step(project, asked.data["state"], "2").data["prompt"]
    assert (refused["id"], refused["error"] != "") == ("stage", True)
    assert step(project, asked.data["state"], "auto").data["prompt"]["id"] == "executor"


@pytest.mark.parametrize(
    ("question", "wrong", "right"),
    [
        ("base-ref", "no-such-branch", "HEAD"),
        ("base-ref", "--all", ""),
        ("models", "claude=nothing-known", "claude=opus, codex=custom:mine"),
    ],
)
def test_what_names_nothing_is_asked_again(project: Project, question: str, wrong: str, right: str) -> None:
    asked = init(project, "--known", "task-group=a", "--known", "task-id=b", "--known", "task-type=error-analysis")
    state, prompt = asked.data["state"], asked.data["prompt"]
    answers = {"settings": "custom", "task-brief": "It crashes"}
    while prompt["id"] != question:
        prompt = step(project, state, answers.get(prompt["id"], "")).data["prompt"]
    again = step(project, state, wrong).data["prompt"]
    assert (again["id"], again["error"] != "") == (question, True)
    after = step(project, state, right).data["prompt"]
    assert (after["id"] != question, after["error"]) == (True, "")


def test_an_implementation_without_a_plan_says_so(project: Project) -> None:
    asked = init(project, "--known", "task-group=a", "--known", "task-id=b", "--known", "task-type=implementation")
    state, prompt = asked.data["state"], asked.data["prompt"]
    while prompt["id"] != "stage":
        prompt = step(project, state, "").data["prompt"]
    assert "no approved plan" in prompt["error"]


def test_back_and_a_state_that_is_not_there(project: Project) -> None:
    assert project.run_phase().status == 0
    asked = init(project)
    state = asked.data["state"]
    assert asked.data["prompt"]["id"] == "task"
    assert step(project, state, "__back__").data["prompt"]["error"] != ""
    assert step(project, state, "__new__").data["prompt"]["id"] == "task-brief"
    assert step(project, state, "__back__").data["prompt"]["id"] == "task"
    missing = project.okstra("wizard", "step", "--state", state + "x", "--answer", "y", "--json")
    assert (missing.status, missing.codes) == (2, ["not-found"])
    early = project.okstra("wizard", "render-args", "--state", state, "--json")
    assert (early.status, early.codes) == (3, ["input-open"])


@pytest.mark.parametrize(("language", "way"), [("en", "Error analysis"), ("ko", "오류 분석")])
def test_a_task_is_shown_with_its_title_and_state_and_its_next_phase_is_preselected(
    project: Project, language: str, way: str
) -> None:
    assert project.run_phase().status == 0
    asked = init(project, "--language", language).data
    (task,) = [option for option in asked["prompt"]["options"] if option["value"] == "core:T-1"]
    assert task["hint"] == f"The thing; {way}"
    phase = step(project, asked["state"], "core:T-1").data["prompt"]
    assert (phase["id"], phase["default"], phase["options"][0]["label"]) == ("task-type", "error-analysis", way)


class Stops:
    """Answers the wizard's questions with what they propose, and stops at the one of that number."""

    def __init__(self, at: int) -> None:
        self.at, self.asked = at, [""]

    def ask(self, question: Question, before: str) -> str:
        self.asked.append(question.id)
        if len(self.asked) > self.at:
            raise KeyboardInterrupt
        return before or ("It is slow" if question.id == "task-brief" else "")

    def show(self, text: str) -> None:
        pass


def test_stopping_at_any_question_leaves_nothing_behind(project: Project) -> None:
    def everything() -> set[Path]:
        return {path for folder in (project.repo.path, project.home) for path in folder.rglob("*")}

    services = open_services(project.okstra.environment)
    before, seen = everything(), set[str]()
    for at in range(1, 30):
        stops = Stops(at)
        begun = session.begin(str(project.repo.path), "en", {"settings": "custom"}, services)
        try:
            converse(begun, stops, services)
            break
        except KeyboardInterrupt:
            seen.add(stops.asked[-1])
            assert everything() == before, stops.asked
    assert seen > {"task-brief", "task-group", "task-id", "task-type", "workers", "branch", "confirm"}
    assert everything() == before
