"""The page of a task for people, `task-index.md`, from its records alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .fix_cycle_rules import Cycle

Manifest = Mapping[str, Any]


def task_page(manifest: Manifest, cycles: Sequence[Cycle], *, worktree: str) -> str:
    """`worktree` is where the task's last run works; empty when nobody knows."""
    lines = [f"# {manifest['task_key']}", ""]
    if manifest.get("title"):
        lines += [_line(manifest["title"]), ""]
    lines += [f"- category: {manifest['work_category'] or 'not set'}", f"- brief: {manifest['brief'] or 'none'}"]
    lines += [*_links(manifest), f"- last run: {_last_run(manifest)}"]
    if worktree:
        lines.append(f"- worktree of that run: `{worktree}`")
    if manifest.get("finished_by"):
        lines.append(f"- finished by `{manifest['finished_by']}`")
    lines.append(f"- next: `{_line(manifest['next_step'])}`")
    lines += ["", "| phase | runs | last run | when |", "|---|---|---|---|"]
    for name, row in manifest["phases"].items():
        lines.append(f"| {name} | {row['runs']} | `{row['last_run']}` | {row['last_at']} |")
    return "\n".join([*lines, *_cycles(cycles), ""])


def _links(manifest: Manifest) -> Iterator[str]:
    parent = manifest.get("parent")
    if isinstance(parent, Mapping):
        yield f"- comes from: {parent.get('item')} of `{parent.get('run_id')}`"
    related = manifest.get("related")
    if isinstance(related, list) and related:
        yield "- related: " + ", ".join(f"`{_line(key)}`" for key in related)


def _last_run(manifest: Manifest) -> str:
    last = manifest["last_run"]
    row = next((row for row in manifest["phases"].values() if row["last_run"] == last), None)
    return f"`{last}` ({row.get('last_event', '')}, {row['last_at']})" if row else "none"


def _cycles(cycles: Sequence[Cycle]) -> Iterator[str]:
    if not cycles:
        return
    yield from ("", "## Fix cycles", "", "| cycle | opened | runs | closed |", "|---|---|---|---|")
    for cycle in cycles:
        runs = ", ".join(f"`{run}`" for run in cycle.runs)
        closed = f"{cycle.closed_at} by `{cycle.closed_by}`" if cycle.closed_by else "open"
        yield f"| {cycle.id} | {cycle.opened_at} | {runs} | {closed} |"


def _line(text: object) -> str:
    return " ".join(str(text).split())
