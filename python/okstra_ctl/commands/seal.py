"""Seals: digests of what each run left, in a chain of rows in okstra's home. Show them, compare, sign them."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from ..errors import EXIT_CHECK, UsageError
from ..names import RunId, slugify_task_segment
from ..options import add_common_flags
from ..output import Reply, fields, table
from ..quoting import quote
from ..seals import signature
from ..seals import store as seals
from ..seals.rows import SEALED, Seal
from ..services import Call
from ..settings.project import open_project


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="the project's seals; with RUN, the files of that run's seal")
    verify = actions.add_parser("verify", help="compare the project's runs, or one run, with their seals")
    sign = actions.add_parser("sign", help="sign the last row, and so all before it, with an SSH key")
    for action in (show, verify):
        action.add_argument("run", metavar="RUN", nargs="?", default="", help="the run's id")
    verify.add_argument("--signed", metavar="FILE", default="", help="what `seal sign` wrote: compare it as well")
    verify.add_argument(
        "--signers", metavar="FILE", default="", help="who may have signed it: an allowed_signers file (ssh-keygen(1))"
    )
    sign.add_argument("--key", metavar="FILE", required=True, help="a private SSH key, or the public one of an agent's")
    sign.add_argument("--output", metavar="FILE", default="", help="where to write it (default: beside the seals)")
    for action in (show, verify, sign):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    return {"show": _show, "verify": _verify, "sign": _sign}[args.action](args, call)


def _show(args: Namespace, call: Call) -> Reply:
    if args.run:
        run = RunId.parse(args.run)
        seal = _required(seals.newest_seal(call.services.home, run), args.run)
        rows = [(one.sha256[:16], str(one.size), one.path + (" …" if one.grows else "")) for one in seal.records]
        head = [("run", seal.run_id), (seal.event, seal.at), ("outcome", seal.outcome), ("previous", seal.previous)]
        text = "\n".join([fields(head), *([table(rows, ("SHA-256", "BYTES", "FILE"))] if rows else [])])
        return Reply({"run_id": seal.run_id, "seals": [_as_json(seal)]}, text)
    found, _ = seals.seals_of(call.services.home, _project(call))
    lines = [(one.at, one.event, one.outcome or "-", str(len(one.records)), one.run_id) for one in found]
    data = {"seals": [_as_json(one) for one in found]}
    if not found:
        return Reply(data, "no run of this project is sealed yet")
    return Reply(data, table(lines, ("AT", "EVENT", "OUTCOME", "FILES", "RUN")))


def _required(seal: Seal | None, run: str) -> Seal:
    if seal is None:
        raise UsageError("not-found", f"{run} has no seal", hint="a run is sealed when it ends")
    return seal


def _as_json(seal: Seal) -> dict[str, object]:
    return {**seal._asdict(), "records": [record._asdict() for record in seal.records]}


def _project(call: Call) -> str:
    return slugify_task_segment(open_project(call.start, call.services).config.project_id)


def _verify(args: Namespace, call: Call) -> Reply:
    """Exit status 4 when a file, a row or a signature is not what it should be."""
    if args.signers and not args.signed:
        raise UsageError(
            "usage", "--signers without --signed", hint="--signed FILE names what `okstra seal sign` wrote"
        )
    home, project = call.services.home, open_project(call.start, call.services)
    name = _project(call)
    found, chain = seals.seals_of(home, name)
    newest = seals.newest_by_run(found)
    if args.run:
        run = str(RunId.parse(args.run))
        newest = {run: _required(newest.get(run), run)}
    path = home.seals(name)
    findings = [{"file": path, "line": one.line, "message": one.message} for one in chain]
    for seal in newest.values():
        findings += [
            {"file": one.path, "line": 1, "message": f"{seal.run_id}: {one.message}"}
            for one in seals.differences_of(project.files, seal)
        ]
    if args.signed:
        fault = signature.fault_of(args.signed, args.signers, seals.digests(home, name))
        findings += [{"file": args.signed, "line": 1, "message": fault}] if fault else []
    sealed = sum(seal.event == SEALED for seal in newest.values())
    data = {"rows": len(found), "sealed": sealed, "findings": findings}
    if not findings:
        return Reply(data, f"ok: {sealed} sealed run(s) are as they were, {len(found)} row(s) follow one another")
    text = "\n".join(f"{one['file']}:{one['line']}: {one['message']}" for one in findings)
    message = f"{len(findings)} thing(s) are not as they were sealed"
    error = {"code": "seal-broken", "message": message, "where": path, "try": "see the findings"}
    return Reply(data, f"{text}\n{message}", exit_status=EXIT_CHECK, errors=[error])


def _sign(args: Namespace, call: Call) -> Reply:
    home, name = call.services.home, _project(call)
    rows, head = seals.head_of(home, name)
    if not rows:
        raise UsageError("not-found", "no run of this project is sealed yet", where=home.seals(name))
    output = os.path.abspath(args.output) if args.output else f"{home.seals(name)}.{rows}"
    signed = signature.sign(output, args.key, signature.Head(name, rows, head))
    following = f"okstra seal verify --signed {quote(signed)}"
    data = {"file": signed, "signature": f"{signed}.sig", "rows": rows, "head": head, "next": [following]}
    return Reply(
        data, fields([("signed", signed), ("signature", f"{signed}.sig"), ("rows", rows), ("next", following)])
    )
