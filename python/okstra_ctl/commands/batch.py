"""Prepares or runs several tasks, or all ready stages of a task's plan, side by side.

FILE has one run per line: the arguments of `okstra run`. Empty lines and everything after a # are ignored. The flags in
`--with` go to every run: `okstra work --runs runs.txt --jobs 3 --with="--provider rehearsal"`.

Exit 0: all went well; 1: a run failed or was refused; 2: nothing was started.
"""

from __future__ import annotations

import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from ..command_table import find
from ..errors import Interrupted, OkstraError, UsageError, WorkFailed
from ..lead.waves import Entry, entries_of
from ..names import TaskKey
from ..options import add_trust_flag, words_in
from ..output import Reply, table
from ..quoting import okstra_command
from ..services import Call
from ..system import files


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default="", help="the runs, one per line; - is stdin")
    parser.add_argument("--task-key", metavar="KEY", action="append", default=[], help="a task; may be repeated")
    parser.add_argument("--ready-stages", metavar="KEY", default="", help="every stage of its plan that is ready")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="runs at once (default 2)")
    add_trust_flag(parser)
    parser.add_argument("--on", metavar="FLEET", default="", help="stages only: on the machines of this fleet.toml")
    parser.add_argument("--dry-run", action="store_true", help="print the commands; start nothing")
    parser.add_argument(
        "--with", metavar="FLAGS", dest="common", default="", help="flags that every run gets in addition"
    )


def execute(args: Namespace, call: Call) -> Reply:
    from ..lead.waves import run_batch
    from ..settings.project import find_root
    from ..system.signals import stopped_by_signals
    from .leading import progress_of

    if args.jobs < 1:
        raise UsageError("usage", f"invalid --jobs {args.jobs}: expected 1 or more")
    root = find_root(call.start, call.services) or call.start  # a worktree may be gone before the last run begins
    common = [*words_in("--with", args.common), *(["--trust"] if args.trust else []), "--project-root", root]
    entries = _checked(_entries(args, call), common)
    if args.dry_run:
        would = [{"line": entry.line, "words": list(entry.words)} for entry in entries]
        return Reply({"runs": would}, "\n".join(okstra_command("run", *entry.words) for entry in entries))
    if args.on:
        from .fleet import place_entries

        return place_entries(args.on, entries, call)
    stop = threading.Event()
    named = tuple(f":{entry.task}" for entry in entries)
    with stopped_by_signals(stop), progress_of(lambda row: f":{row.task}".endswith(named), call) as show:
        ran = run_batch(entries, args.jobs, stop, show)
    rows = [{"line": one.entry.line, "name": one.entry.name, **one.child._asdict(), "ok": one.child.ok} for one in ran]
    data: dict[str, object] = {"runs": rows}
    failed = [one for one in ran if not one.child.ok]
    if stop.is_set():
        raise Interrupted(
            "interrupted", "stopped; runs that were started can be resumed", hint="okstra status", data=data
        )
    if failed:
        reasons = "; ".join(f"{one.child.run_id or one.entry.name}: {one.child.said}" for one in failed)
        raise WorkFailed("batch-failed", f"{len(failed)} of {len(ran)}: {reasons}", hint="okstra status", data=data)
    shown = [(one.child.run_id or one.entry.name, one.child.said) for one in ran]
    return Reply(data, table(shown, ("run", "ended as")))


def _entries(args: Namespace, call: Call) -> list[Entry]:
    """Raises UsageError (`usage`, `not-found`), Refused (`no-stage-ready`)."""
    from ..lead.waves import ready_stages
    from ..settings.project import open_project

    entries = [Entry(0, ("--task-key", key)) for key in args.task_key]
    if args.ready_stages:
        entries += ready_stages(
            open_project(call.start, call.services), TaskKey.parse(args.ready_stages), call.services
        )
    if args.file:
        found, faults = entries_of(_text(args.file))
        if faults:
            raise UsageError("usage", _fault_text(faults), where=args.file, hint="one run a line, as for `okstra run`")
        entries += found
    if not entries:
        hint = "okstra work --runs FILE; or --task-key KEY …, or --ready-stages KEY"
        raise UsageError("input-missing", "there is no run to start", hint=hint)
    return entries


def _text(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    data = files.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where=path)
    return data.decode("utf-8", "replace")


def _checked(entries: Sequence[Entry], common: Sequence[str]) -> list[Entry]:
    """The entries with the common flags. Lines that `okstra run` would reject are reported before any run starts."""
    from ..options import build_parser

    command = find("run")
    assert command is not None
    parser, _ = build_parser(command)
    whole = [entry._replace(words=(*entry.words, *common)) for entry in entries]
    faults: list[tuple[int, str]] = []
    for entry in whole:
        try:
            parsed = parser.parse_args(entry.words)
        except OkstraError as error:
            faults.append((entry.line, error.message))
            continue
        if parsed.ask or parsed.all_ready:
            faults.append((entry.line, "--ask and --all-ready are for one run"))
        elif not parsed.task_type:
            faults.append((entry.line, f"{entry.name}: --task-type is missing"))
    if faults:
        raise UsageError("usage", _fault_text(faults), hint="okstra run --help lists the flags; nothing was started")
    return whole


def _fault_text(faults: Sequence[tuple[int, str]]) -> str:
    return "; ".join(f"line {line}: {message}" if line else message for line, message in faults)
