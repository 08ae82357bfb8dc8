"""Questions, answers and what the machine knows, as values; and every question of the wizard, in its order.

A question whose answer is known, or that the phase has no use for, is skipped; nothing else decides what is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..errors import UsageError
from ..names import HANDOFF, IMPLEMENTATION, slugify_task_segment
from ..runs.manifest import STEPS as HANDOFF_STEPS
from ..settings.phases import NEED_REQUEST
from ..settings.roster import is_custom

_OF_A_BUG = re.compile(
    r"\b(bugs?|crash\w*|errors?|exceptions?|fail\w*|broken|wrong)\b|버그|오류|에러|죽", re.IGNORECASE
)
_UNDERSTAND, _FIND_CAUSE = "requirements-discovery", "error-analysis"
_PHASE_OF = {
    "plan": IMPLEMENTATION,
    "stage": IMPLEMENTATION,
    "integrate": "final-verification",
    "handoff": HANDOFF,
}  # of the command that a task's next step is
BACK = "__back__"
NEW = "__new__"
SCHEMA = "wizard/1"
CUSTOM = "custom"
DEFAULTS = "defaults"


class Option(NamedTuple):
    """One thing to pick. `label` and `hint` are data (a task, a stage), or keys of the texts when they start with @."""

    value: str
    label: str
    hint: str = ""
    default: bool = False


class TaskFact(NamedTuple):
    """A task that exists: its last phase and next step; `title` is empty where it has none but its id."""

    group: str
    id: str
    phase: str
    next_step: str
    brief: str
    title: str = ""

    @property
    def next_phase(self) -> str:
        """The phase of its next step; empty when nothing is left of it."""
        words = self.next_step.split()
        if "--task-type" in words[:-1]:
            return words[words.index("--task-type") + 1]
        return _PHASE_OF.get(words[1], self.phase) if len(words) > 1 else ""


class StageFact(NamedTuple):
    number: int
    title: str
    status: str
    blocked_by: str
    files: str


class Facts(NamedTuple):
    """What there is to choose from. `plans` are paths, newest first; `stages` those of the plan that was picked;
    `models` are known names by slot; `category` is what the phase takes a new task for. `group` and `id` are proposed
    for a new task, and `wanted` is what it is about, in a line, once that is known."""

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
    group: str = ""
    id: str = ""
    wanted: str = ""


Answers = Mapping[str, str]


class Step(NamedTuple):
    """One question. `kind`: `pick`, `text`, `confirm`, `multi`.

    `asked` says whether it is asked at all; `wrong` returns the key of a text that says what is wrong with an answer,
    empty when it is good; `free` lets a pick take any text; `needed` says whether a text must not be empty;
    `proposed` is what an empty text stands for.
    """

    id: str
    kind: str
    asked: Callable[[Answers, Facts], bool]
    options: Callable[[Answers, Facts], tuple[Option, ...]] = lambda answers, facts: ()
    wrong: Callable[[str, Answers, Facts], str] = lambda answer, answers, facts: ""
    default: str = ""
    free: bool = False
    needed: Callable[[Answers, Facts], bool] = lambda answers, facts: False
    proposed: Callable[[Answers, Facts], str] = lambda answers, facts: ""


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


def likely_phase(request: str) -> str:
    """The phase in which a new task probably begins, by what is asked for."""
    return _FIND_CAUSE if _OF_A_BUG.search(request) else _UNDERSTAND


def begin_with(question: Question, before: str) -> str:
    """What is lit or marked at first: an earlier answer that is still among the options, else the default."""
    known = {option.value for option in (*question.options, *question.rest)}
    return before if before and set(before.split(",")) <= known else question.default


_YES_NO = (Option("yes", "@yes"), Option("no", "@no"))


def _new_task(answers: Answers, facts: Facts) -> bool:
    return answers.get("task", NEW) == NEW


def _asks_request(answers: Answers, facts: Facts) -> bool:
    """First, while nobody knows whether the task exists; of one that exists and has none, once the phase needs it."""
    named = not _new_task(answers, facts) or {"task-group", "task-id"} <= answers.keys()
    if not named:
        return _phase(answers) in ("", *NEED_REQUEST)
    exists = facts.task_exists or not _new_task(answers, facts)
    return not facts.has_request and (not exists or _phase(answers) in NEED_REQUEST)


def _always(answers: Answers, facts: Facts) -> bool:
    return True


def _phase(answers: Answers) -> str:
    return answers.get("task-type", "")


def _implements(answers: Answers, facts: Facts) -> bool:
    return _phase(answers) == IMPLEMENTATION


def _custom(answers: Answers, facts: Facts) -> bool:
    return answers.get("settings") == CUSTOM


def _tasks(answers: Answers, facts: Facts) -> tuple[Option, ...]:
    """The task last worked on is the default; a new one stands second, where it is always seen."""
    names = [f"{task.group}:{task.id}" for task in facts.tasks]
    known = [
        Option(name, name, task.next_step, default=not at)
        for at, (name, task) in enumerate(zip(names, facts.tasks, strict=True))
    ]
    return (*known[:1], Option(NEW, "@new-task"), *known[1:])


def _phases(answers: Answers, facts: Facts) -> tuple[Option, ...]:
    """The next one of a task that exists is the default, and what a new one's request sounds like."""
    named = f"{answers.get('task-group')}:{answers.get('task-id')}" if _new_task(answers, facts) else answers["task"]
    picked = next((task for task in facts.tasks if f"{task.group}:{task.id}" == named), None)
    likely = picked.next_phase if picked else likely_phase(facts.wanted) if facts.wanted else ""
    return tuple(Option(name, f"@phase-{name}", f"@phase-{name}-hint", name == likely) for name in facts.phases)


def _segment(answer: str, answers: Answers, facts: Facts) -> str:
    try:
        slugify_task_segment(answer)
    except UsageError:
        return "bad-segment"
    return "bad-segment" if ":" in answer else ""


def _stages(answers: Answers, facts: Facts) -> tuple[Option, ...]:
    known = [
        Option(
            str(stage.number),
            f"{stage.number}  {stage.title}",
            "; ".join(part for part in (stage.status, stage.blocked_by, stage.files) if part),
        )
        for stage in facts.stages
    ]
    return (Option("auto", "@auto", "@auto-hint", default=True), *known)


def _stage_wrong(answer: str, answers: Answers, facts: Facts) -> str:
    """Empty for a stage that can be taken; the reason is in the option's hint."""
    if answer == "auto":
        return "" if any(stage.status == "ready" for stage in facts.stages) else "no-stage-ready"
    picked = [stage for stage in facts.stages if str(stage.number) == answer]
    if not picked:
        return "no-such-stage"
    return "" if picked[0].status == "ready" else "stage-not-ready"


def _known_providers(answer: str, answers: Answers, facts: Facts) -> str:
    names = [name.strip() for name in answer.split(",") if name.strip()]
    return "" if names and all(name in facts.providers for name in names) else "unknown-provider"


def _providers(answers: Answers, facts: Facts) -> tuple[Option, ...]:
    return tuple(Option(name, name, default=name in ("claude", "codex")) for name in facts.providers)


def _executors(answers: Answers, facts: Facts) -> tuple[Option, ...]:
    return tuple(Option(name, name, default=name == "claude") for name in facts.providers)


def _critics(answers: Answers, facts: Facts) -> tuple[Option, ...]:
    return (Option("off", "@off", default=True), *(Option(name, name) for name in facts.providers))


def _model_wrong(answer: str, answers: Answers, facts: Facts) -> str:
    """`claude=opus, codex=custom:x`."""
    parts = [part.strip() for part in answer.split(",") if part.strip()]
    if not all(re.fullmatch(r"[a-z-]+=\S+", part) for part in parts):
        return "bad-models"
    pairs = [part.split("=", 1) for part in parts]
    if not all(slot in facts.models for slot, _ in pairs):
        return "unknown-model-slot"
    return "" if all(is_custom(model) or model in facts.models[slot] for slot, model in pairs) else "unknown-model"


def _task_keys(answer: str, answers: Answers, facts: Facts) -> str:
    keys = [part.strip() for part in answer.split(",") if part.strip()]
    return "" if all(re.fullmatch(r"[^:]+:[^:]+:.+", key) for key in keys) else "bad-task-key"


def _no_step(answer: str, answers: Answers, facts: Facts) -> str:
    """A hand-off of nothing is no run: whoever wants none of the steps stops here."""
    chosen = [part.strip() for part in answer.split(",") if part.strip()]
    return "" if chosen and all(part in HANDOFF_STEPS for part in chosen) else "no-step"


STEPS: tuple[Step, ...] = (
    Step("task", "pick", lambda a, f: bool(f.tasks), _tasks),
    Step("task-brief", "text", _asks_request, needed=lambda a, f: _phase(a) in ("", *NEED_REQUEST)),
    Step("task-group", "text", _new_task, wrong=_segment, needed=_always, proposed=lambda a, f: f.group),
    Step("task-id", "text", _new_task, wrong=_segment, needed=_always, proposed=lambda a, f: f.id),
    Step("task-type", "pick", lambda a, f: True, _phases),
    Step(
        "work-category",
        "pick",
        lambda a, f: not f.task_exists,
        lambda a, f: tuple(Option(name, name, default=name == f.category) for name in f.categories),
    ),
    Step("base-ref", "text", lambda a, f: not f.task_exists, default=""),
    Step(
        "approved-plan",
        "pick",
        lambda a, f: _implements(a, f) and len(f.plans) > 1,
        lambda a, f: tuple(Option(path, path.rsplit("/", 1)[-1], default=not at) for at, path in enumerate(f.plans)),
        free=True,
    ),
    Step("stage", "pick", _implements, _stages, _stage_wrong),
    Step("executor", "pick", lambda a, f: "executor" in f.roles and _implements(a, f), _executors),
    Step(
        "settings",
        "pick",
        lambda a, f: True,
        lambda a, f: (
            Option(DEFAULTS, "@defaults", "@defaults-hint", default=True),
            Option(CUSTOM, "@custom", "@custom-hint"),
        ),
    ),
    Step("models", "text", _custom, wrong=_model_wrong),
    Step("workers", "multi", _custom, _providers, _known_providers),
    Step("critic", "pick", lambda a, f: _custom(a, f) and "critic" in f.roles, _critics),
    Step("directive", "text", _custom),
    Step("related-tasks", "text", _custom, wrong=_task_keys),
    Step("clarification-response", "text", _custom),
    Step(
        "steps",
        "multi",
        lambda a, f: _phase(a) == HANDOFF,
        lambda a, f: tuple(Option(step, f"@step-{step}", f"@step-{step}-hint") for step in HANDOFF_STEPS),
        _no_step,
    ),
    Step("pr-template-path", "text", lambda a, f: _phase(a) == HANDOFF),
    Step("fix-cycle", "confirm", lambda a, f: f.finished, lambda a, f: _YES_NO, default="no"),
    Step("branch", "confirm", lambda a, f: bool(f.branch) and not f.task_exists, lambda a, f: _YES_NO, default="yes"),
    Step("confirm", "confirm", lambda a, f: a.get("branch") != "no", lambda a, f: _YES_NO, default="yes"),
)
BY_ID = {step.id: step for step in STEPS}
