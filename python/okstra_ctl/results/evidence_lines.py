"""One line of evidence: ``path:41-44 `text` `` or ``command `make test` exit 1``."""

from __future__ import annotations

import re

from .evidence import Checked
from .records import Evidence

_QUOTED = r"(?:`` (?P<q2>.+) ``|``(?P<q3>.+?)``|`(?P<q1>[^`]+)`)"
_COMMAND = re.compile(rf"command:? *{_QUOTED} *,? *(?:exit|exited|→|->)(?: code)? *[:=]? *(?P<exit>-?[0-9]{{1,5}})\.?$")
_CITATION = re.compile(
    r"(?P<tick>`?)(?P<path>[^`]*?[^`\s:])(?::(?P<first>[0-9]{1,7})(?: *[-–] *(?P<last>[0-9]{1,7}))?)?(?P=tick)"
    rf"(?: *[:,–—-]? *{_QUOTED})?\.?$"
)


def parse_evidence(text: str) -> Evidence | None:
    """The evidence of a bullet's value; None when it is neither a citation nor a command with an exit code."""
    text = text.strip()
    if found := _COMMAND.match(text):
        return Evidence("", 0, 0, "", _quote(found), int(found["exit"]))
    if text.lower().startswith("command"):
        return None
    found = _CITATION.match(text)
    if found is None or not _looks_like_path(found["path"]):
        return None
    first = int(found["first"] or 0)
    last = int(found["last"] or first)
    if last < first:
        return None
    return Evidence(found["path"], first, last, _quote(found), "", None)


def _quote(found: re.Match[str]) -> str:
    return (found["q1"] or found["q2"] or found["q3"] or "").strip()


def _looks_like_path(text: str) -> bool:
    """A path has a dot or a slash, or is one word (`Makefile`); a sentence is none."""
    return "/" in text or "." in text.rsplit(" ", 1)[-1] or " " not in text


def as_row(worker: str, finding: str, checked: Checked) -> dict[str, str]:
    """A line of evidence with what a program found of it, for a listing."""
    told = f"at line {checked.first}" if str(checked.status) == "moved" else ""
    return {
        "worker": worker,
        "finding": finding,
        "evidence": checked.evidence.as_text(),
        "status": str(checked.status),
        "told": "; ".join(part for part in (told, checked.note) if part),
    }
