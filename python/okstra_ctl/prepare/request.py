"""Resolves and checks a run's inputs before anything is written.

The request is the brief that is given, the one that the task was started with, or the one in its folder. A run that
investigates or plans needs one, and so does a new task.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from .. import git
from ..errors import Missing, Refused, Unreadable, UsageError
from ..names import (
    ACP,
    AGENTS_MODEL,
    AUTO,
    BRANCH_PREFIXES,
    CATEGORY_PREFIXES,
    HANDOFF,
    IMPLEMENTATION,
    TaskKey,
    category_of_branch,
)
from ..paths import ProjectFiles, TaskFiles
from ..plan import approvals, plans
from ..plan.model import StageMap
from ..quoting import okstra_command
from ..runs.dropped import require_wanted
from ..runs.find import check_budget
from ..runs.request import PrepareInputs, Request
from ..services import Services
from ..settings.limits import quorum_asked, wait_asked
from ..settings.phases import NEED_REQUEST, Phase, phase_table
from ..settings.project import LANGUAGES, Project, load_project, owning_root
from ..settings.roster import RosterOptions, Worker, model_table, resolve_model, roster
from ..settings.trust import require_trusted
from ..status import WorktreeStatus
from ..system import assets, files
from ..tasks import fix_cycles
from ..tasks.records import check_folder_is_free, related_tasks
from ..worktrees import task as task_worktree
from ..worktrees.populate import check_separators

_MOST_TITLE = 80
_EITHER = "name a text file that says what is wanted: --task-brief FILE, or --request TEXT"


if TYPE_CHECKING:
    from ..agents.providers import Settings
    from ..runs.user_response import ClarificationFile


def resolve(inputs: PrepareInputs, services: Services, *, remember: bool, planned: StageMap | None = None) -> Request:
    """Checks all that can be checked without a lock. `planned`: the stages of a plan that is not on disk yet. Raises
    UsageError, Refused, CheckFailed, Missing, Unreadable."""
    project = _project(inputs, services)
    if remember:  # a preview runs nothing
        require_trusted(project.root, project.config.commands, services)
    discovery = git.Discovery(project.root)
    key = TaskKey.make(inputs.project_id or project.config.project_id, inputs.task_group, inputs.task_id)
    if key.project_id != project.config.project_id:
        raise UsageError(
            "bad-identity",
            f"this project is {project.config.project_id!r}, not {key.project_id!r}",
            where=project.files.config,
            hint="leave --project-id out, or name the project's folder with --project-root",
        )
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(inputs.task_type)
    known = check_folder_is_free(project.files, key)
    manifest = known or {}
    fix_cycles.require_fix_cycle_choice(project.files.task(key), key, manifest, inputs.task_type, inputs.fix_cycle)
    _check_given(inputs, key, services)
    brief = brief_of(inputs, project.files, key, known, services)
    if phase.task_type == HANDOFF:
        from ..handoff import plan_handoff

        plan_handoff(project.files, key, inputs.handoff, services)
    answers = _answers(inputs, project.files.task(key), key)
    workers, lead_model = _people(inputs, phase, services)
    repository = discovery.finish()
    degraded = _degraded(repository)
    if repository is not None and degraded is None:
        check_separators(repository.top, services.environment)
    plan, stage_map, notes = _plan(inputs, project.files.task(key), services, planned, remember=remember)
    if inputs.led:
        from ..doctor.preflight import require_roster

        require_roster(workers, phase, project.files, services, lead=inputs.lead, quorum=inputs.quorum)
    return Request(
        inputs=inputs,
        project=project,
        key=key,
        phase=phase,
        roster=workers,
        lead_model=lead_model,
        category=_category(
            inputs.work_category,
            str(manifest.get("work_category", "")) or _category_begun(key, services) or phase.work_category,
        ),
        brief=brief.path,
        brief_text=brief.text,
        brief_is_new=brief.is_new,
        language=_language(inputs.report_language or project.config.report_language),
        repository=repository,
        degraded=degraded,
        plan=plan,
        stage_map=stage_map,
        answers=answers,
        related=related_tasks(project.files, key, inputs.related_tasks, manifest),
        notes=notes,
    )


def _project(inputs: PrepareInputs, services: Services) -> Project:
    root = os.path.realpath(os.fspath(inputs.project_root))
    if not os.path.isdir(root):
        raise Missing("not-a-project", f"there is no folder {root}", where="--project-root")
    return load_project(owning_root(root, services), services)


def _degraded(repository: git.Repository | None) -> WorktreeStatus | None:
    if repository is None:
        return WorktreeStatus.SKIPPED_NO_GIT
    if repository.linked and not git.main_is_bare(repository):
        return WorktreeStatus.SKIPPED_NESTED
    if not repository.head:
        raise Refused(
            "no-commits-yet",
            "the repository has no commit yet, so there is nothing to base a worktree on",
            where=repository.top,
            hint="git commit --allow-empty -m 'Start' (or commit what is there), then start the run again",
        )
    return None


def _answers(inputs: PrepareInputs, task: TaskFiles, key: TaskKey) -> ClarificationFile | None:
    if not inputs.clarification_response:
        return None
    from ..runs.user_response import read_answers

    return read_answers(inputs.clarification_response, task, key)


def _check_given(inputs: PrepareInputs, key: TaskKey, services: Services) -> None:
    """Checks values that are only passed on to the lead, so that a typo is reported now and not in an hour; and whether
    anybody wants the task."""
    require_wanted(key, services)
    path = inputs.pr_template_path
    if path and not os.path.isfile(path):
        raise UsageError("not-found", f"there is no file {path}", where="--pr-template-path")
    if inputs.budget_usd:
        check_budget(inputs.budget_usd)
    if inputs.quorum:
        quorum_asked(inputs.quorum)
    wait_asked(inputs.wait_quota)


def _category_begun(key: TaskKey, services: Services) -> str:
    """The category that the task's branch is named by: a task with an adopted plan has a branch before a category."""
    claim = services.registry.read().task(key)
    return category_of_branch(claim.branch, key) if claim else ""


def _category(given: str, else_it_is: str) -> str:
    chosen = given or else_it_is
    if chosen not in (CATEGORY_PREFIXES if given else BRANCH_PREFIXES):
        raise UsageError(
            "usage",
            f"there is no work category {chosen!r}",
            where="--work-category",
            hint="one of: " + ", ".join(CATEGORY_PREFIXES),
        )
    return chosen


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise UsageError("usage", f"there is no report language {language!r}", hint="one of: " + ", ".join(LANGUAGES))
    return language


def _people(inputs: PrepareInputs, phase: Phase, services: Services) -> tuple[tuple[Worker, ...], str]:
    table = model_table(assets.toml("prompts", "models.toml"))
    config = files.read_json(services.home.config) or {}
    configured = _configured_models(config, services.home.config)
    asked = (*inputs.workers, inputs.executor, inputs.critic, inputs.provider, inputs.report_writer)
    wants_agents = any(name.startswith(ACP) for name in asked)
    own = _own_commands(config, services.home.config) if "providers" in config or wants_agents else {}

    def model_of(slot: str) -> str:
        if slot in own:
            return str(own[slot].get("model") or (AGENTS_MODEL if slot.startswith(ACP) else slot))
        return resolve_model(
            slot, flags=inputs.models, environment=services.environment, config=configured, table=table
        )

    options = RosterOptions(
        inputs.workers,
        inputs.executor,
        inputs.critic,
        inputs.provider,
        tuple(own),
        inputs.report_writer or ("claude" if inputs.models.get("report-writer") else ""),
    )
    return inputs.same or roster(phase, options, model_of), model_of("lead")


def _own_commands(config: Mapping[str, object], where: str) -> Settings:
    from ..agents.providers import own_commands

    return own_commands(config, where)


def _configured_models(config: dict[str, object], where: str) -> dict[str, str]:
    models = config.get("models", {})
    if not isinstance(models, dict) or not all(isinstance(model, str) for model in models.values()):
        hint = 'write {"models": {"claude": "opus"}}'
        raise UsageError("bad-config", "models is not a map from slots to model names", where=where, hint=hint)
    return dict(models)


def _plan(
    inputs: PrepareInputs, task: TaskFiles, services: Services, planned: StageMap | None, *, remember: bool
) -> tuple[str, StageMap | None, tuple[str, ...]]:
    if inputs.task_type != IMPLEMENTATION or planned is not None:
        return "", planned, ()
    if inputs.stage != AUTO and not inputs.stage.isdigit():
        raise UsageError("usage", f'invalid --stage {inputs.stage!r}: expected a stage number or "auto"')
    path = inputs.approved_plan_path or plans.latest(task)
    if not path:
        raise UsageError(
            "input-missing",
            "an implementation run needs an approved plan, and the task has none",
            where=task.plans_dir,
            hint="run implementation-planning first, or okstra plan adopt FILE --task-key KEY",
        )
    path = os.path.abspath(path)
    if not os.path.exists(path):
        raise UsageError("not-found", f"there is no plan {path}", where="--approved-plan")
    if os.path.realpath(os.path.dirname(path)) != os.path.realpath(task.plans_dir):
        raise Refused(
            "plan-not-the-tasks",
            "the plan is not in the task's planning folder, where its ledger belongs",
            where=path,
            hint=f"{okstra_command('plan', 'adopt', path, '--task-key', 'KEY')}, then start the run again",
        )
    stage_map, notes = approvals.require(path, services, remember=remember)
    return path, stage_map, notes


class Brief(NamedTuple):
    """Both are empty if there is none. `is_new`: it is not on disk yet."""

    path: str = ""
    text: str = ""
    is_new: bool = False


def brief_of(
    inputs: PrepareInputs,
    project: ProjectFiles,
    key: TaskKey,
    manifest: Mapping[str, object] | None,
    services: Services,
) -> Brief:
    """Raises UsageError (`request-missing`, `task-unknown`, `not-found`), Unreadable."""
    task = project.task(key)
    needed = inputs.task_type in NEED_REQUEST
    if inputs.request:
        return _written_down(inputs.request, task, key)
    path = _path(inputs, project.root, task, str((manifest or {}).get("brief", "")))
    if path:
        return Brief(os.path.abspath(path), _read(path, needed=needed))
    if manifest is None and plans.latest(task) is None and (inputs.by_key or not needed):
        from ..tasks.catalog import task_unknown

        more = "a new task needs its request: --task-brief FILE, or --request TEXT"
        raise task_unknown(key, project.root, services, more=more)
    if needed:
        raise _missing("there is no request", str(key), okstra_command("brief", "new", "--task-key", key))
    return Brief()


def _path(inputs: PrepareInputs, root: str, task: TaskFiles, known: str) -> str:
    if inputs.brief_path:
        return os.path.join(os.getcwd(), inputs.brief_path)
    if known:
        return os.path.join(root, known)
    return task.brief if os.path.lexists(task.brief) else ""


def _read(path: str, *, needed: bool) -> str:
    """The brief without its secrets. Raises UsageError (`not-found`, `request-missing`)."""
    try:
        data = files.read_bytes(path)
    except Unreadable as error:
        if needed:
            raise _missing(f"the brief: {error.message}", path, "") from error
        raise
    if data is None:
        raise UsageError("not-found", f"there is no brief {path}", where="--task-brief", hint=_EITHER)
    if needed and not data.strip():
        raise _missing("the brief is empty", path, "")
    if needed and not _is_text(data):
        raise _missing("the brief is not UTF-8 text", path, "")
    from ..system.secrets import hide
    from ..tasks.brief import asks_for_something  # slow to import, as is what follows

    text = data.decode("utf-8-sig", "replace")
    if needed and not asks_for_something(text):
        raise _missing("the brief has no words: nothing but frontmatter, comments and marks", path, "")
    return hide(text)[0]


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _written_down(text: str, task: TaskFiles, key: TaskKey) -> Brief:
    """The text of `--request` as the task's own brief. An existing brief is not replaced."""
    from ..system.secrets import hide
    from ..tasks.brief import asks_for_something

    if not asks_for_something(text):
        raise _missing("--request has no words" if text.strip() else "--request is empty", str(key), "")
    said = hide(text.strip())[0]
    title = " ".join(said.split("\n", 1)[0].split())[:_MOST_TITLE]
    written = f"{said}\n" if said.startswith("# ") else f"# {title}\n\n{said}\n"
    found = files.read_bytes(task.brief)
    if found is not None and found.decode("utf-8", "replace") != written:
        hint = "leave --request out, or edit that file"
        raise UsageError("usage", "the task has a brief already; it was not touched", where=task.brief, hint=hint)
    return Brief(task.brief, written, is_new=found is None)


def _missing(reason: str, where: str, command: str) -> UsageError:
    hint = _EITHER + (f"; {command} --title TITLE makes one" if command else "")
    return UsageError("request-missing", f"{reason}: nothing was prepared", where=where, hint=hint)


def ensure_merge_place(key: TaskKey, inputs: PrepareInputs, services: Services) -> None:
    """The task's worktree, on a machine that led no run of it. Raises as a run's preparation does."""
    if services.registry.read().task(key) is None:
        request = resolve(inputs, services, remember=True)
        log = os.path.join(request.task.run_dir(IMPLEMENTATION), "logs", "task-worktree-setup.log")
        task_worktree.ensure(request, services, log)
