"""A pane beside the person's own, where their session runs in tmux."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ..errors import Missing
from ..system import processes as proc


@contextmanager
def pane_on(log: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Shows a log as it grows, and goes when the work is done. Without tmux, or when tmux has no room, nothing."""
    pane = _open(log) if environment.get("TMUX") else ""
    try:
        yield
    finally:
        if pane:
            proc.run(["tmux", "kill-pane", "-t", pane])


def _open(log: str) -> str:
    """The pane's id; empty when there is none. -F: the log need not be there yet."""
    show = ["tail", "-n", "+1", "-F", log]
    try:
        opened = proc.run(["tmux", "split-window", "-d", "-P", "-F", "#{pane_id}", "-l", "12", *show])
    except Missing:
        return ""
    return opened.stdout.decode("utf-8", "replace").strip() if opened.ok else ""
