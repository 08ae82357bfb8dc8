"""Which arguments of commands name a task, a run or a plan, and whether a short name was given for it.

`tasks/named.py` finds what a short name stands for.
"""

from __future__ import annotations

import os
from argparse import Namespace

from .names import RunId

TASK, PLACE, RUN, RUN_OR_TASK, PLAN = "task", "place", "run", "run or task", "plan"
NAMING = {
    "task_key": TASK,
    "task": TASK,
    "ready_stages": TASK,
    "place": PLACE,
    "run": RUN,
    "what": RUN_OR_TASK,
    "plan": PLAN,
    "approved_plan": PLAN,
}
"""What arguments of commands name, by argument: each takes a short name as well (docs/how-to/short-names.md)."""
_MAY_BE_NEW = ("plan adopt", "brief new")  # commands whose task need not exist, and so has no short name


def is_short(kind: str, value: str) -> bool:
    """Whether the value is a short name: not empty, and neither a key nor an id, nor the path of a plan."""
    if kind == PLAN:
        is_path = os.sep in value or value.endswith(".md") or os.path.isfile(value)
        return bool(value) and not is_path
    if kind == RUN or (kind == RUN_OR_TASK and "/" in value):
        return bool(value) and not RunId.is_one(value)
    return bool(value) and value.count(":") < 2


def short_names(label: str, args: Namespace) -> list[str]:
    """The arguments of a command (with its action) in which a short name was given."""
    if label in _MAY_BE_NEW:
        return []
    return [
        argument
        for argument, kind in NAMING.items()
        for value in [getattr(args, argument, None)]
        if any(isinstance(one, str) and is_short(kind, one) for one in (value if isinstance(value, list) else [value]))
    ]
