"""Questions, answers and what the machine knows, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

BACK = "__back__"
NEW = "__new__"
SCHEMA = "wizard/1"


class Option(NamedTuple):
    """One thing to pick. `label` and `hint` are data (a task, a stage), or keys of the texts when they start with @."""

    value: str
    label: str
    hint: str = ""
    default: bool = False


class TaskFact(NamedTuple):
    """A task that exists: its last phase and next step."""

    group: str
    id: str
    phase: str
    next_step: str
    brief: str


class StageFact(NamedTuple):
    number: int
    title: str
    status: str
    blocked_by: str
    files: str


class Facts(NamedTuple):
    """What there is to choose from. `plans` are paths, newest first; `stages` those of the plan that was picked;
    `models` are known names by slot; `category` is what the phase takes a new task for."""

    project_id: str
    tasks: tuple[TaskFact, ...]
    phases: tuple[str, ...]
    categories: tuple[str, ...]
    providers: tuple[str, ...]
    plans: tuple[str, ...]
    stages: tuple[StageFact, ...]
    roles: tuple[str, ...]
    task_exists: bool
    has_request: bool
    branch: str
    finished: bool
    models: Mapping[str, tuple[str, ...]] = {}
    category: str = "feature"


Answers = Mapping[str, str]


class Step(NamedTuple):
    """One question. `kind`: `pick`, `text`, `confirm`, `multi`.

    `asked` says whether it is asked at all; `wrong` returns the key of a text that says what is wrong with an answer,
    empty when it is good; `free` lets a pick take any text; `needed` says whether a text must not be empty.
    """

    id: str
    kind: str
    asked: Callable[[Answers, Facts], bool]
    options: Callable[[Answers, Facts], tuple[Option, ...]] = lambda answers, facts: ()
    wrong: Callable[[str, Answers, Facts], str] = lambda answer, answers, facts: ""
    default: str = ""
    free: bool = False
    needed: Callable[[Answers, Facts], bool] = lambda answers, facts: False


class Question(NamedTuple):
    """A step in a person's language, ready to be asked. `rest` are the options behind "more"; `free`: any text will
    do, whatever the options are."""

    id: str
    kind: str
    label: str
    help: str
    options: tuple[Option, ...]
    rest: tuple[Option, ...]
    default: str
    free: bool
    error: str


def begin_with(question: Question, before: str) -> str:
    """What is lit or marked at first: an earlier answer that is still among the options, else the default."""
    known = {option.value for option in (*question.options, *question.rest)}
    return before if before and set(before.split(",")) <= known else question.default
