"""What a hand-off does: the steps that a person chose, in order, with the exact commands that are run.

They are chosen by flags or in a menu, and kept in the run's manifest; they are never derived from any text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PUSH, PULL_REQUEST = "push", "pr"
STEPS = (PUSH, PULL_REQUEST)


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
