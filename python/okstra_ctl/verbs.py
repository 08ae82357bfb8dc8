"""Every command and action, in one table: whether it changes something. Workers may not call those that do.

To change means to write okstra's own state (runs, ledgers, the registry, worktrees, branches, plans, settings, notes,
trust), to start an agent, or to run a project's commands. A page written where the caller asked for it is no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Verb(NamedTuple):
    """`unless`: flags that make a changing command only read. `only_with`: flags without which it only reads."""

    changes: bool
    unless: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()

    def changes_with(self, args: object) -> bool:
        """`args`: the parsed flags, by their names."""
        if not self.changes or any(getattr(args, flag) for flag in self.unless):
            return False
        return not self.only_with or any(getattr(args, flag) for flag in self.only_with)

    def may_change(self, words: Sequence[str]) -> bool:
        """As `changes_with`, for the words of a command line that is not parsed."""
        given = {word.partition("=")[0] for word in words}
        if not self.changes or any(_flag(name) in given for name in self.unless):
            return False
        return not self.only_with or any(_flag(name) in given for name in self.only_with)


_READS = Verb(False)
_CHANGES = Verb(True)

VERBS: dict[str, Verb] = {
    "setup": _CHANGES,
    "trust": Verb(True, unless=("show",)),
    "check-project": _READS,
    "doctor": _READS,
    "completion": _READS,
    "config list": _READS,
    "config get": _READS,
    "config set": _CHANGES,
    "config unset": _CHANGES,
    "memory list": _READS,
    "memory show": _READS,
    "memory search": _READS,
    "memory add": _CHANGES,
    "memory remove": _CHANGES,
    "brief new": Verb(True, only_with=("task_key", "output")),
    "brief check": _READS,
    "brief show": _READS,
    "run": Verb(True, unless=("dry_run",)),
    "wizard init": _CHANGES,
    "wizard step": _CHANGES,
    "wizard render-args": _READS,
    "wizard confirmation": _READS,
    "batch": Verb(True, unless=("dry_run",)),
    "rerun": _CHANGES,
    "resume": _CHANGES,
    "wait": _READS,
    "check result": _READS,
    "check evidence": _READS,
    "check run": _READS,
    "report render": _CHANGES,
    "report views": _READS,
    "report find": _READS,
    "worker exec": _CHANGES,
    "guard tool": _READS,
    "guard commit": _READS,
    "guard verb": _READS,
    "status": _READS,
    "board": _READS,
    "schedule": _READS,
    "projects": _READS,
    "list": _READS,
    "show": _READS,
    "open": _READS,
    "history": _READS,
    "time-summary": _READS,
    "usage": _READS,
    "error-log": _READS,
    "followups list": _READS,
    "followups spawn": _CHANGES,
    "followups dismiss": _CHANGES,
    "paths": _READS,
    "plan check": _READS,
    "plan show": _READS,
    "plan approve": _CHANGES,
    "plan adopt": _CHANGES,
    "stage list": _READS,
    "stage done": _CHANGES,
    "stage release": _CHANGES,
    "integrate": Verb(True, unless=("forecast",)),
    "handoff": Verb(True, unless=("dry_run",)),
    "worktree list": _READS,
    "worktree lookup": _READS,
    "worktree remove": _CHANGES,
    "worktree restore": _CHANGES,
    "reconcile": Verb(True, only_with=("apply", "rebuild")),
    "backfill": Verb(True, unless=("dry_run",)),
    "gc": Verb(True, unless=("dry_run",)),
    "install": Verb(True, unless=("dry_run",)),
    "uninstall": Verb(True, unless=("dry_run",)),
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def verb_in(words: Sequence[str]) -> Verb:
    """The verb that a command line (without the program) calls, including its action."""
    return VERBS.get(" ".join(words[:2])) or verb_of(words[0] if words else "")


def verb_of(label: str) -> Verb:
    """A command that is not in the table counts as changing: a new one is refused to workers until it is classified."""
    return VERBS.get(label, _CHANGES)
