"""The wizard's state on disk, what there is to choose from, and its prompts in a person's language."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .. import git
from ..errors import OkstraError, Refused, Unreadable, UsageError
from ..names import CATEGORY_PREFIXES, DEFAULT_CATEGORY, IMPLEMENTATION, REVIEW, TaskKey, task_branch
from ..paths import TaskFiles
from ..runs.dropped import read_dropped
from ..services import Services
from ..settings.phases import phase_table
from ..settings.project import LANGUAGES, Project, open_project
from ..settings.roster import PROVIDERS, known_by_slot, model_table
from ..system import assets, files
from ..system.text import loads
from ..tasks import catalog as task_catalog
from ..tasks.fix_cycles import finished_task
from ..tasks.named import NEW_GROUP, new_key
from ..tasks.records import read_manifest
from ..tasks.titles import title_in
from . import machine
from .steps import BACK, BY_ID, SCHEMA, Facts, Option, Question, StageFact, Step, TaskFact

# Questions whose answer is a file's path, as the commands read it: below the folder one stands in.
FILES = ("task-brief", "approved-plan", "clarification-response", "pr-template-path")
# Given answers that can be judged before anything else is known.
_JUDGED = ("task-group", "task-id", "task-type", "work-category")


class Wizard(NamedTuple):
    """One conversation: where its state is, in which language, about which project."""

    path: str
    language: str
    project: Project
    state: machine.State


def begin(start_at: str, language: str, fixed: Mapping[str, str], services: Services) -> Wizard:
    """A conversation that is kept in memory alone: it writes nothing.

    Raises Missing (`not-a-project`), UsageError for answers that are given and can't be.
    """
    project = open_project(start_at, services)
    chosen = language or project.config.report_language
    if chosen not in LANGUAGES:
        raise UsageError("usage", f"there is no language {chosen!r}", hint="one of: " + ", ".join(LANGUAGES))
    known = {name: value for name, value in fixed.items() if value}
    unknown = [name for name in known if not machine.known_step(name)]
    if unknown:
        raise UsageError("usage", f"the wizard has no question {unknown[0]!r}")
    wizard = Wizard("", chosen, project, machine.State(known, (), frozenset(known)))
    facts = facts_of(wizard, services)
    for name in _JUDGED:
        error = machine.check(BY_ID[name], known[name], known, facts) if name in known else ""
        if error:
            raise UsageError("usage", f"{name} {known[name]!r}: {texts_of('en')['errors'][error]}")
    return wizard


def start(start_at: str, language: str, fixed: Mapping[str, str], services: Services) -> Wizard:
    """As `begin`, with its state in a file, for a conversation over several calls. Raises as `begin` does."""
    begun = begin(start_at, language, fixed, services)
    folder = os.path.join(services.home.root, "wizard")
    files.make_folder(folder)
    wizard = begun._replace(path=os.path.join(folder, f"{os.urandom(16).hex()}.json"))
    _save(wizard)
    return wizard


def load(path: str, services: Services) -> Wizard:
    """Raises UsageError (`not-found`), Unreadable."""
    document = files.read_json(path, SCHEMA)
    if document is None:
        raise UsageError("not-found", f"there is no wizard state {path}", where=path, hint="okstra wizard init")
    answers, given, fixed = document.get("answers"), document.get("given"), document.get("fixed")
    texts = isinstance(answers, dict) and all(isinstance(value, str) for value in answers.values())
    if not (texts and isinstance(given, list) and isinstance(fixed, list)):
        raise Unreadable("state-unreadable", "it is not a wizard state", where=path, hint="okstra wizard init")
    project = open_project(str(document.get("project_root")), services)
    state = machine.State({**answers}, tuple(map(str, given)), frozenset(map(str, fixed)))  # type: ignore[dict-item]
    return Wizard(path, str(document.get("language")), project, state)


def advance(wizard: Wizard, text: str, services: Services) -> tuple[Wizard, str]:
    """Answers the next question; returns the new wizard, and the key of what was wrong (empty: nothing)."""
    taken = machine.answer(wizard.state, facts_of(wizard, services), text)
    if isinstance(taken, machine.Refusal):
        return wizard, taken.error
    last = taken.given[-1] if text != BACK and taken.given else ""
    error = _not_there(last, taken.answers[last], wizard.project) if last and taken.answers[last] else ""
    return (wizard, error) if error else (wizard._replace(state=taken), "")


def _not_there(name: str, answer: str, project: Project) -> str:
    """The key of what is wrong with an answer that names something outside okstra; empty: it is there."""
    if name in FILES and not os.path.isfile(answer) and not _is_request(name, answer):
        return "no-such-file"
    if name == "base-ref":
        repository = git.discover(project.root)
        return "no-such-commit" if repository and git.resolve(repository.top, answer) is None else ""
    return ""


def _is_request(name: str, answer: str) -> bool:
    """Whether the answer is the request itself, in a sentence; one word is a file's name."""
    return name == "task-brief" and len(answer.split()) > 1 and not os.path.isfile(answer)


def _argv(state: machine.State, facts: Facts) -> tuple[str, ...]:
    """The argv for `okstra run`, with a request that is no file as what it is."""
    said = state.answers.get("task-brief", "")
    if not _is_request("task-brief", said):
        return machine.arguments(state, facts)
    rest = {name: answer for name, answer in state.answers.items() if name != "task-brief"}
    argv = machine.arguments(state._replace(answers=rest), facts)
    return (*argv[:-1], f"--request={said}", argv[-1])


def step(wizard: Wizard, text: str, services: Services) -> tuple[Wizard, str]:
    """As `advance`, and saves the wizard's state in its file."""
    after, error = advance(wizard, text, services)
    if not error:
        _save(after)
    return after, error


def question(wizard: Wizard, services: Services, error: str = "") -> Question | None:
    """The next question in the person's language; None when all are answered."""
    facts = facts_of(wizard, services)
    asked = machine.next_step(wizard.state, facts)
    if asked is None:
        return None
    texts = texts_of(wizard.language)
    first, rest = machine.shown(asked, wizard.state.answers, facts)
    label = texts["steps"][asked.id]["label"]
    default = machine.default_of(asked, wizard.state.answers, facts)
    if asked.id == "branch":
        label = f"{label} {facts.branch}"
    if asked.kind == "text" and default:
        label = f"{label} [{default}]"
    return Question(
        id=asked.id,
        kind=asked.kind,
        label=label,
        help=texts["steps"][asked.id]["help"],
        options=tuple(_translated(option, texts, facts) for option in first),
        rest=tuple(_translated(option, texts, facts) for option in rest),
        default=default,
        free=asked.free,
        error=_error(error, asked, facts, texts),
    )


def prompt(wizard: Wizard, services: Services, error: str = "") -> dict[str, object] | None:
    """The next question as JSON; None when all are answered."""
    asked = question(wizard, services, error)
    if asked is None:
        return None
    return {
        "id": asked.id,
        "kind": asked.kind,
        "label": asked.label,
        "help": asked.help,
        "options": [option._asdict() for option in asked.options],
        "more": [option._asdict() for option in asked.rest],
        "default": asked.default,
        "error": asked.error,
    }


def arguments(wizard: Wizard, services: Services) -> tuple[str, ...]:
    """The argv for `okstra run`. Raises Refused (`input-open`, `not-confirmed`)."""
    facts = facts_of(wizard, services)
    if machine.next_step(wizard.state, facts) is not None:
        raise Refused("input-open", "not all questions are answered", where=wizard.path, hint="okstra wizard step")
    if not machine.confirmed(wizard.state):
        raise Refused("not-confirmed", "the person did not confirm: nothing was prepared", where=wizard.path)
    return _argv(wizard.state, facts)


def confirmation(wizard: Wizard, services: Services, more: Sequence[str] = ()) -> str:
    """What is about to be started, in words. `more`: flags of the command that no question is about."""
    facts = facts_of(wizard, services)
    words = texts_of(wizard.language)["words"]
    named = machine.task_of(wizard.state)
    answers = wizard.state.answers
    command = ["okstra", "run", *_argv(wizard.state, facts), *more]
    pairs = [
        (words["task"], f"{facts.project_id}:{':'.join(named)}" if named else ""),
        (words["phase"], answers.get("task-type", "")),
        (words["stage"], answers.get("stage", "")),
        (words["branch"], facts.branch),
        (words["command"], shlex.join(command)),
    ]
    return "\n".join(f"{name}: {value}" for name, value in pairs if value)


def texts_of(language: str) -> dict[str, Any]:
    texts: dict[str, Any] = loads(assets.text("prompts", "wizard", f"prompts.{language}.json"))
    return texts


def facts_of(wizard: Wizard, services: Services) -> Facts:
    """Read anew at every step: the wizard may be open for an hour while other runs go on."""
    table = phase_table(assets.toml("prompts", "phases.toml"))
    tasks = _tasks(wizard.project, services)
    named = machine.task_of(wizard.state)
    key = _key(wizard.project, named)
    manifest = read_manifest(wizard.project.files.task(key)) if key else None
    task_type = wizard.state.answers.get("task-type", "")
    paths = wizard.project.files.task(key) if key else None
    found = _plans(paths) if paths and task_type == IMPLEMENTATION else ()
    plan = wizard.state.answers.get("approved-plan") or (found[0] if found else "")
    by_phase = table.phases[task_type].work_category if task_type in table.phases else DEFAULT_CATEGORY
    category = wizard.state.answers.get("work-category") or by_phase
    wanted = _wanted(wizard.state.answers.get("task-brief", ""))
    return Facts(
        project_id=wizard.project.config.project_id,
        tasks=tasks,
        phases=tuple(name for name in table.phases if name != REVIEW),
        categories=tuple(CATEGORY_PREFIXES),
        category=by_phase,
        providers=PROVIDERS,
        plans=found,
        stages=_stages(plan, key, services) if plan and key else (),
        roles=table.phases[task_type].roles if task_type in table.phases else (),
        task_exists=manifest is not None,
        has_request=bool((manifest or {}).get("brief")) or bool(paths and os.path.lexists(paths.brief)),
        branch=task_branch(category, key) if key and category in CATEGORY_PREFIXES else "",
        finished=bool(paths and manifest and finished_task(paths, manifest, task_type, "")),
        models=known_by_slot(model_table(assets.toml("prompts", "models.toml"))),
        group=NEW_GROUP,
        id=_proposed_id(wizard, wanted),
        wanted=wanted,
    )


def _wanted(request: str) -> str:
    """What the request is about, in a line: it is the text itself, or a file's."""
    try:
        data = files.read_bytes(request) if os.path.isfile(request) else request.encode("utf-8", "replace")
    except OkstraError:
        return ""
    return title_in((data or b"").decode("utf-8", "replace"))


def _proposed_id(wizard: Wizard, wanted: str) -> str:
    project, group = wizard.project, wizard.state.answers.get("task-group") or NEW_GROUP
    try:
        return new_key(project.files, project.config.project_id, group, wanted).task_id if wanted else ""
    except OkstraError:
        return ""


def _tasks(project: Project, services: Services) -> tuple[TaskFact, ...]:
    found = []
    unwanted = read_dropped(services.home).tasks
    for name, row in task_catalog.entries(project.files).items():
        if name in unwanted:
            continue
        try:
            key = TaskKey.parse(name)
        except OkstraError:
            continue
        found.append((str(row.get("last_at", "")), key, row))
    newest = sorted(found, key=lambda one: one[0], reverse=True)
    return tuple(
        TaskFact(
            key.task_group, key.task_id, str(row.get("phase", "")), str(row.get("next_step", "")), "", _title(key, row)
        )
        for _, key, row in newest
    )


def _title(key: TaskKey, row: Mapping[str, object]) -> str:
    title = str(row.get("title") or "")
    return "" if title == key.task_id else title


def _key(project: Project, named: tuple[str, str] | None) -> TaskKey | None:
    if named is None:
        return None
    try:
        return TaskKey.make(project.config.project_id, *named)
    except OkstraError:
        return None


def _plans(task: TaskFiles) -> tuple[str, ...]:
    names = files.names_in(task.plans_dir)
    kept = sorted((name for name in names if name.endswith(".md") and name.startswith("final-report-")), reverse=True)
    return tuple(os.path.join(task.plans_dir, name) for name in kept)


def _stages(plan: str, key: TaskKey, services: Services) -> tuple[StageFact, ...]:
    from ..plan import plans  # only implementation asks for stages
    from ..stages.records import current_states

    try:
        loaded = plans.load(plan, services)
        if loaded.stage_map is None:
            return ()
        states = current_states(plan, loaded.stage_map, key, services)
    except OkstraError:
        return ()
    return tuple(
        StageFact(
            state.stage,
            state.title,
            str(state.status),
            ", ".join(f"← {number}" for number in (*state.blocked_by, *state.unmerged)),
            ", ".join(state.files),
        )
        for state in states
    )


def _translated(option: Option, texts: Mapping[str, Any], facts: Facts) -> Option:
    task = next((one for one in facts.tasks if f"{one.group}:{one.id}" == option.value), None)
    hint = _state_of(task, texts) if task else _text(option.hint, texts)
    return option._replace(label=_text(option.label, texts), hint=hint)


def _state_of(task: TaskFact, texts: Mapping[str, Any]) -> str:
    """A task's title, its last phase, and the next one."""
    named = texts["options"]
    last, following = (named.get(f"phase-{phase}", phase) for phase in (task.phase, task.next_phase))
    way = f"{last} → {following}" if following and following != last else last or following
    return "; ".join(part for part in (task.title, way) if part)


def _text(text: str, texts: Mapping[str, Any]) -> str:
    return str(texts["options"][text[1:]]) if text.startswith("@") else text


def _error(error: str, asked: Step, facts: Facts, texts: Mapping[str, Any]) -> str:
    """Also said unasked: an implementation without a plan can't be answered at all."""
    if asked.id == "stage" and not facts.stages:
        return str(texts["errors"]["no-plan"])
    return str(texts["errors"][error]) if error else ""


def _save(wizard: Wizard) -> None:
    state = wizard.state
    document = {
        "schema": SCHEMA,
        "language": wizard.language,
        "project_root": wizard.project.root,
        "answers": dict(state.answers),
        "given": list(state.given),
        "fixed": sorted(state.fixed),
    }
    files.replace_json(wizard.path, document)
