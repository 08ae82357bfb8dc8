"""`review --post`: the open findings as one review of the pull request, each below the line that it is about.

It approves and blocks nothing. What agents wrote stands in code spans: no word of theirs closes an issue or calls
somebody.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from .. import github
from ..errors import Refused, WorkFailed
from ..git import changes
from ..handoff import findings_text
from ..output import confirm
from ..report.safe_markdown import code
from ..review.brief import Change
from ..review.shown_lines import Spot, shown_lines, spot_of
from ..services import Call
from ..system import files
from ..system.text import printable

_REFUSED_LINE = "422"
Finding = Mapping[str, Any]


def post(number: int, report: Mapping[str, Any], change: Change, root: str, call: Call, *, asks: bool) -> None:
    """Raises Refused (`not-confirmed`), WorkFailed (`gh-failed`), Missing (`gh-missing`)."""
    found = [one for one in report["findings"] if one["status"] == "open"]
    shown = shown_lines(changes.diff_for_hosts(root, change.base, change.head))
    spots = [(one, spot_of(one["evidence"], shown)) for one in found]
    placed = [(one, spot) for one, spot in spots if spot is not None]
    rest = [one for one, spot in spots if spot is None]
    if asks:
        sys.stderr.write(printable(_preview(report, placed, rest)) + "\n")
        if not confirm(f"post this as a review of pull request {number}?", default=False):
            raise Refused("not-confirmed", "it was not posted", where=str(report["run_id"]))
    try:
        _send(number, change.head, _body(report, rest), [_comment(*one) for one in placed], root, call)
    except WorkFailed as error:
        if _REFUSED_LINE not in error.message or not placed:
            raise
        _send(number, change.head, _body(report, found), [], root, call)  # the host's diff is another one


def _send(number: int, head: str, body: str, comments: Sequence[Mapping[str, object]], root: str, call: Call) -> None:
    document = {"commit_id": head, "event": "COMMENT", "body": body, "comments": list(comments)}
    with tempfile.TemporaryDirectory(prefix="okstra-review-") as folder:
        path = os.path.join(folder, "review.json")
        files.replace_json(path, document)
        where = f"repos/{{owner}}/{{repo}}/pulls/{number}/reviews"
        github.call(["api", "--method", "POST", where, "--input", path], root, call.services.environment)


def _body(report: Mapping[str, Any], rest: Sequence[Finding]) -> str:
    listed = f"{findings_text(rest)}\n\n" if rest else ""
    return f"**okstra**: {report['verdict']['token']}\n\n{listed}`{report['run_id']}`\n"


def _comment(finding: Finding, spot: Spot) -> dict[str, object]:
    several = {"start_line": spot.first, "start_side": "RIGHT"} if spot.first < spot.last else {}
    title = f"**okstra**: {finding['severity']}, {finding['class']}: {code(finding['title'])}"
    return {
        "path": spot.path,
        "line": spot.last,
        "side": "RIGHT",
        **several,
        "body": f"{title}\n\n{code(finding['claim'])}\n",
    }


def _preview(report: Mapping[str, Any], placed: Sequence[tuple[Finding, Spot]], rest: Sequence[Finding]) -> str:
    lines = [f"{spot.path}:{spot.last}  {one['severity']}: {one['title']}" for one, spot in placed]
    return "\n".join([_body(report, rest), *lines])
