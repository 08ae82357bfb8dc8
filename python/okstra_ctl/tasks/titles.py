"""What a task is called, and so its report: made of the request, kept in the task's manifest and in the report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MOST_TITLE = 80


def title_in(request: str) -> str:
    """What a request is about, in a line: its first heading, else its first line."""
    lines = [line.strip() for line in re.sub(r"\A---\n.*?\n---\n", "", request, flags=re.DOTALL).split("\n")]
    heading = next((line.lstrip("#") for line in lines if line.startswith("# ")), "")
    return " ".join((heading or next(filter(None, lines), "")).split())[:_MOST_TITLE]


def report_title(report: Mapping[str, Any]) -> str:
    """The key stands in for a title that nobody gave."""
    return str(report.get("title") or report["task_key"])
