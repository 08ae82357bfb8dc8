"""Whether a result belongs to this task and this worker (rule R1)."""

from __future__ import annotations

from collections.abc import Mapping

from .records import Problem


def check_identity(fields: Mapping[str, str], *, task_key: str, worker: str) -> list[Problem]:
    """Problems of a result that belongs to another task or worker, left over or copied."""
    wanted = {"task-key": task_key, "worker": worker}
    return [
        Problem("R1", 1, f"the frontmatter's {name} is {fields[name]!r}, and should be {value!r}")
        for name, value in wanted.items()
        if fields.get(name) and fields[name] != value
    ]
