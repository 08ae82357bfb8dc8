"""Writes `done` rows that are missing after a crash, from the evidence on disk."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..output import Reply
from ..services import Call
from ..settings.project import open_project


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="write nothing; show what would be added")


def execute(args: Namespace, call: Call) -> Reply:
    from ..recovery.backfill import backfill

    seen = backfill(open_project(call.start, call.services), call.services, dry_run=args.dry_run)
    verb = "would add" if args.dry_run else "added"
    lines = [f"{verb if one.added else 'left'}  {one.run_id}: {one.reason}" for one in seen]
    lines.append(f"{len(seen)} run(s) with an exit-check record and no end in the ledger")
    return Reply({"runs": [one._asdict() for one in seen], "dry_run": args.dry_run}, "\n".join(lines))
