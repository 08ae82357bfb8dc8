"""The git traces of a run's workers: where they are written, how they are read, and who is the author of a change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import git
from ..quoting import quote
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..system import files as fsio
from ..system.json_text import loads
from . import authors
from .authors import Evidence, RefMove, TracedCommand
from .breaches import WORKER, Changed, Place, Snapshot

_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_LINE = 256 * 1024
_MOST_COMMANDS = 50_000


def trace_file(folder: str) -> str:
    return os.path.join(folder, "trace.log")


def refs_file(folder: str) -> str:
    return os.path.join(folder, "refs.log")


def environment(folder: str) -> dict[str, str]:
    """Variables that make git and the run's hook log what a worker does. The folder must exist."""
    return {
        "GIT_TRACE2_EVENT": trace_file(folder),
        "GIT_TRACE2_CONFIG_PARAMS": "core.hookspath",
        "GIT_TRACE2_ENV_VARS": "GIT_DIR",
        "OKSTRA_GUARD_LOG": refs_file(folder),
    }


def traced_commands(worker: str, folder: str) -> Iterator[TracedCommand]:
    """Every git process of the worker, in the order of their start."""
    found: dict[str, dict[str, Any]] = {}
    for line in _lines(trace_file(folder)):
        try:
            event = loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("sid"), str):
            _take(event, found)
        if len(found) > _MOST_COMMANDS:
            break
    for sid, facts in found.items():
        if "arguments" in facts:
            yield TracedCommand(
                worker,
                sid,
                facts["arguments"],
                facts.get("worktree", ""),
                facts.get("git_dir", ""),
                facts.get("status"),
                facts.get("hooks", ""),
            )


def _take(event: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    facts = found.setdefault(event["sid"], {})
    kind, argv = event.get("event"), event.get("argv")
    if kind == "start" and isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv):
        facts["arguments"] = _arguments(argv)
        for word in argv:
            if word.startswith("--git-dir="):
                facts["git_dir"] = word.partition("=")[2]
    elif kind == "def_repo" and isinstance(event.get("worktree"), str):
        facts["worktree"] = os.path.realpath(event["worktree"]) if "\0" not in event["worktree"] else ""
    elif kind == "def_param" and isinstance(event.get("value"), str):
        if str(event.get("param")).lower() == "core.hookspath":
            facts["hooks"] = event["value"]
        elif event.get("param") == "GIT_DIR":
            facts["git_dir"] = event["value"]
    elif kind in ("exit", "atexit") and isinstance(event.get("code"), int):
        facts["status"] = event["code"]


def _arguments(argv: list[str]) -> tuple[str, ...]:
    """`git push` and `git-push` are one command."""
    name = argv[0].rpartition("/")[2]
    return (name[4:], *argv[1:]) if name.startswith("git-") else tuple(argv[1:])


def ref_moves(worker: str, folder: str) -> Iterator[RefMove]:
    for line in _lines(refs_file(folder)):
        parts = line.decode("utf-8", "surrogateescape").split(" ", 4)
        if len(parts) == 5 and parts[0] in ("moved", "refused"):
            state, sid, old, new, ref = parts
            yield RefMove(worker, sid, state == "refused", old, new, ref)


def _lines(path: str) -> Iterator[bytes]:
    for line in _read(path).split(b"\n"):
        if line and len(line) <= _LONGEST_LINE:
            yield line


def _read(path: str) -> bytes:
    """The start of a regular file; empty for anything else, or what can't be read."""
    try:
        with open(path, "rb", opener=_without_links) as file:
            return file.read(_MOST_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except (OSError, ValueError):
        return b""


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


class Authorship(NamedTuple):
    evidence: Evidence
    before: Snapshot
    after: Snapshot

    def author(self, changed: Changed) -> str:
        for traced in authors.pushes(self.evidence) if changed.kind == "push" else ():
            if changed.what == _command(traced):
                return f"{WORKER}{traced.worker}"
        return authors.author_of(changed, self.evidence, self.before, self.after)

    def pushed(self, main: str) -> Sequence[Changed]:
        """Completed pushes: what they changed is elsewhere, and no snapshot shows it."""
        look = f"git -C {quote(main)} remote --verbose"
        detail = "it ended well: look at what is there, and who may have fetched it"
        named = dict.fromkeys(_command(traced) for traced in authors.pushes(self.evidence))
        return [Changed("push", command, detail, Place.OKSTRAS, look) for command in named]


def _command(traced: TracedCommand) -> str:
    return " ".join(quote(word) for word in ("git", *traced.arguments))


def authorship(evidence: Evidence, before: Snapshot, after: Snapshot) -> Authorship:
    return Authorship(evidence, before, after)


def trace(run: KnownRun, worker: str) -> Mapping[str, str]:
    """The variables that make a worker's git commands be logged. Raises WorkFailed (`write-failed`)."""
    folder = run.files.git_trace(worker)
    fsio.make_folder(folder)
    return environment(folder)


def git_of_workers(run: KnownRun, repository: git.Repository, after: Snapshot) -> Evidence:
    rows = run.manifest.get("roster")
    workers = [str(row["id"]) for row in rows] if isinstance(rows, list) else []
    folders = {os.path.realpath(folder): folder for folder in after.heads}
    commands = [
        one._replace(worktree=folders.get(one.worktree, one.worktree))
        for worker in workers
        for one in traced_commands(worker, run.files.git_trace(worker))
    ]
    moves = [one for worker in workers for one in ref_moves(worker, run.files.git_trace(worker))]
    at_work = any(row.get("event") == "dispatched" for row in events_of(run.files))
    return Evidence(
        tuple(commands),
        tuple(moves),
        at_work,
        run.files.guard_hooks,
        os.path.realpath(repository.common_dir),
        frozenset(after.heads),
    )
