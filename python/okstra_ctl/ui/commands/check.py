"""Checks what a worker wrote, and whether what it cites stands in the repository."""

from __future__ import annotations

import argparse

from ...words.error_codes import EXIT_CHECK, EXIT_OK
from ...words.errors import CheckFailed
from ..cli import add_common_flags
from ..command_table import Call
from ..reply import Reply, table

STATUSES = ("verified", "moved", "not-found", "unchecked")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    result = actions.add_parser("result", help="check a file at the result path of a worker's prompt")
    result.add_argument("file", metavar="FILE", help="the result")
    evidence = actions.add_parser("evidence", help="compare what a run's findings cite with the run's commit")
    evidence.add_argument("run", metavar="RUN", help="the run's id")
    for action in (result, evidence):
        add_common_flags(action)


def execute(args: argparse.Namespace, call: Call) -> Reply:
    return _result(args) if args.action == "result" else _evidence(args, call)


def _evidence(args: argparse.Namespace, call: Call) -> Reply:
    """Answers 4 when something that is cited is not there: a finding that rests on it can't be consensus."""
    from ...core.results.evidence_lines import as_row
    from ...flows.run_evidence import check_run_evidence
    from ...flows.runs import find_run

    found = check_run_evidence(find_run(args.run, call.start, call.doors), call.doors)
    rows = [as_row(worker, finding, one) for worker, finding, one in found.rows]
    counts = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    cells = [(row["status"], f"{row['worker']} {row['finding']}", row["evidence"], row["told"]) for row in rows]
    lines = [table(cells, ("STATUS", "FINDING", "EVIDENCE", "NOTE"))] if cells else []
    text = "\n".join([*lines, ", ".join(f"{count} {status}" for status, count in counts.items())])
    data = {"run_id": args.run, "commit": found.commit, "evidence": rows, "counts": counts}
    status = EXIT_CHECK if counts["not-found"] else EXIT_OK
    errors = []
    if status:
        message = f"{counts['not-found']} citation(s) are not in the repository at {found.commit[:12]}"
        errors = [{"code": "evidence-not-found", "message": message, "where": args.run, "try": "see the rows"}]
    return Reply(data, text, exit_status=status, errors=errors)


def _result(args: argparse.Namespace) -> Reply:
    from ...flows.result_check import check_result_file

    problems = check_result_file(args.file)
    findings = [{"rule": one.rule, "line": one.line, "severity": "error", "message": one.message} for one in problems]
    if problems:
        shown = "; ".join(f"line {one.line}: {one.message} ({one.rule})" for one in problems)
        raise CheckFailed(
            "result-invalid",
            f"{len(problems)} thing(s) to mend: {shown}",
            where=args.file,
            hint="mend them, then check again",
            data={"findings": findings},
        )
    return Reply({"findings": []}, f"{args.file}: in order")
