"""The run manifest and its companions, as documents (docs/formats.md).

The steps of a hand-off are chosen by flags or in a menu, and kept in the run's manifest, in order, with the exact
commands that are run; they are never derived from any text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..names import Owner, RunId
from ..settings.roster import Worker

SCHEMA = "run-manifest/1"
CONTEXT_SCHEMA = "run-context/1"
TEAM_SCHEMA = "team-state/1"
PUSH, PULL_REQUEST = "push", "pr"
STEPS = (PUSH, PULL_REQUEST)


class WorktreeFacts(NamedTuple):
    """A run's worktree. Branch and base are empty in a degraded run."""

    path: str
    branch: str
    base_commit: str
    status: str

    def to_json(self) -> dict[str, object]:
        return dict(self._asdict())


class RunFacts(NamedTuple):
    """What goes into the manifest when a run is prepared."""

    run: RunId
    project_root: str
    plan: str
    plan_digest: str
    epoch: int
    worktree: WorktreeFacts
    roster: Sequence[Worker]
    lead: str
    owner: Owner | None
    lead_model: str
    okstra_version: str
    prepared_at: str
    rehearsal: bool
    requested: Mapping[str, object]
    notes: Sequence[str]
    handoff: Mapping[str, object] | None = None


def new_manifest(facts: RunFacts) -> dict[str, object]:
    """The manifest of a run that is prepared and not led yet."""
    run = facts.run
    return {
        "schema": SCHEMA,
        "run_id": str(run),
        "task_key": str(run.task),
        "project_id": run.task.project_id,
        "task_group": run.task.task_group,
        "task_id": run.task.task_id,
        "task_type": run.task_type,
        "seq": run.seq,
        "stage": run.stage,
        "epoch": facts.epoch,
        "project_root": facts.project_root,
        "plan": {"path": facts.plan, "digest": facts.plan_digest} if facts.plan else None,
        "base_commit": facts.worktree.base_commit,
        "worktree": facts.worktree.to_json(),
        "roster": [
            {
                "id": worker.id,
                "role": worker.role,
                "provider": worker.provider,
                "model": worker.model,
                "model_observed": None,
            }
            for worker in facts.roster
        ],
        "lead": {
            "mode": facts.lead,
            "model": facts.lead_model,
            "owner": facts.owner.to_json() if facts.owner else None,
        },
        "okstra_version": facts.okstra_version,
        "prepared_at": facts.prepared_at,
        "started_at": None,
        "ended_at": None,
        "outcome": None,
        "gates": {},
        "usage": None,
        "rehearsal": facts.rehearsal,
        "requested": dict(facts.requested),
        "notes": list(facts.notes),
        **({"handoff": dict(facts.handoff)} if facts.handoff is not None else {}),
    }


def new_context(run: RunId, paths: Mapping[str, str]) -> dict[str, object]:
    """`run-context`: every path and fact of the run, by the name that prompts use."""
    return {"schema": CONTEXT_SCHEMA, "run_id": str(run), "values": dict(paths)}


def new_team_state(run: RunId, roster: Sequence[Worker]) -> dict[str, object]:
    """`team-state`: no worker has been dispatched yet."""
    return {
        "schema": TEAM_SCHEMA,
        "run_id": str(run),
        "workers": [{"id": worker.id, "role": worker.role, "status": "not-run", "attempts": 0} for worker in roster],
    }


class Choice(NamedTuple):
    """What a person asked for. `base` is empty for the branch that the main checkout is on."""

    steps: tuple[str, ...] = ()
    base: str = ""
    draft: bool = False
    title: str = ""

    def to_json(self) -> dict[str, object]:
        return {**self._asdict(), "steps": list(self.steps)}


def choice_of(*, push: bool, pull_request: bool, base: str = "", draft: bool = False, title: str = "") -> Choice:
    """The choice by flags. A pull request needs a pushed branch, so it includes the push."""
    steps = STEPS if pull_request else STEPS[: int(push)]
    return Choice(steps, base, draft, title)


def choice_from_json(document: object) -> Choice:
    """The choice in a run's manifest; nothing is chosen where there is none, or it can't be read."""
    if not isinstance(document, Mapping):
        return Choice()
    steps = document.get("steps")
    known = tuple(step for step in STEPS if isinstance(steps, list) and step in steps)
    return Choice(
        known, str(document.get("base") or ""), document.get("draft") is True, str(document.get("title") or "")
    )


class Target(NamedTuple):
    """What is handed off: exactly the accepted commit, whatever is added to its branch meanwhile."""

    folder: str
    branch: str
    head: str
    remote: str
    base: str
    title: str


def commands(choice: Choice, target: Target, body: str) -> list[tuple[str, list[str]]]:
    """Each chosen step with its command. Nothing is forced, and no hook is bypassed."""
    push = ["git", "-C", target.folder, "push", target.remote, f"{target.head}:refs/heads/{target.branch}"]
    base = ["--base", target.base] if target.base else []
    draft = ["--draft"] if choice.draft else []
    create = ["gh", "pr", "create", "--head", target.branch, *base, *draft]
    known = {PUSH: push, PULL_REQUEST: [*create, "--title", target.title, "--body-file", body]}
    return [(step, known[step]) for step in choice.steps]
