"""Shows where a task stands and what comes next; asks, and does it. One step a call.

Without a terminal nothing is done unless --yes says so. --yes answers whether to go on, and nothing else: a plan is
approved with --approve, a branch pushed with --push or --pr; where that does not come next, they are refused.
Providers, models, budget and quorum are those of the task's last run.
"""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..command_table import called_by, verb_of
from ..errors import OkstraError, Refused, UsageError
from ..history.next_steps import limit_in_events
from ..history.schedule import held_elsewhere, next_unit
from ..history.units import BEGUN, Unit
from ..leadership import require_no_worker
from ..names import VERIFICATION, TaskKey
from ..options import add_task_key, add_trust_flag, build_parser
from ..output import Reply, confirm, fields
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..runs.dropped import read_dropped
from ..runs.find import find_run
from ..services import Call
from ..settings.phases import phase_table
from ..settings.project import open_project
from ..settings.roster import CUSTOM_PREFIX, JUDGES, MODEL_SLOTS, ROLE_PROVIDERS
from ..system import assets, files
from ..tasks.catalog import entries
from ..tasks.named import HERE, task_named
from ..tasks.records import LATEST_SCHEMA, read_manifest
from .run_inputs import add_handoff_flags

_SHOWN_ONLY = ("wait", "show")
_WORDS = {
    "requirements-discovery": "find out what is required",
    "improvement-discovery": "look for improvements",
    "error-analysis": "find the cause of the error",
    "implementation-planning": "plan the change",
    "final-verification": "verify the change",
    "release-handoff": "hand the change off",
}
_KEPT = {"budget": "budget_usd", "quorum": "quorum", "wait-quota": "wait_quota"}


class Step(NamedTuple):
    """What comes next of a task: in words, and the command. Both are empty when nothing is left of it."""

    key: TaskKey
    title: str
    what: str
    command: str


def configure(parser: ArgumentParser) -> None:
    add_task_key(parser, "the task (default: that of the worktree in which you are, else the last one)")
    parser.add_argument("--yes", action="store_true", help="do not ask whether to go on; approves and pushes nothing")
    parser.add_argument("--approve", action="store_true", help="approve the plan; refused if that does not come next")
    parser.add_argument("--all-ready", action="store_true", help="all ready stages, wave by wave, if one comes next")
    add_handoff_flags(parser)
    add_trust_flag(parser)


def execute(args: Namespace, call: Call) -> Reply:
    step = _step(args.task_key, call)
    data = {"task_key": str(step.key), "title": step.title, "step": step.what, "next": step.command}
    shown = fields([("task", step.key), ("title", step.title), ("next", step.what), ("with", step.command)])
    words = shlex.split(step.command)[1:]
    in_vain = _in_vain(words, args)
    if in_vain and (not args.yes or not words or words[0] in _SHOWN_ONLY):
        raise _not_next(in_vain, step, words)
    if not words or words[0] in _SHOWN_ONLY or (getattr(args, "json", False) and not _may_go_on(words, args)):
        return Reply(data, shown)
    if not _may_go_on(words, args):
        if not sys.stdin.isatty():
            return Reply(data, shown)
        sys.stderr.write(shown + "\n")
        if not confirm("go on with this?", default=True):
            raise Refused("not-confirmed", "nothing was done", hint=step.command)
    as_json = getattr(args, "json", False)
    done = carry_out([*words, *_more(words, args, step.key, call)], call, as_json=as_json)
    notes = [f"okstra: warning: {in_vain}: what came next was another step"] if in_vain else []
    return done._replace(data={**done.data, "did": step.command}, talk=[*done.talk, *notes])


def _in_vain(words: list[str], args: Namespace) -> str:
    """What the flags ask for that the step does not do; empty if there is nothing."""
    if args.approve and words[:2] != ["plan", "approve"]:
        return "nothing was approved"
    return "nothing was pushed" if (args.push or args.pr) and words[:1] != ["handoff"] else ""


def _not_next(in_vain: str, step: Step, words: list[str]) -> Refused:
    comes = f"what comes next is: {step.what}" if words else step.what
    hint = step.command
    if words[:1] == ["show"] and words[-1].partition("/")[2].startswith(f"{VERIFICATION}/"):
        comes = "the verification ended with conditions, which its report names"
        hint = f"{step.command}; a hand-off all the same: {okstra_command('handoff', step.key, '--push')}"
    return Refused("not-next", f"{in_vain}: {comes}", where=str(step.key), hint=hint, data={"next": step.command})


def _may_go_on(words: list[str], args: Namespace) -> bool:
    """Whether the flags agree to this very step, so that nobody is asked: an approval starts no run."""
    if words[:2] == ["plan", "approve"]:
        return bool(args.yes or args.approve)
    return bool(args.yes or (words[0] == "handoff" and (args.push or args.pr)))


def _step(named: str, call: Call) -> Step:
    """Raises UsageError (`not-found`) in a project without tasks, and as `next_unit`."""
    project = open_project(call.start, call.services)
    key = TaskKey.parse(named) if named else _default(project.files, call)
    unit = next_unit(call.start, key, call.services)
    title = str((read_manifest(project.files.task(key)) or {}).get("title") or "")
    if unit is None and str(key) in read_dropped(call.services.home).tasks:
        return Step(key, title, f"it was dropped; {okstra_command('restore', key)} brings it back", "")
    if unit is None:
        held = held_elsewhere(call.start, key, call.services)
        return Step(key, title, f"nothing here: {held}" if held else "nothing is left to do", "")
    until = _limited_until(unit.command, call)
    what = in_words(unit) + (f"; a provider's limit ends at {until}" if until else "")
    return Step(key, title, what, unit.command)


def _limited_until(command: str, call: Call) -> str:
    """When the limit ends that the run has to wait for which the command resumes."""
    words = shlex.split(command)
    if words[1:2] != ["resume"]:
        return ""
    try:
        return limit_in_events(find_run(words[2], call.start, call.services), call.services)
    except OkstraError:
        return ""


def in_words(unit: Unit) -> str:
    """What is to be done, as one says it."""
    if unit.status in BEGUN.values():
        return f"go on with {unit.title or unit.name}"
    return unit.title or _WORDS.get(unit.name, unit.name)


def _default(project: ProjectFiles, call: Call) -> TaskKey:
    try:
        return task_named(HERE, call.start, call.services)
    except UsageError:
        latest = files.read_json(project.latest_task, LATEST_SCHEMA)
    dropped = read_dropped(call.services.home).tasks
    if latest is None or str(latest["task_key"]) in dropped:  # none had a run, or nobody wants the one that had
        open_ones = [
            (str(row.get("last_at") or ""), key) for key, row in entries(project).items() if key not in dropped
        ]
        if open_ones:
            return TaskKey.parse(max(open_ones)[1])
    if latest is None:
        hint = 'okstra run "what is wanted" begins one'
        raise UsageError("not-found", "this project has no task yet", where=project.root, hint=hint)
    return TaskKey.parse(str(latest["task_key"]))


def _more(words: list[str], args: Namespace, key: TaskKey, call: Call) -> Iterator[str]:
    """What the step's command needs besides its own words."""
    if words[:2] == ["plan", "approve"]:
        if args.approve:
            yield "--yes"
        elif not sys.stdin.isatty():
            raise Refused("not-confirmed", "the plan is not approved yet", hint="read it, then: okstra next --approve")
    if words[0] == "handoff":
        yield from (f"--{name}" for name in ("push", "pr", "draft") if getattr(args, name))
        yield from (f"--{name}={getattr(args, name)}" for name in ("base", "title") if getattr(args, name))
    if words[0] in ("run", "handoff"):
        yield "--yes"
        yield from ["--trust"] if args.trust else []
    if words[0] == "run":
        task_type = words[words.index("--task-type") + 1] if "--task-type" in words else ""
        yield from flags_as_before(key, task_type, call)
        if args.all_ready and "implementation" in words:
            yield "--all-ready"


def flags_as_before(key: TaskKey, task_type: str, call: Call) -> Iterator[str]:
    """The flags that give a run of that phase the providers, models, budget and quorum of the task's last one."""
    last = str((read_manifest(open_project(call.start, call.services).files.task(key)) or {}).get("last_run") or "")
    try:
        manifest = find_run(last, call.start, call.services).manifest
    except OkstraError:  # its records are gone
        return
    roster, requested = manifest.get("roster"), manifest.get("requested")
    rows = [row for row in roster if isinstance(row, Mapping)] if isinstance(roster, list) else []
    phases = phase_table(assets.toml("prompts", "phases.toml")).phases
    yield from roster_flags(rows, phases[task_type].roles if task_type in phases else ())
    asked = requested if isinstance(requested, Mapping) else {}
    yield from (f"--{flag}={asked[name]}" for flag, name in _KEPT.items() if asked.get(name))


def roster_flags(rows: Sequence[Mapping[str, object]], roles: Collection[str]) -> Iterator[str]:
    """The flags that give a phase with these roles the people of an earlier roster."""
    providers = list(dict.fromkeys(str(row.get("provider")) for row in rows))
    by_role = {str(row.get("role")): str(row.get("provider")) for row in rows}
    if len(providers) == 1:
        yield f"--provider={providers[0]}"
    else:
        voices = [str(row.get("provider")) for row in rows if row.get("role") in JUDGES]
        yield from [f"--workers={','.join(dict.fromkeys(voices))}"] if voices else []
        named = [role for role in ("executor", "report-writer") if role in by_role and role in roles]
        yield from (f"--{role}={by_role[role]}" for role in named)
    if "critic" in by_role and "critic" in roles:
        yield f"--critic={by_role['critic']}"
    models: dict[str, str] = {}
    for row in rows:
        provider, model = str(row.get("provider")), str(row.get("model") or "")
        writes = row.get("role") == "report-writer" and provider == ROLE_PROVIDERS["report-writer"]
        models.setdefault("report-writer" if writes else provider, model)
    if "report-writer" not in roles:
        models.pop("report-writer", None)
    yield from (f"--{slot}-model={CUSTOM_PREFIX}{models[slot]}" for slot in MODEL_SLOTS if models.get(slot))


def carry_out(words: list[str], call: Call, *, as_json: bool) -> Reply:
    """Does what that command line, without the program, would do."""
    command, rest = called_by(words)
    assert command is not None
    parser, module = build_parser(command)
    given = parser.parse_args([*rest, *(["--json"] if as_json else [])])
    label = " ".join(filter(None, (command.name, getattr(given, "action", None))))
    if verb_of(label).changes_with(given):
        require_no_worker(label, call.services)
    done: Reply = module.execute(given, call)
    return done
