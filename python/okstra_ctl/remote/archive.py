"""Tasks that are over, below one ref instead of one each: a remote with thousands of refs answers every push slower.

A commit of the archive has the last commits of those tasks among its parents, so that the remote keeps them and what
they keep, and one file: which task's ref was where. A task whose ref is gone and that stands there is not lost: whoever
changes it begins its ref anew on top of that commit, so that no epoch and no run number is given twice.

Archived first, then deleted: killed in between, the ref stands, and counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import Refused
from ..system.text import DocumentError, encode, loads
from .side_repository import SideRepository

SCHEMA = "archived-tasks/1"
FILE = "task.json"  # the one name that a tree of this side repository always has
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


def archive_ref(namespace: str) -> str:
    """Beside the namespace, never below it: no task's ref can be of that name."""
    return f"{namespace.rpartition('/')[0]}/archive" if namespace.startswith("refs/okstra/") else f"{namespace}-archive"


def archived_tips(side: SideRepository, archive: str) -> dict[str, str]:
    """Each archived task's ref, and where it was. Raises Missing (`remote-unreachable`), Unreadable
    (`remote-unreadable`)."""
    return _tips_at(side, archive, side.read(archive).tip)


def archived_tip(side: SideRepository, archive: str, ref: str) -> str:
    """Where that task's ref was when it was archived; empty for none."""
    tip = archived_tips(side, archive).get(ref, "")
    return tip if tip and side.has(tip) else ""


def _tips_at(side: SideRepository, archive: str, tip: str) -> dict[str, str]:
    if not tip:
        return {}
    try:
        document = loads(side.tree(tip).data.get(FILE, b"").decode("utf-8"))
        tasks = document.get("tasks") if isinstance(document, dict) and document.get("schema") == SCHEMA else None
        commits = tasks.values() if isinstance(tasks, dict) else [None]
        if tasks is None or not all(isinstance(one, str) and _COMMIT.match(one) for one in commits):
            raise DocumentError("it is no list of archived tasks")
    except (DocumentError, ValueError, RecursionError) as error:
        raise side.unreadable(archive, error) from error
    return {str(ref): str(one) for ref, one in tasks.items()}


def archive_tasks(side: SideRepository, archive: str, tips: Mapping[str, str]) -> list[str]:
    """Archives these refs as they were read, then deletes those that have not moved since; returns the deleted ones.

    Raises Refused (`remote-refused`), and as `archived_tips`. Only for a person who asked for it.
    """
    old = side.read(archive).tip
    known = _tips_at(side, archive, old)
    data = encode({"schema": SCHEMA, "tasks": dict(sorted({**known, **tips}.items()))}, indent=1) + b"\n"
    parents = ([old] if old else []) + sorted(set(tips.values()))
    if not old:  # the first parent is always the archive before
        parents.insert(0, side.write({}, None, (), "okstra: begin the archive\n"))
    commit = side.write({FILE: data}, None, parents, f"okstra: archive {len(tips)} task(s)\n")
    answer = side.push(archive, commit, old, with_commits=True)
    if not answer.ok and side.read(archive).tip != commit:
        words = side.words_of(answer)
        message = f"the remote did not take the archive: {words}"
        raise Refused("remote-refused", message, where=archive, hint="try again: okstra gc --remote")
    side.keep_seen(archive, commit, old)
    return [ref for ref, tip in tips.items() if side.push(ref, "", tip).ok]
