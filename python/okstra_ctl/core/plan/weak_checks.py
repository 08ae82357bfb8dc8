"""S6 as a warning: an exit check that can't fail proves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ..shell_lists import Pipeline, pipelines
from .cells import shown
from .numbering import Entry
from .records import Finding

_ALWAYS_GREEN = ("true", ":", "exit 0", "/bin/true", "/usr/bin/true")
_TALKERS = ("echo", "printf")


def warn_of_weak_checks(entries: Sequence[Entry], exit_checks: Sequence[str]) -> list[Finding]:
    return [
        Finding("S6", "warning", entry.row.line, f"The exit check {shown(command)} {fault}.")
        for entry, command in zip(entries, exit_checks, strict=True)
        if (fault := weakness(command))
    ]


def weakness(command: str) -> str:
    """Why the command can't fail, or not for what it seems to check; empty when it can, or nobody can tell."""
    found = pipelines(command)
    if not found:
        ending = " ".join(command.split()[-2:])
        return _overruled(ending) if ending in ("|| true", "|| :") else ""
    if all(_says_something(one) or _is_always_green(one) for one in found):
        return "only says something and can't fail; write a command that is red until the stage is done"
    last = found[-1]
    if last.before in ("||", ";") and (_is_always_green(last) or _says_something(last)):
        return _overruled(f"{last.before} {last.commands[0]}")
    return ""


def _overruled(ending: str) -> str:
    return f"is green whatever comes before: it ends with {shown(ending)}; take that away"


def _is_always_green(pipeline: Pipeline) -> bool:
    return not pipeline.negated and " ".join(pipeline.commands[-1].split()) in _ALWAYS_GREEN and _is_alone(pipeline)


def _is_alone(pipeline: Pipeline) -> bool:
    return len(pipeline.commands) == 1


def _says_something(pipeline: Pipeline) -> bool:
    return not pipeline.negated and _is_alone(pipeline) and pipeline.commands[0].split()[0] in _TALKERS
