"""What an agent's tool call may do, by the run's rules. A first fence, close to the agent: it refuses early what git's
hooks or the client's own limits would refuse, or the isolation receipt would report, later."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..plan.globs import matches

SCHEMA = "guard/1"


class Rules(NamedTuple):
    """One role's rights: `edits`: it may change the worktree; `planned`: globs of the files it may edit (empty: any);
    `writable`: further paths that it may write; `leads`: it may call all of okstra's commands."""

    worktree: str
    edits: bool
    planned: tuple[str, ...]
    writable: tuple[str, ...]
    push: bool
    leads: bool = False


class Decision(NamedTuple):
    allowed: bool
    reason: str = ""


_YES = Decision(True)


def rules_of(document: Mapping[str, Any], role: str, own: tuple[str, ...] = ()) -> Rules:
    """The rights of a role; an unknown role may change nothing. `own` are the paths given to this worker.

    Raises ValueError for a document of another shape."""
    try:
        roles = document["roles"]
        rights = roles.get(role, {"edits": False, "planned": [], "push": False})
        writable = tuple(str(path) for path in (*document["writable"], *rights.get("writable", ())))
        planned = tuple(str(one) for one in rights["planned"])
        worktree, edits, push = str(document["worktree"]), rights["edits"] is True, rights["push"] is True
        return Rules(worktree, edits, planned, (*writable, *own), push, role == "lead")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"they lack {error}") from None


def decide_file(rules: Rules, path: str, folder: str) -> Decision:
    absolute = posixpath.normpath(posixpath.join(folder, path))
    if any(absolute == one or absolute.startswith(f"{one.rstrip('/')}/") for one in rules.writable):
        return _YES
    root = rules.worktree.rstrip("/")
    inside = absolute.startswith(f"{root}/")
    if not rules.edits:
        return Decision(False, "this phase edits no source: write your result at its result path")
    if not inside:
        return Decision(False, f"{path} is outside the run's worktree {root}")
    name = absolute[len(root) + 1 :]
    if name.split("/")[0] in (".git", ".okstra"):
        return Decision(False, f"{name} is git's or okstra's own")
    if rules.planned and not any(matches(pattern, name) for pattern in rules.planned):
        return Decision(False, f"{name} is not a planned file of this stage ({', '.join(rules.planned)})")
    return _YES


def decide_commit(rules: Rules, staged: tuple[str, ...]) -> Decision:
    """Whether these staged files may be committed in the run's repository."""
    if not rules.edits:
        return Decision(False, "this phase commits nothing")
    strays = [name for name in staged if rules.planned and not any(matches(pattern, name) for pattern in rules.planned)]
    if strays:
        return Decision(False, f"the plan does not name {', '.join(strays[:5])} for this stage")
    return _YES
