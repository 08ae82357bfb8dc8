"""The wizard's machine: every path ends, every question has its text in both languages, back works everywhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.wizard import machine
from okstra_ctl.wizard.steps import BACK, STEPS, Facts, StageFact, TaskFact
from support.phases import TASK_TYPES
from support.sealed import ROOT

PHASES = tuple(name for name in TASK_TYPES if name != "review")  # that has a command of its own
STAGES = (
    StageFact(1, "One", "done", "", "a/**"),
    StageFact(2, "Two", "ready", "", "b/**"),
    StageFact(3, "Three", "blocked", "← 2", "c/**"),
)
FACTS = Facts(
    project_id="shop",
    tasks=(TaskFact("auth", "T-1", "error-analysis", "okstra show x", ""),),
    phases=PHASES,
    categories=("feature", "bugfix"),
    providers=("claude", "codex", "gemini", "rehearsal"),
    plans=("/p/final-report-implementation-planning-002.md", "/p/final-report-implementation-planning-001.md"),
    stages=STAGES,
    roles=("executor", "verifier", "critic"),
    task_exists=False,
    has_request=False,
    branch="feat-t-1",
    finished=True,
    models={"claude": ("opus", "sonnet"), "lead": ("opus", "sonnet"), "codex": ("gpt-6",)},
)
FILLS = {"task": "__new__", "task-group": "auth", "task-id": "T-9", "task-type": "implementation"}
FILLS["task-brief"] = "Do the thing"
TEXTS = {
    language: json.loads((ROOT / "prompts" / "wizard" / f"prompts.{language}.json").read_text(encoding="utf-8"))
    for language in ("en", "ko")
}


def walk(facts: Facts, answers: dict[str, str]) -> machine.State:
    """Answers every question: as given, else with its default, else with the first option."""
    state = machine.State({})
    for _ in range(len(STEPS) + 1):
        step = machine.next_step(state, facts)
        if step is None:
            return state
        options = step.options(state.answers, facts)
        fallback = machine.default_of(step, state.answers, facts) or (options[0].value if options else "")
        taken = machine.answer(state, facts, answers.get(step.id, fallback))
        assert isinstance(taken, machine.State), (step.id, taken)
        state = taken
    raise AssertionError("the wizard does not end")


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("settings", ["defaults", "custom"])
@pytest.mark.parametrize("task", ["__new__", "auth:T-1"])
@pytest.mark.parametrize("exists", [True, False])
def test_every_path_ends_with_a_command_line(phase: str, settings: str, task: str, exists: bool) -> None:
    facts = FACTS._replace(task_exists=exists)
    state = walk(facts, {**FILLS, "task": task, "task-type": phase, "settings": settings})
    argv = machine.arguments(state, facts)
    assert argv[-1] == "--yes"
    assert argv[argv.index("--task-type") + 1] == phase
    assert ("--task-key" in argv) is (task != "__new__")
    assert any(word.startswith("--stage=") for word in argv) is (phase == "implementation")
    assert machine.confirmed(state)


def test_every_question_option_and_error_has_its_text_in_both_languages() -> None:
    english, korean = TEXTS["en"], TEXTS["ko"]
    for part in ("steps", "options", "errors", "words"):
        assert english[part].keys() == korean[part].keys()
        assert all(english[part].values())
        assert all(korean[part].values())
    assert {step.id for step in STEPS} == english["steps"].keys()
    used = {
        text[1:]
        for step in STEPS
        for option in step.options({"task-type": "implementation", "settings": "custom"}, FACTS)
        for text in (option.label, option.hint)
        if text.startswith("@")
    }
    assert used <= english["options"].keys()


@pytest.mark.parametrize(
    ("step", "answer", "error"),
    [
        ("task", "nothing", "not-an-option"),
        ("task-brief", "", "needed"),
        ("task-id", "", "needed"),
        ("task-group", "a:b", "bad-segment"),
        ("task-group", "///", "bad-segment"),
        ("task-id", "x" * 65, "bad-segment"),
        ("task-type", "coding", "not-an-option"),
        ("stage", "1", "stage-not-ready"),
        ("stage", "3", "stage-not-ready"),
        ("stage", "9", "stage-not-there"),
        ("workers", "claude,nobody", "unknown-provider"),
        ("models", "opus", "bad-models"),
        ("models", "claude=opus, nobody=opus", "unknown-model-slot"),
        ("models", "codex=opus", "unknown-model"),
        ("models", "codex=custom:", "unknown-model"),
        ("related-tasks", "T-1", "bad-task-key"),
        ("confirm", "perhaps", "not-an-option"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_reason(step: str, answer: str, error: str) -> None:
    state = machine.State({})
    wanted = {**FILLS, "settings": "custom"}
    while (asked := machine.next_step(state, FACTS)) is not None and asked.id != step:
        fallback = machine.default_of(asked, state.answers, FACTS)
        taken = machine.answer(state, FACTS, wanted.get(asked.id, fallback))
        assert isinstance(taken, machine.State)
        state = taken
    assert asked is not None
    assert machine.answer(state, FACTS, answer) == machine.Refusal(error)
    if error in TEXTS["en"]["errors"]:
        assert TEXTS["en"]["errors"][error] != TEXTS["ko"]["errors"][error]


def test_auto_is_refused_when_nothing_is_ready() -> None:
    blocked = FACTS._replace(stages=(STAGES[0], STAGES[2]))
    answers = {"task": "auth:T-1", "task-type": "implementation", "approved-plan": "/p", "base-ref": ""}
    state = machine.State({**answers, "task-brief": "", "work-category": "feature"})
    assert machine.answer(state, blocked, "auto") == machine.Refusal("no-stage-ready")


def test_at_most_four_options_are_shown_and_the_default_is_among_them() -> None:
    step = next(step for step in STEPS if step.id == "task-type")
    first, rest = machine.shown(step, {}, FACTS)
    assert (len(first), len(rest)) == (4, 3)


@pytest.mark.parametrize(
    ("following", "phase"),
    [
        ("okstra run --task-key shop:auth:T-1 --task-type implementation-planning", "implementation-planning"),
        ("okstra plan approve /p/x.md", "implementation"),
        ("okstra stage done --run R", "implementation"),
        ("okstra integrate shop:auth:T-1", "final-verification"),
        ("okstra handoff shop:auth:T-1", "release-handoff"),
        ("okstra resume shop:auth:T-1/error-analysis/001", "error-analysis"),
        ("", ""),
    ],
)
def test_the_next_phase_of_a_task_is_preselected(following: str, phase: str) -> None:
    facts = FACTS._replace(
        tasks=(TaskFact("auth", "T-1", "error-analysis", following, "", "Log in"),), task_exists=True
    )
    step = next(step for step in STEPS if step.id == "task-type")
    assert machine.default_of(step, {"task": "auth:T-1"}, facts) == phase
    known = {"task": "__new__", "task-group": "auth", "task-id": "T-1"}
    assert machine.default_of(step, known, facts) == phase


@pytest.mark.parametrize(
    ("wanted", "phase"), [("It crashes", "error-analysis"), ("Passkeys", "requirements-discovery")]
)
def test_a_new_task_is_asked_for_its_request_first_and_named_by_it(wanted: str, phase: str) -> None:
    facts = FACTS._replace(group="tasks", id="it", wanted=wanted)
    state = walk(facts, {"task": "__new__", "task-brief": wanted, "stage": "2"})
    assert state.given[:4] == ("task", "task-brief", "task-group", "task-id")
    assert (state.answers["task-group"], state.answers["task-id"], state.answers["task-type"]) == ("tasks", "it", phase)


def test_a_no_at_the_end_starts_nothing() -> None:
    assert not machine.confirmed(walk(FACTS, {**FILLS, "confirm": "no"}))
    assert not machine.confirmed(walk(FACTS, {**FILLS, "branch": "no"}))


@given(
    st.lists(st.one_of(st.sampled_from([BACK, "", "yes", "no", "auto", "custom", "auth", "T-9"]), st.text(max_size=8)))
)
def test_any_answers_keep_the_machine_sound(answers: list[str]) -> None:
    state = machine.State({})
    for text in answers:
        before = state
        taken = machine.answer(state, FACTS, text)
        if isinstance(taken, machine.Refusal):
            assert taken.error in TEXTS["en"]["errors"]
            continue
        state = taken
        assert len(state.given) == len(before.given) + (-1 if text == BACK else 1)
        assert set(state.given) == set(state.answers)


@given(st.integers(1, 15))
def test_going_back_asks_the_same_questions_again(steps: int) -> None:
    whole = walk(FACTS, {**FILLS, "settings": "custom"})
    state = whole
    for _ in range(min(steps, len(whole.given))):
        taken = machine.back(state)
        assert isinstance(taken, machine.State)
        state = taken
    for name in whole.given[len(state.given) :]:
        asked = machine.next_step(state, FACTS)
        assert asked is not None
        assert asked.id == name
        taken = machine.answer(state, FACTS, whole.answers[name])
        assert isinstance(taken, machine.State)
        state = taken
    assert state.answers == whole.answers
