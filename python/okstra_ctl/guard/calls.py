"""What an agent may call, by the run's rules: tools that edit, and in a shell git and okstra's own commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..quoting import quote
from ..verbs import verb_in
from .rules import Decision, Rules, decide_file
from .shell_lines import commands_of

_YES = Decision(True)
_EDITING_TOOLS = ("Write", "Edit", "MultiEdit", "NotebookEdit", "write_file", "replace", "apply_patch")
_SHELL_TOOLS = ("Bash", "run_shell_command", "exec_command", "shell")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CHANGING = _set(
    "add commit merge rebase reset checkout switch restore cherry-pick revert am apply stash tag branch worktree "
    "update-ref update-index symbolic-ref rm mv clean pull gc prune filter-branch replace notes read-tree fast-import "
    "bisect sparse-checkout checkout-index commit-graph pack-refs reflog maintenance"
)
_PUSHING = _set("push send-pack http-push")
_PUSHING_INSIDE = {"subtree": "push", "svn": "dcommit", "p4": "submit", "lfs": "push"}
_ASKING = {
    "branch": _set("-a -r -v -vv --list --show-current --contains --all"),
    "tag": _set("-l --list"),
    "reflog": _set("show"),
    "notes": _set("show list"),
    "bisect": _set("log"),
    "sparse-checkout": _set("list"),
    "stash": _set("list show"),
    "worktree": _set("list"),
}
_READ_CONFIG = _set("--get --get-all --get-regexp --get-urlmatch -l --list get list")
_CHANGE_CONFIG = ("--unset", "--add", "--replace", "--rename", "--remove", "-e", "--edit")
_GIT_OPTIONS = _set("-C -c --git-dir --work-tree --namespace --exec-path --config-env")
_KEPT_VARIABLES = ("GIT_CONFIG", "GIT_TRACE2", "OKSTRA_")


def decide_tool(rules: Rules, tool: str, given: Mapping[str, Any], folder: str) -> Decision:
    """`folder` is where the agent stands: relative paths mean from there."""
    if tool in _EDITING_TOOLS:
        path = str(given.get("file_path") or given.get("notebook_path") or given.get("path") or "")
        return decide_file(rules, path, folder) if path else _YES
    if tool in _SHELL_TOOLS:
        return decide_command(rules, _line(given.get("command") or given.get("cmd") or ""))
    return _YES


def _line(command: object) -> str:
    """Some clients give the words of a command instead of a line."""
    return " ".join(quote(str(word)) for word in command) if isinstance(command, list) else str(command)


def decide_command(rules: Rules, command: str) -> Decision:
    """Of a line of shell: each command in it that this can see."""
    for one in commands_of(command):
        touched = [word.partition("=")[0] for word in one.assigned] if one.name != "okstra" else []
        touched += one.dropped
        touched += one.words if one.name in ("unset", "export") else []
        if any(name == "*" or name.partition("=")[0].startswith(_KEPT_VARIABLES) for name in touched):
            return Decision(False, "the run's git hooks and traces stay on")
        decision = _decide_git(rules, one.words) if one.name == "git" else _YES
        if one.name.startswith("git-"):
            decision = _decide_git(rules, (one.name[4:], *one.words))
        elsewhere = any(word.startswith("OKSTRA_HOME=") for word in one.assigned)  # somebody tests okstra with it
        if one.name == "okstra" and not rules.leads and not elsewhere:
            decision = _decide_okstra(one.words)
        if not decision.allowed:
            return decision
    return _YES


def _decide_git(rules: Rules, words: tuple[str, ...]) -> Decision:
    settings, rest = _split(words)
    given = [setting.lower() for setting in settings]
    if any(setting.startswith(("core.hookspath", "alias.")) for setting in given):
        return Decision(False, "the run's git hooks stay on")
    if not rest:
        return _YES
    word, more = rest[0], rest[1:]
    if not rules.push and (word in _PUSHING or _PUSHING_INSIDE.get(word, "\0") in more):
        return Decision(False, "this phase pushes nothing")
    if word == "config" and not _only_asks_config(more):
        return Decision(False, "git's settings stay as they are")
    if word in _CHANGING and not rules.edits and not _only_asks(word, more):
        return Decision(False, f"`git {word}` changes the repository, and this phase changes nothing")
    return _YES


def _split(words: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
    """What `-c` and `--config-env` set, and the command with its arguments."""
    settings: list[str] = []
    left = list(words)
    while left and left[0].startswith("-"):
        option = left.pop(0)
        if option.startswith("--config-env="):
            settings.append(option.partition("=")[2])
        elif option in _GIT_OPTIONS and left:
            value = left.pop(0)
            if option in ("-c", "--config-env"):
                settings.append(value)
    return settings, tuple(left)


def _only_asks_config(words: tuple[str, ...]) -> bool:
    if _READ_CONFIG & set(words):
        return True
    plain = [word for word in words if not word.startswith("-")]
    return len(plain) < 2 and not any(word.startswith(_CHANGE_CONFIG) for word in words)


def _only_asks(word: str, more: tuple[str, ...]) -> bool:
    """`git branch -a`, `git stash list`, `git tag -l`, `git worktree list` change nothing."""
    if word in _ASKING:
        listed = not more and word in ("branch", "tag", "reflog", "notes")
        return listed or (bool(more) and more[0] in _ASKING[word])
    return word == "apply" and bool({"--check", "--stat"} & set(more))


def _decide_okstra(words: tuple[str, ...]) -> Decision:
    asks = {"--help", "-h", "--version", "help"}
    if not words or asks & set(words[:1]) or {"--help", "-h"} & set(words) or not verb_in(words).may_change(words):
        return _YES
    shown = " ".join(word for word in words[:2] if not word.startswith("-"))
    return Decision(False, f"`okstra {shown}` is for the run's lead or for a person: leave it to them")
