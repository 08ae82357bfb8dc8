"""release-handoff: only the git steps that the person picked, carried out by okstra itself, never by an agent.

What is picked stands in `--directive`: `push`, `pr`, both, or nothing at all. Nothing is forced, no hook is
passed by, and nothing goes to a base branch.
"""

from __future__ import annotations

import os
import re

from ...agents.held_command import Held
from ...core.project_config import project_config
from ...core.shell_words import okstra_command
from ...core.text_bytes import text_bytes
from ...edges import assets, fsio, git
from ...edges.merging import merge_tree
from ...words.errors import OkstraError, Refused
from ...words.findings import Gate
from ...words.hints import Sequence
from ...words.records import Record
from ..run_events import events_of
from .analysis import Collected
from .checking import run_command
from .drafting import Material, material
from .scene import Scene

STEPS = ("push", "pr")
STEP_RUN = "step-run"
_BEGUN = "step-begun"
_FIT = ("accepted", "conditional-accept")


class Ran(Record):
    command: str
    exit: int


class Target(Record):
    """What is handed off: the very commit that was accepted, whatever comes onto its branch meanwhile."""

    branch: str
    head: str
    base: str


def lead_handoff(scene: Scene) -> Material:
    """Raises Refused (`not-accepted`) for a task that no final-verification accepted as it stands."""
    head = git.resolve(scene.folder, "HEAD") or ""
    _require_accepted(scene, head)
    chosen = [step for step in STEPS if re.search(rf"\b{step}\b", scene.values.get("DIRECTIVE", ""), re.IGNORECASE)]
    branch = scene.run.branch
    base = base_branch(scene, branch)
    probe_gate, probe = _probe(scene, base, head)
    body = _write_body(scene, branch)
    ran, link = _carry_out(scene, chosen if probe_gate.open else [], Target(branch, head, base), body)
    red = [f"`{one.command}` exit {one.exit}" for one in ran if one.exit != 0]
    gates = {
        "merge-probe": (probe_gate, probe),
        "steps": (Gate.FAILED, "; ".join(red)) if red else (Gate.PASSED, "" if ran else "no step was picked"),
    }
    tokens = scene.phase.verdict_tokens
    good = all(gate.open for gate, _ in gates.values())
    made = material(scene, Collected((), {}), [], gates)
    phase = {
        "chosen": chosen,
        "commands": [one._asdict() for one in ran],
        "merge_probe": probe,
        "branch": branch,
        "pull_request": link or f"gh pr create --head {branch} --base {base or 'BASE'} --body-file {body}",
    }
    return made._replace(phase=phase, tokens=tokens[:1] if good else tokens[-1:], commit=head)


def _require_accepted(scene: Scene, head: str) -> None:
    folder = scene.run.project.task(scene.id.task).run_dir("final-verification")
    reports = os.path.join(folder, "reports")
    names = sorted(
        name for name in (os.listdir(reports) if os.path.isdir(reports) else []) if name.endswith(".data.json")
    )
    report = (fsio.read_json(os.path.join(reports, names[-1])) or {}) if names else {}
    verdict = report.get("verdict")
    token = str(verdict.get("token", "")) if isinstance(verdict, dict) else ""
    seen = str(report.get("commit") or "")
    if token not in _FIT or seen != head:
        moved = f" of {seen[:12]}, and the branch is at {head[:12]}" if token in _FIT else ""
        raise Refused(
            "not-accepted",
            f"the task's last final verification says {token or 'nothing'}{moved}",
            where=os.path.join(reports, names[-1]) if names else folder,
            hint=okstra_command("run", "--task-key", scene.id.task, "--task-type", "final-verification"),
        )


def base_branch(scene: Scene, branch: str) -> str:
    """Where the branch would be merged: the branch that the main worktree is on; empty when it is on none."""
    found = git.head_branch(scene.run.project.root) if git.discover(scene.run.project.root) else ""
    return "" if found == branch else found


def _probe(scene: Scene, base: str, head: str) -> tuple[Gate, str]:
    if not base or not head:
        return Gate.PASSED, "no base branch to probe against"
    try:
        conflicts = merge_tree(scene.folder, base, head).conflicts
    except OkstraError as error:
        return Gate.FAILED, error.message
    if conflicts:
        return Gate.FAILED, f"it would conflict with {base} in {', '.join(conflicts[:10])}"
    return Gate.PASSED, f"it would merge into {base} without conflict"


def _write_body(scene: Scene, branch: str) -> str:
    """The pull request's text: the project's template if it has one, and what the accepted task's commits say."""
    where = scene.run.project.config
    config = project_config(fsio.read_json(where), where=where, environment=scene.doors.environment)
    given = scene.requested("pr_template_path") or config.pr_template_path
    template = ""
    if given:
        path = given if os.path.isabs(given) else os.path.join(scene.run.project.root, given)
        template = (fsio.read_bytes(path) or b"").decode("utf-8", "replace")
    template = template or assets.text("templates", "pull-request.md")
    base = scene.run.base_commit
    head = git.resolve(scene.folder, "HEAD") or ""
    subjects = git.commit_subjects(scene.folder, base, head) if base and head else []
    commits = "\n".join(f"- {one['subject']} ({one['commit'][:12]})" for one in subjects) or "- (none)"
    known = {"{{TASK_KEY}}": str(scene.id.task), "{{BRANCH}}": branch, "{{COMMITS}}": commits}
    for name, value in known.items():
        template = template.replace(name, value)
    path = os.path.join(scene.files.folder("reports"), f"pull-request-{scene.files.seq}.md")
    fsio.make_folder(os.path.dirname(path))
    fsio.replace(path, text_bytes(template))
    return path


def _carry_out(scene: Scene, chosen: Sequence[str], target: Target, body: str) -> tuple[list[Ran], str]:
    branch, head, base = target
    ran: list[Ran] = []
    link = ""
    for step in chosen:
        argv = (
            ["git", "-C", scene.folder, "push", "origin", f"{head}:refs/heads/{branch}"]
            if step == "push"
            else [
                "gh",
                "pr",
                "create",
                "--head",
                branch,
                *(["--base", base] if base else []),
                "--body-file",
                body,
                "--fill",
            ]
        )
        ended, said = _run_once(scene, step, argv, branch)
        ran.append(Ran(" ".join(argv) + (f" ({ended.complaint})" if ended.complaint else ""), ended.status))
        link = said if step == "pr" and ended.status == 0 else link
        if ended.status != 0:
            break
    return ran, link


def _run_once(scene: Scene, step: str, argv: list[str], branch: str) -> tuple[Held, str]:
    """How the step ended and what it said. A step that an earlier lead of this run has done is not done again; one
    that it began may have been: a push is the same twice, a pull request is asked for."""
    before = [row for row in events_of(scene.files) if row.get("command") == argv]
    done = next((row for row in before if row.get("event") == STEP_RUN and row.get("exit") == 0), None)
    if done is not None:
        return Held(0, b""), str(done.get("said") or "")
    ended = None
    if step == "pr" and before and before[-1].get("event") == _BEGUN:
        asked = ["gh", "pr", "view", branch, "--json", "url", "--jq", ".url"]
        there = run_command(scene, asked, "handoff-pr-view", event=_BEGUN)
        ended = there if there.status == 0 else None
    ended = ended or run_command(scene, argv, f"handoff-{step}", event=_BEGUN)
    said = ended.stdout.decode("utf-8", "replace").strip()[-500:]
    scene.tell(STEP_RUN, command=argv, exit=ended.status, said=said)
    return ended, said
