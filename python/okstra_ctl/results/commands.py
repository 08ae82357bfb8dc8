"""What it says about a finding that okstra ran a cited command itself (docs/design/evidence.md)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
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
_CONSTANT = frozenset(["true", "false", ":", "exit", "return", "echo", "printf", "cd"])
_COMPARES = frozenset(["-n", "-z", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-a", "-o"])
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_WRAPPERS = {"env": 0, "command": 0, "timeout": 1}
"""Programs that run another one, and how many words stand before it."""
_VALUED = frozenset("-C -c --git-dir --work-tree --namespace --prefix -u --unset --chdir -s --signal -k".split())  # noqa: SIM905
"""Options of those, of git and of npm whose value is a word of its own."""


def reaches_outside(commands: Iterable[str]) -> str:
    """The first of a command line's simple commands that would change or ask something outside the checkout; empty
    when there is none."""
    for command in commands:
        words = _unwrapped(command)
        if not words:
            continue
        verbs = _OUTSIDE.get(_program(words))
        if verbs == "":
            return " ".join(words[:2])
        verb = next(iter(_past_options(words[1:])), "")
        if verbs is not None and verb in verbs.split():
            return f"{words[0]} {verb}"
    return ""


def is_constant(commands: Iterable[str]) -> bool:
    """Whether the simple commands of a command line come out the same whatever the code does."""
    return all(_is_constant(_unwrapped(command)) for command in commands)


def _is_constant(words: Sequence[str]) -> bool:
    if not words or _program(words) not in ("test", "["):
        return bool(words) and words[0] in _CONSTANT
    literals = [word for word in words[1:] if word not in _COMPARES]
    return not any(word.startswith("-") or any(sign in word for sign in "$`*?<>") for word in literals)


def _unwrapped(command: str) -> list[str]:
    """The words of a simple command, without the assignments and the programs that only run it."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while words and (_ASSIGNMENT.match(words[0]) or _program(words) in _WRAPPERS):
        skipped = _WRAPPERS.get(_program(words))
        if skipped is not None and words[1:2] and words[1] in ("-v", "-V"):  # it only says what would run
            break
        words = words[1:] if skipped is None else _past_options(words[1:])[skipped:]
    return words


def _past_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in _VALUED else 1 :]
    return words


def _program(words: Sequence[str]) -> str:
    return words[0].rpartition("/")[2]


def hides_secret(command: str) -> bool:
    return HIDDEN_MARK in command
