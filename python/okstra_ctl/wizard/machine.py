"""The machine itself: pure steps from one set of answers to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..runs.manifest import STEPS as HANDOFF_STEPS
from .steps import BACK, BY_ID, NEW, STEPS, Answers, Facts, Option, Step

_NO = "no"
# Flags of `okstra run` that are an answer's own name.
_PLAIN = (
    "task-brief",
    "work-category",
    "base-ref",
    "approved-plan",
    "stage",
    "executor",
    "workers",
    "critic",
    "directive",
    "related-tasks",
    "clarification-response",
    "pr-template-path",
    "fix-cycle",
)
_SHOWN = 4


class State(NamedTuple):
    """`answers` by step; `given` the steps in the order in which they were answered; `fixed` those known from the
    start, which are never asked."""

    answers: Mapping[str, str]
    given: tuple[str, ...] = ()
    fixed: frozenset[str] = frozenset()


class Refusal(NamedTuple):
    """An answer that can't be taken: the key of the text that says why."""

    error: str


def next_step(state: State, facts: Facts) -> Step | None:
    """The next question; None when all are answered."""
    for step in STEPS:
        if step.id not in state.answers and step.asked(state.answers, facts):
            return step
    return None


def answer(state: State, facts: Facts, text: str) -> State | Refusal:
    """Takes an answer to the next question. `__back__` takes the last one back."""
    if text == BACK:
        return back(state)
    step = next_step(state, facts)
    if step is None:
        return Refusal("all-answered")
    value = text.strip() or default_of(step, state.answers, facts)
    error = check(step, value, state.answers, facts)
    if error:
        return Refusal(error)
    return state._replace(answers={**state.answers, step.id: value}, given=(*state.given, step.id))


def back(state: State) -> State | Refusal:
    if not state.given:
        return Refusal("nothing-before")
    last = state.given[-1]
    kept = {name: value for name, value in state.answers.items() if name != last}
    return state._replace(answers=kept, given=state.given[:-1])


def default_of(step: Step, answers: Answers, facts: Facts) -> str:
    if step.kind == "multi":
        return ",".join(option.value for option in step.options(answers, facts) if option.default)
    default = next((option.value for option in step.options(answers, facts) if option.default), step.default)
    return default or step.proposed(answers, facts)


def check(step: Step, value: str, answers: Answers, facts: Facts) -> str:
    """The key of what is wrong; empty when the answer is good."""
    values = {option.value for option in step.options(answers, facts)}
    if step.kind in ("pick", "confirm") and not step.free and value not in values:
        return "stage-not-there" if step.id == "stage" else "not-an-option"
    if step.kind == "text" and not value and step.needed(answers, facts):
        return "needed"
    return step.wrong(value, answers, facts) if value or step.kind != "text" else ""


def shown(step: Step, answers: Answers, facts: Facts) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    """The options to show, at most four, the default among them; and the rest, behind "more"."""
    options = step.options(answers, facts)
    first = [option for option in options if option.default] if step.kind == "pick" else []
    ordered = tuple(dict.fromkeys([*first, *options]))
    return ordered[:_SHOWN], ordered[_SHOWN:]


def confirmed(state: State) -> bool:
    """Whether the person said yes to the end; a no to the branch counts as a no."""
    return state.answers.get("confirm") == "yes" and state.answers.get("branch", "yes") != _NO


def arguments(state: State, facts: Facts) -> tuple[str, ...]:
    """The argv for `okstra run`."""
    given = state.answers
    picked = given.get("task", NEW)
    if picked != NEW:
        argv = ["--task-key", f"{facts.project_id}:{picked}"]
    else:
        argv = ["--task-group", given.get("task-group", ""), "--task-id", given.get("task-id", "")]
    argv += ["--task-type", given.get("task-type", "")]
    for name in _PLAIN:
        if given.get(name):
            argv += [f"--{name}={given[name]}"]
    chosen = [part.strip() for part in given.get("steps", "").split(",")]
    argv += [f"--{step}" for step in HANDOFF_STEPS if step in chosen]
    for part in given.get("models", "").split(","):
        slot, _, model = part.strip().partition("=")
        if model:
            argv.append(f"--{slot}-model={model}")
    return (*argv, "--yes")


def task_of(state: State) -> tuple[str, str] | None:
    """Group and id of the task that was picked or named; None before that."""
    picked = state.answers.get("task", NEW)
    if picked != NEW:
        group, _, name = picked.partition(":")
        return group, name
    group, name = state.answers.get("task-group", ""), state.answers.get("task-id", "")
    return (group, name) if group and name else None


def known_step(name: str) -> bool:
    return name in BY_ID
