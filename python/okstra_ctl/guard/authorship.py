"""The git traces of a run's workers: where they are written, how they are read, and who is the author of a change.

The author is a worker whose git made the change, or could have; otherwise nobody is named. The evidence is git's own
trace of each worker's commands, and the run's hooks' log of moved refs. A worker can switch both off: then there is no
evidence, and the author of the change is unknown.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import git
from ..quoting import quote
from ..runs.events import events_of
from ..runs.find import KnownRun
from ..sandbox.choice import Kind
from ..system import files
from ..system.text import loads
from .breaches import SOMEBODY, UNKNOWN, WORKER, Changed, Place, Snapshot

_GLOBAL_WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env")
_MOVE_ANY = frozenset(["fast-import", "receive-pack"])
_ASKING = {
    "stash": frozenset(["list", "show", "create"]),
    "worktree": frozenset(["list", "lock", "unlock"]),
    "remote": frozenset(["-v", "--verbose", "show", "get-url"]),
    "submodule": frozenset(["status", "summary"]),
    "bisect": frozenset(["log", "view", "visualize"]),
}
_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_LINE = 256 * 1024
_MOST_COMMANDS = 50_000


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Commands that move their worktree's branch, or its detached HEAD.
_MOVE_HEAD = _set(
    "commit merge rebase reset cherry-pick revert am pull filter-branch checkout switch bisect update-ref "
    "symbolic-ref replay"
)
# Commands that move refs named in their arguments, or in their input.
_MOVE_NAMED = _set(
    "branch tag update-ref fetch pull push checkout switch worktree symbolic-ref receive-pack replace notes "
    "filter-branch rebase"
)
_MOVE_TRACKING = _set("fetch pull push remote update-ref")
_WRITE_FILES = _set(
    "checkout restore reset stash apply am merge rebase rm mv clean pull cherry-pick revert add update-index "
    "read-tree checkout-index sparse-checkout switch bisect commit worktree submodule"
)
_WRITE_CONFIG = {
    "remote": _set("add remove rm rename set-branches set-url"),
    "submodule": _set("add init deinit sync update set-branch set-url"),
    "sparse-checkout": _set("set add init disable"),
    "maintenance": _set("register unregister start stop"),
}
_READ_CONFIG = _set("--get --get-all --get-regexp --get-urlmatch -l --list")
_TRACKING_OPTIONS = _set("-u -d -D -m -M --unset-upstream")
_MAY_FAIL_HALF_WAY = _set("rebase merge pull am cherry-pick revert push fetch stash bisect filter-branch")


class TracedCommand(NamedTuple):
    """One git process of a worker: its arguments without `git` itself, the worktree or git folder it worked in, its
    exit status (None: unknown), and the hooks folder that it used last."""

    worker: str
    sid: str
    arguments: tuple[str, ...]
    worktree: str
    git_dir: str
    status: int | None
    hooks: str

    @property
    def words(self) -> tuple[str, ...]:
        """The command and its arguments, without git's global options."""
        words = list(self.arguments)
        while words and words[0].startswith("-"):
            del words[: 2 if words[0] in _GLOBAL_WITH_VALUE else 1]
        return tuple(words)


class RefMove(NamedTuple):
    """A row of the run's hook's log: a process moved a ref, or was refused to."""

    worker: str
    sid: str
    refused: bool
    old: str
    new: str
    ref: str


class Evidence(NamedTuple):
    """`at_work`: whether any worker was started at all. `hooks` is the folder of the run's own git hooks: the log is
    complete for processes that used them. `git_dir` and `worktrees` are the repository's. `contained`: every worker was
    where it could change nothing but its worktree, its result and, by what okstra took home, its branch."""

    commands: tuple[TracedCommand, ...]
    moves: tuple[RefMove, ...]
    at_work: bool
    hooks: str
    git_dir: str
    worktrees: frozenset[str]
    contained: bool = False


def author_of(changed: Changed, evidence: Evidence, before: Snapshot, after: Snapshot) -> str:
    """`worker <id>`, `person or other program`, or `unknown`."""
    if evidence.contained and changed.place is not Place.OKSTRAS:
        return SOMEBODY
    if changed.kind in ("ref", "remote-ref"):
        for move in evidence.moves:
            if move.ref == changed.what and not move.refused:
                return f"{WORKER}{move.worker}"
    for traced in evidence.commands:
        if _is_here(traced, evidence) and _could(traced, changed, evidence, before, after):
            return f"{WORKER}{traced.worker}"
    return UNKNOWN if evidence.at_work else SOMEBODY


def pushes(evidence: Evidence) -> tuple[TracedCommand, ...]:
    """Completed pushes out of the repository, one per command."""
    refused = {move.sid for move in evidence.moves if move.refused and move.ref.startswith("refs/remotes/")}
    found: dict[str, TracedCommand] = {}
    for one in evidence.commands:
        words = one.words
        if not words or words[0] not in ("push", "send-pack") or {"-n", "--dry-run"} & set(words):
            continue
        if _is_here(one, evidence) and (one.status == 0 or one.sid in refused):
            found.setdefault(one.sid.split("/")[0], one)
    return tuple(found.values())


def _is_here(traced: TracedCommand, evidence: Evidence) -> bool:
    if traced.worktree and traced.worktree in evidence.worktrees:
        return True
    places = [traced.git_dir]
    if traced.words[:1] == ("receive-pack",):
        places += traced.words[1:]
    return any(
        place == evidence.git_dir or place.startswith(f"{evidence.git_dir}/") or place in evidence.worktrees
        for place in places
        if place
    )


def _could(traced: TracedCommand, changed: Changed, evidence: Evidence, before: Snapshot, after: Snapshot) -> bool:
    words = traced.words
    if not words or (words[1:2] and words[1] in _ASKING.get(words[0], ())):
        return False
    if traced.status not in (0, None) and words[0] not in _MAY_FAIL_HALF_WAY:
        return False
    if changed.kind in ("ref", "remote-ref"):
        logged = bool(evidence.hooks) and traced.hooks == evidence.hooks
        return not logged and _could_move(traced, words, changed.what, (before, after))
    if changed.kind == "head":
        return words[0] in _MOVE_HEAD and traced.worktree == changed.folder
    if changed.kind == "worktree":
        return words[0] == "worktree" and any(_same_end(word, changed.what) for word in words[2:])
    if changed.kind in ("main-worktree", "ignored-file", "source-edit", "sibling"):
        return words[0] in _WRITE_FILES and traced.worktree == changed.folder
    return changed.kind == "settings" and _could_set(words, changed.what, evidence)


def _could_move(traced: TracedCommand, words: Sequence[str], ref: str, snapshots: tuple[Snapshot, ...]) -> bool:
    command = words[0]
    if ref.startswith("refs/remotes/"):
        return command in _MOVE_TRACKING
    if ref == "refs/stash":
        return command == "stash" or (command == "update-ref" and _names(words, ref))
    if ref.startswith("refs/tags/") and command in ("fetch", "pull"):
        return True
    if command in _MOVE_HEAD and any(one.heads.get(traced.worktree) == f"ref: {ref}" for one in snapshots):
        return command != "update-ref" or "HEAD" in words
    return command in _MOVE_ANY or (command in _MOVE_NAMED and _names(words, ref))


def _names(words: Sequence[str], ref: str) -> bool:
    """Whether an argument names the ref, in full or short, alone or in a refspec, or names are read from input."""
    short = ref.split("/", 2)[-1]
    for word in words[1:]:
        if word == "--stdin" or {ref, short} & set(word.lstrip("+").split(":")):
            return True
        if word.partition("=")[2] in (ref, short):
            return True
    return False


def _same_end(word: str, folder: str) -> bool:
    """Whether an argument, relative or absolute, has the same last path component as the folder."""
    return bool(word) and word.rstrip("/").rpartition("/")[2] == folder.rstrip("/").rpartition("/")[2]


def _could_set(words: Sequence[str], path: str, evidence: Evidence) -> bool:
    command, options = words[0], {word for word in words[1:] if word.startswith("-")}
    if command == "config":
        given = [word for word in words[1:] if not word.startswith("-")]
        if options & _READ_CONFIG or given[:1] in (["get"], ["list"]) or (len(given) < 2 and not options):
            return False
        if options & {"-f", "--file"} or any(word.startswith("--file=") for word in options):
            return True
        return _is_the_persons(path) if "--global" in options else path.startswith(f"{evidence.git_dir}/config")
    if path.startswith(f"{evidence.git_dir}/info/"):
        return command == "sparse-checkout"
    if not path.startswith(f"{evidence.git_dir}/config"):
        return False
    if command in ("branch", "push"):
        return any(word in _TRACKING_OPTIONS or word.startswith("--set-upstream") for word in options)
    return words[1:2] != () and words[1] in _WRITE_CONFIG.get(command, ())


def _is_the_persons(path: str) -> bool:
    return path.endswith(("/.gitconfig", "/git/config"))


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
        for traced in pushes(self.evidence) if changed.kind == "push" else ():
            if changed.what == _command(traced):
                return f"{WORKER}{traced.worker}"
        return author_of(changed, self.evidence, self.before, self.after)

    def pushed(self, main: str) -> Sequence[Changed]:
        """Completed pushes: what they changed is elsewhere, and no snapshot shows it."""
        look = f"git -C {quote(main)} remote --verbose"
        detail = "it ended well: look at what is there, and who may have fetched it"
        named = dict.fromkeys(_command(traced) for traced in pushes(self.evidence))
        return [Changed("push", command, detail, Place.OKSTRAS, look) for command in named]


def _command(traced: TracedCommand) -> str:
    return " ".join(quote(word) for word in ("git", *traced.arguments))


def authorship(evidence: Evidence, before: Snapshot, after: Snapshot) -> Authorship:
    return Authorship(evidence, before, after)


def trace(run: KnownRun, worker: str) -> Mapping[str, str]:
    """The variables that make a worker's git commands be logged. Raises WorkFailed (`write-failed`)."""
    folder = run.files.git_trace(worker)
    files.make_folder(folder)
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
    sandboxes = [str(row.get("sandbox")) for row in events_of(run.files) if row.get("event") == "dispatched"]
    linked = os.path.isfile(os.path.join(run.folder, ".git"))  # in a main checkout git's own folder can be written
    contained = linked and set(sandboxes) == {Kind.BWRAP}
    return Evidence(
        tuple(commands),
        tuple(moves),
        bool(sandboxes),
        run.files.guard_hooks,
        os.path.realpath(repository.common_dir),
        frozenset(after.heads),
        contained,
    )
