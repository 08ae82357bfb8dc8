"""What it says about a finding that okstra ran a cited command itself (docs/design/evidence.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..status import HIDDEN_MARK
from .evidence import Checked
from .records import Evidence, EvidenceStatus

NEVER_RUN = "okstra has no record of this command"
_LARGEST_EXIT = 255
_SIGNALLED = 128


class Seen(NamedTuple):
    """A command as okstra ran it at a commit: the exit of each run (one, or two where they could differ), or `why` it
    was not run; and the end of what the last run printed."""

    command: str
    commit: str
    exits: tuple[int, ...]
    why: str = ""
    output: str = ""

    def as_text(self) -> str:
        if self.why:
            return f"not run: {self.why}"
        twice = len(self.exits) > 1 and len(set(self.exits)) == 1
        return f"exit {self.exits[0]}, twice" if twice else f"exit {', then '.join(map(str, self.exits))}"


def cited_commands(lines: Iterable[Evidence]) -> dict[str, tuple[int, ...]]:
    """Each distinct command, in the order in which they are cited, with the exit codes that are claimed for it."""
    found: dict[str, dict[int, None]] = {}
    for line in lines:
        if line.exit is not None and line.command:
            found.setdefault(line.command, {})[line.exit] = None
    return {command: tuple(exits) for command, exits in found.items()}


def is_same_exit(cited: int, seen: int) -> bool:
    """A process that a signal ended is cited as `-9` or `137`."""
    return _as_shell_status(cited) == _as_shell_status(seen)


def _as_shell_status(status: int) -> int:
    return _SIGNALLED - status if status < 0 else status & _LARGEST_EXIT


def needs_second_run(cited: Iterable[int], seen: int) -> bool:
    """Whether a first run's exit leaves a doubt that a second can settle.

    A worker has seen one exit. Where okstra's is the same, two runs agree. Where it is another, somebody may have
    lied, or the command ends now one way and now the other: a worker is contradicted only by two runs.
    """
    return not all(is_same_exit(one, seen) for one in cited)


def checked_command(line: Evidence, seen: Seen | None) -> Checked:
    """The citation beside what okstra saw."""
    if seen is None or line.exit is None:
        return Checked(line, EvidenceStatus.UNCHECKED, note=NEVER_RUN)
    if seen.why:
        return Checked(line, EvidenceStatus.NOT_RUN, note=seen.why, exits=seen.exits, output=seen.output)
    if len({_as_shell_status(one) for one in seen.exits}) > 1:
        status = EvidenceStatus.FLAKY
    elif is_same_exit(line.exit, seen.exits[0]):
        status = EvidenceStatus.VERIFIED
    else:
        status = EvidenceStatus.CONTRADICTED
    return Checked(line, status, note=f"okstra saw {seen.as_text()}", exits=seen.exits, output=seen.output)


def turned(before: Seen | None, after: Seen | None, cited: int | None = None) -> bool:
    """Whether a command failed before the change, as it is `cited`, and passes after it, each time that it was run."""
    if before is None or after is None or before.why or after.why or not (before.exits and after.exits):
        return False
    red = all(one != 0 and (cited is None or is_same_exit(cited, one)) for one in before.exits)
    return red and all(one == 0 for one in after.exits)


# What can't be done in a checkout without network, or would change something outside it: its exit says nothing there.
_OUTSIDE = {
    "git": "push fetch pull ls-remote commit reset rebase merge worktree",
    "npm": "publish install ci i add update",
    "pip": "install download",
    "pip3": "install download",
    **dict.fromkeys("curl wget ssh scp rsync docker podman kubectl helm gh glab aws gcloud sudo su okstra".split(), ""),  # noqa: SIM905
}
_CONSTANT = frozenset(["true", "false", ":", "exit", "return", "echo", "printf"])
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=\S*\s+")


def reaches_outside(commands: Iterable[str]) -> str:
    """The first of a command line's simple commands that would change or ask something outside the checkout; empty
    when there is none."""
    for command in commands:
        text = command.strip()
        while found := _ASSIGNMENT.match(text):
            text = text[found.end() :]
        words = text.split()
        if not words:
            continue
        program, verb = words[0].rpartition("/")[2], words[1] if len(words) > 1 else ""
        verbs = _OUTSIDE.get(program)
        if verbs is not None and (not verbs or verb in verbs.split()):
            return " ".join(words[:2])
    return ""


def is_constant(commands: Iterable[str]) -> bool:
    """Whether the simple commands of a command line come out the same whatever the code does."""
    return all(command.split()[:1] and command.split()[0] in _CONSTANT for command in commands)


def hides_secret(command: str) -> bool:
    return HIDDEN_MARK in command
