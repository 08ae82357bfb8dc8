"""Checks what a worker wrote, whether what it cites stands in the repository, and a run's whole record."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..checks.record_rules import GROUPS
from ..errors import EXIT_CHECK, EXIT_OK, CheckFailed
from ..options import add_common_flags
from ..output import Reply, table
from ..services import Call
from .leading import print_progress

STATUSES = ("verified", "moved", "not-found", "unchecked", "contradicted", "flaky", "not-run")


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    result = actions.add_parser("result", help="check a file at the result path of a worker's prompt")
    result.add_argument("file", metavar="FILE", help="the result")
    evidence = actions.add_parser("evidence", help="compare what a run's findings cite with the run's commit")
    evidence.add_argument("run", metavar="RUN", help="the run's id")
    evidence.add_argument(
        "--execute", action="store_true", help="run each command that is cited, in a checkout of its own"
    )
    run = actions.add_parser("run", help="check everything that a run wrote against its schemas, its rules and itself")
    run.add_argument("run", metavar="RUN", help="the run's id")
    run.add_argument("--only", choices=GROUPS, action="append", help="this group of checks alone; may be repeated")
    for action in (result, evidence, run):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    if args.action == "result":
        return _result(args)
    return _evidence(args, call) if args.action == "evidence" else _run(args, call)


def _run(args: Namespace, call: Call) -> Reply:
    """Exit status 4 when something is wrong with the run's record."""
    from ..checks.run import check_run
    from ..runs.find import find_run

    run = find_run(args.run, call.start, call.services)
    groups = tuple(args.only or GROUPS)
    found = check_run(run, groups, home=call.services.home)
    rows = [{**fault._asdict(), "remedy": fault.remedy(run.id)} for fault in found.faults]
    data = {"run_id": args.run, "checked": found.checked, "groups": list(groups), "findings": rows}
    data.update(notes=[dict(note) for note in found.notes], sealed=found.sealed or None)
    noted = [f"note: changed meanwhile ({one['author']}): {one['kind']} {one['what']}" for one in found.notes]
    if "seal" in groups and not found.sealed:
        noted.append("note: the run is not sealed: it has not ended, was reopened, or is older than seals")
    if not rows:
        return Reply(data, "\n".join([*noted, f"ok: {found.checked} file(s) of {run.id}, nothing is wrong with them"]))
    lines = noted + [
        f"{row['file']}:{row['line']}: {row['id']}: {row['message']}\n  try: {row['remedy']}" for row in rows
    ]
    message = f"{len(rows)} thing(s) are wrong with the record of {run.id}"
    error = {"code": "run-invalid", "message": message, "where": run.files.manifest, "try": "see the findings"}
    return Reply(data, "\n".join([*lines, message]), exit_status=EXIT_CHECK, errors=[error])


def _evidence(args: Namespace, call: Call) -> Reply:
    """Exit status 4 when cited text is not there, or a command ends otherwise: nobody can agree on what rests on it."""
    from ..checks.evidence import check_run_evidence
    from ..results.worker import evidence_row
    from ..runs.find import find_run

    run = find_run(args.run, call.start, call.services)
    if args.execute:
        from ..checks.evidence import execute_run_evidence

        found = execute_run_evidence(run, call.services, print_progress)
    else:
        found = check_run_evidence(run)
    rows = [evidence_row(worker, finding, one) for worker, finding, one in found.rows]
    counts = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    cells = [
        tuple(map(str, (row["status"], f"{row['worker']} {row['finding']}", row["evidence"], row["told"])))
        for row in rows
    ]
    lines = [table(cells, ("STATUS", "FINDING", "EVIDENCE", "NOTE"))] if cells else []
    text = "\n".join(
        [*lines, ", ".join(f"{count} {status}" for status, count in counts.items() if count or status in STATUSES[:4])]
    )
    data = {"run_id": args.run, "commit": found.commit, "evidence": rows, "counts": counts}
    at = found.commit[:12]
    errors = []
    if counts["not-found"]:
        message = f"{counts['not-found']} citation(s) are not in the repository at {at}"
        errors.append({"code": "evidence-not-found", "message": message, "where": args.run, "try": "see the rows"})
    if counts["contradicted"]:
        message = f"{counts['contradicted']} command(s) end otherwise at {at} than is cited"
        errors.append({"code": "evidence-contradicted", "message": message, "where": args.run, "try": "see the rows"})
    return Reply(data, text, exit_status=EXIT_CHECK if errors else EXIT_OK, errors=errors)


def _result(args: Namespace) -> Reply:
    from ..checks.result import check_result_file

    problems = check_result_file(args.file)
    findings = [{"rule": one.rule, "line": one.line, "severity": "error", "message": one.message} for one in problems]
    if problems:
        shown = "; ".join(f"line {one.line}: {one.message} ({one.rule})" for one in problems)
        raise CheckFailed(
            "result-invalid",
            f"{len(problems)} problem(s): {shown}",
            where=args.file,
            hint="fix them, then check again",
            data={"findings": findings},
        )
    return Reply({"findings": []}, f"{args.file}: in order")
