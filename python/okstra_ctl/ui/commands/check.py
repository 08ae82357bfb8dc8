"""Checks what a worker wrote: its result, its verdicts, or the report's data."""

from __future__ import annotations

import argparse

from ...words.errors import CheckFailed
from ..cli import add_common_flags
from ..command_table import Call
from ..reply import Reply


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    result = actions.add_parser("result", help="check a file at the result path of a worker's prompt")
    result.add_argument("file", metavar="FILE", help="the result")
    add_common_flags(result)


def execute(args: argparse.Namespace, call: Call) -> Reply:
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
