"""A pull request's text, and the host and path in a remote's URL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_SSH = re.compile(r"(?:ssh://)?(?:[^@/]+@)?([^:/]+)(?::[0-9]+/|[:/])(.+)")
_HTTP = re.compile(r"https?://(?:[^@/]+@)?([^/]+)/(.+)")
_KEPT = ("findings", "gates", "receipt")


class Place(NamedTuple):
    """The host and path of a remote that people can open in a browser."""

    host: str
    path: str


def place_of(url: str) -> Place | None:
    """None for a remote on disk, or in a form that only git understands."""
    if url.startswith(("/", ".", "file:")):
        return None
    found = _HTTP.fullmatch(url) if "://" in url and not url.startswith("ssh:") else _SSH.fullmatch(url)
    if found is None:
        return None
    return Place(found[1], found[2].strip("/").removesuffix(".git"))


def pull_request_body(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders filled in. okstra's records are in every body: parts that a project's own
    template has no placeholder for come last."""
    missing = [name for name in _KEPT if f"{{{{{name.upper()}}}}}" not in template]
    filled = re.sub(r"\{\{([A-Z_]+)\}\}", lambda found: values.get(found[1].lower(), found[0]), template)
    rest = "".join(f"\n### {name.capitalize()}\n\n{values[name]}\n" for name in missing)
    return f"{filled.rstrip()}\n{rest}"


def findings_text(findings: Sequence[Mapping[str, Any]]) -> str:
    """Titles are formatted as code: no text of an agent may close an issue or mention a person at the host."""
    lines = [f"- {one['severity']}, {one['class']}, {one['status']}: {_code(one['title'])}" for one in findings]
    return "\n".join(lines) or "(none)"


def gates_text(gates: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        f"- {name}: {gate['gate']}" + (f" ({_code(gate['note'])})" if gate["note"] else "")
        for name, gate in gates.items()
    ]
    return "\n".join(lines) or "(none)"


def receipt_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """`rows`: id, outcome, commit and breaches of each run that the change came from."""
    return "\n".join(_receipt_lines(rows)) or "(none)"


def _receipt_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        breaches = ", ".join(str(one) for one in row["breaches"]) or "no breach"
        at = f" at {str(row['commit'])[:12]}" if row["commit"] else ""
        yield f"- {_code(row['run'])}: {row['outcome']}{at}; {breaches}"


def _code(text: object) -> str:
    return f"`{' '.join(str(text).split()).replace('`', chr(39))}`"
