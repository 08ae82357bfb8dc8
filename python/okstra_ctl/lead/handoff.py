"""release-handoff: only the git steps that the person chose, carried out by okstra itself, never by an agent.

The choice is in the run's manifest (`handoff`), and nowhere else. Nothing is forced, no hook is bypassed, and nothing
is pushed to a base branch.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import git
from ..agents.supervised_process import SupervisedResult
from ..handoff import (
    CheckSeen,
    findings_text,
    gates_text,
    nothing_chosen,
    probe_merge,
    proof_text,
    pull_request_body,
    pull_request_file,
    receipt_text,
    require_accepted,
    require_known_hooks,
    target_of,
)
from ..names import IMPLEMENTATION, RunId
from ..proof.command import end_of
from ..results.records import Gate
from ..runs.events import events_of
from ..runs.manifest import PULL_REQUEST, Choice, Target, choice_from_json, commands
from ..settings.project import project_config
from ..system import assets, files
from ..system.secrets import hide
from ..system.text import text_bytes
from .analysis import Collected
from .context import RunContext, run_command
from .draft import Material, material

STEP_RUN = "step-run"
_BEGUN = "step-begun"


class StepRun(NamedTuple):
    command: str
    exit: int


def lead_handoff(context: RunContext) -> Material:
    """Carries the chosen steps out. Raises Refused (`nothing-chosen`, `not-accepted`, `nothing-to-push`,
    `hooks-changed`): the task is checked again, whatever was true when the run was prepared."""
    key = context.id.task
    choice = choice_from_json(context.run.manifest.get("handoff"))
    if not choice.steps:
        raise nothing_chosen(key)
    target = target_of(context.run.project, key, choice, context.services)
    require_known_hooks(context.run.project, key, target, context.services)
    fits, probe = probe_merge(target)
    body = _write_body(context, target)
    ran, link, red = _carry_out(context, choice, target, body) if fits else ([], "", "")
    gates = {
        "merge-probe": (Gate.PASSED if fits else Gate.FAILED, probe),
        "steps": (Gate.FAILED if red else Gate.PASSED, red),
    }
    good = fits and not red
    made = material(context, Collected((), {}), [], gates)
    phase = {
        "chosen": list(choice.steps),
        "commands": [one._asdict() for one in ran],
        "merge_probe": probe,
        "branch": target.branch,
        "pull_request": link,
    }
    tokens = context.phase.verdict_tokens
    return made._replace(phase=phase, tokens=tokens[:1] if good else tokens[-1:], commit=target.head)


def conclusion(phase: Mapping[str, Any], *, good: bool) -> str:
    """The report's conclusion: okstra did all of it itself, so no agent is asked to write it."""
    done = [one["command"] for one in phase["commands"] if one["exit"] == 0]
    summary = f"Carried out, in this order: {', '.join(phase['chosen'])}." if good else "Not all of it was carried out."
    link = f" Pull request: {phase['pull_request']}" if phase["pull_request"] else ""
    return f"{summary}{link}" + "".join(f"\n\n- `{command}`" for command in done)


def _write_body(context: RunContext, target: Target) -> str:
    """Writes the pull request's text: the project's template if it has one, filled from okstra's records. Returns its
    path."""
    where = context.run.project.config
    config = project_config(files.read_json(where), where=where, environment=context.services.environment)
    given = context.requested("pr_template_path") or config.pr_template_path
    template = ""
    if given:
        path = given if os.path.isabs(given) else os.path.join(context.run.project.root, given)
        template = (files.read_bytes(path) or b"").decode("utf-8", "replace")
    text = pull_request_body(template or assets.text("templates", "pull-request.md"), _values(context, target))
    path = pull_request_file(context.run.project.task(context.id.task), context.id.seq)
    files.make_folder(os.path.dirname(path))
    files.replace(path, text_bytes(hide(text)[0]))
    return path


def _values(context: RunContext, target: Target) -> dict[str, str]:
    base = context.run.base_commit
    subjects = git.commit_subjects(context.folder, base, target.head) if base else []
    report = require_accepted(context.run.project.task(context.id.task), context.id.task, target.head)
    return {
        "task_key": str(context.id.task),
        "branch": target.branch,
        "commits": "\n".join(f"- {one['subject']} ({one['commit'][:12]})" for one in subjects) or "- (none)",
        "proof": proof_text([*_stage_checks(context), *_checks_of(context, str(report.get("run_id") or ""))]),
        "findings": findings_text(report.get("findings") or ()),
        "gates": gates_text(report.get("gates") or {}),
        "receipt": receipt_text(_receipts(context)),
    }


def _stage_checks(context: RunContext) -> list[CheckSeen]:
    """The newest exit check of each stage, by number."""
    folder = context.run.project.task(context.id.task).run_dir(IMPLEMENTATION)
    found: dict[int, CheckSeen] = {}
    for name in files.names_in(folder):
        word, _, number = name.partition("stage-")
        states = os.path.join(folder, name, "state")
        records = [one for one in sorted(files.names_in(states)) if one.startswith("exit-check-")]
        if word or not number.isdecimal() or not records:
            continue
        row = files.read_json_or_empty(os.path.join(states, records[-1]))
        proof, reasons = row.get("proof"), row.get("reasons")
        found[int(number)] = CheckSeen(
            f"stage {number}",
            str(row.get("command")),
            row.get("exit"),
            str(row.get("commit") or ""),
            proof if isinstance(proof, Mapping) else {},
            tuple(str(text) for text in reasons.values() if text) if isinstance(reasons, Mapping) else (),
        )
    return [found[number] for number in sorted(found)]


def _checks_of(context: RunContext, verification: str) -> list[CheckSeen]:
    """The project's checks, as the verification ran them."""
    if not RunId.is_one(verification):
        return []
    run = RunId.parse(verification)
    rows = files.read_json_or_empty(context.run.project.task(run.task).run_of(run).qa).get("checks")
    return [
        CheckSeen("final verification", str(row.get("command")), row.get("exit"), str(row.get("commit") or ""), {})
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping)
    ]


def _receipts(context: RunContext) -> list[dict[str, Any]]:
    """How each phase and stage ended, by its newest report."""
    runs = os.path.join(context.run.project.task(context.id.task).root, "runs")
    rows = []
    for folder, _, names in sorted(os.walk(runs)):
        reports = sorted(name for name in names if name.endswith(".data.json"))
        if os.path.basename(folder) == "reports" and reports and not folder.startswith(context.files.dir):
            report = files.read_json_or_empty(os.path.join(folder, reports[-1]))
            isolation = report.get("isolation")
            breaches = isolation.get("breaches", []) if isinstance(isolation, Mapping) else []
            broken = [f"{one['kind']} {one['what']}" for one in breaches]
            token = report["verdict"]["token"] if isinstance(report.get("verdict"), Mapping) else "unreadable"
            rows.append(
                {"run": report.get("run_id", ""), "outcome": token, "commit": report.get("commit"), "breaches": broken}
            )
    return rows


def _carry_out(context: RunContext, choice: Choice, target: Target, body: str) -> tuple[list[StepRun], str, str]:
    """Runs the steps in order, up to the first that fails. Returns them, the pull request's link, and what failed."""
    ran: list[StepRun] = []
    link = ""
    for step, argv in commands(choice, target, body):
        ended, output = _run_once(context, step, argv, target.branch)
        ran.append(StepRun(shlex.join(argv) + (f" ({ended.complaint})" if ended.complaint else ""), ended.status))
        link = output if step == PULL_REQUEST and ended.status == 0 else link
        if ended.status != 0:
            log = context.files.log(f"handoff-{step}")
            last_line = end_of(log).rstrip().splitlines()[-1:]
            return ran, link, "; ".join([f"`{ran[-1].command}` exit {ended.status}", *last_line, f"log: {log}"])
    return ran, link, ""


def _run_once(context: RunContext, step: str, argv: list[str], branch: str) -> tuple[SupervisedResult, str]:
    """Runs a step unless an earlier lead of this run has completed it. Returns how it ended and its output.

    A step that was only started may have been completed: a push can be repeated, a pull request is looked for first.
    """
    before = [row for row in events_of(context.files) if row.get("command") == argv]
    done = next((row for row in before if row.get("event") == STEP_RUN and row.get("exit") == 0), None)
    if done is not None:
        return SupervisedResult(0, b""), str(done.get("said") or "")
    ended = None
    if step == PULL_REQUEST and before and before[-1].get("event") == _BEGUN:
        asked = ["gh", "pr", "view", branch, "--json", "url", "--jq", ".url"]
        there = run_command(context, asked, "handoff-pr-view", event=_BEGUN)
        ended = there if there.status == 0 else None
    ended = ended or run_command(context, argv, f"handoff-{step}", event=_BEGUN)
    output = ended.stdout.decode("utf-8", "replace").strip()[-500:]
    context.record_event(STEP_RUN, command=argv, exit=ended.status, said=output)
    context.print_progress(f"{step}: exit {ended.status}")
    return ended, output
