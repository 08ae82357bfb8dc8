"""What a tool call of an agent may do, by the run's rules (spec 5, "Guard"). A first fence, close to the agent: it
tells early what git's hooks, the client's own limits and the isolation receipt would tell later."""

from __future__ import annotations

import posixpath
import re

from ..words.hints import Any, Mapping
from ..words.records import Record
from .plan.globs import matches

SCHEMA = "guard/1"
_EDITING_TOOLS = ("Write", "Edit", "MultiEdit", "NotebookEdit", "write_file", "replace", "apply_patch")
_SHELL_TOOLS = ("Bash", "run_shell_command", "exec_command", "shell")
# git's words in any command of a line, behind `cd x &&`, `env A=b`, `git -C dir`, `git -c a=b`.
_GIT = re.compile(
    r"(?:^|[;&|(\n])\s*(?:\w+=\S*\s+|env\s+|command\s+|exec\s+)*"
    r"git((?:\s+-{1,2}\S+(?:\s+[^-;&|\s]\S*)?)*?)\s+([a-z][a-z-]*)"
)
_CHANGING = re.compile(
    "commit|merge|rebase|reset|checkout|switch|restore|cherry-pick|revert|am|apply|stash|tag|branch|worktree|"
    "update-ref|symbolic-ref|rm|mv|clean|pull|gc|prune|filter-branch"
)
_ASKING = {
    "branch": ("-a", "-r", "-v", "-vv", "--list", "--show-current", "--contains", "--all"),
    "tag": ("-l", "--list"),
}


class Rules(Record):
    """One role's rights: `edits` whether it may change the worktree; `planned` globs of files (empty: any);
    `writable` paths outside it that it may write."""

    worktree: str
    edits: bool
    planned: tuple[str, ...]
    writable: tuple[str, ...]
    push: bool


class Decision(Record):
    allowed: bool
    reason: str = ""


_YES = Decision(True)


def rules_of(document: Mapping[str, Any], role: str) -> Rules:
    """The rights of a role. An unknown role may change nothing. Raises ValueError on another shape."""
    try:
        roles = document["roles"]
        own = roles.get(role, {"edits": False, "planned": [], "push": False})
        writable = tuple(str(path) for path in document["writable"])
        planned = tuple(str(one) for one in own["planned"])
        return Rules(str(document["worktree"]), own["edits"] is True, planned, writable, own["push"] is True)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"they lack {error}") from None


def decide_tool(rules: Rules, tool: str, given: Mapping[str, Any], folder: str) -> Decision:
    """`folder` is where the agent stands: relative paths mean from there."""
    if tool in _EDITING_TOOLS:
        path = str(given.get("file_path") or given.get("notebook_path") or given.get("path") or "")
        return decide_file(rules, path, folder) if path else _YES
    if tool in _SHELL_TOOLS:
        return decide_command(rules, str(given.get("command") or given.get("cmd") or ""))
    return _YES


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
        return Decision(False, f"{name} is no planned file of this stage ({', '.join(rules.planned)})")
    return _YES


def decide_command(rules: Rules, command: str) -> Decision:
    for found in _GIT.finditer(command):
        word = found[2]
        if word == "push" and not rules.push:
            return Decision(False, "this phase pushes nothing")
        if _CHANGING.fullmatch(word) and not rules.edits and not _only_asks(word, command[found.end() :]):
            return Decision(False, f"`git {word}` changes the repository, and this phase changes nothing")
        if "core.hooksPath" in found[1] or (word == "config" and "hooksPath" in command[found.end() :]):
            return Decision(False, "the run's git hooks stay on")
    return _YES


def _only_asks(word: str, rest: str) -> bool:
    """`git branch -a`, `git stash list`, `git tag -l`, `git worktree list` change nothing."""
    first = rest.split()[:1]
    if word in _ASKING:
        return not first or first[0] in _ASKING[word]
    return word in ("stash", "worktree") and first in (["list"], ["show"])


def decide_commit(rules: Rules, staged: tuple[str, ...]) -> Decision:
    """Of what is about to be committed in the run's repository."""
    if not rules.edits:
        return Decision(False, "this phase commits nothing")
    strays = [name for name in staged if rules.planned and not any(matches(pattern, name) for pattern in rules.planned)]
    if strays:
        return Decision(False, f"the plan does not name {', '.join(strays[:5])} for this stage")
    return _YES
