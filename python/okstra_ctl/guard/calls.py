"""What an agent may call, by the run's rules: editing tools, and in a shell git and okstra's own commands.

The first half decides; the second (`commands_of`) finds the commands in a line of shell.

It is a first fence, close to the agent: it refuses early what git's hooks or the client's own limits would refuse, or
the isolation receipt would report, later.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..command_table import verb_in
from ..plan.globs import matches
from ..quoting import quote

SCHEMA = "guard/1"
_SEPARATORS = frozenset([";", "&", "&&", "|", "||", "|&", ";;", "(", ")", "\n", "{", "}"])
_OPENING = frozenset(["if", "then", "else", "elif", "while", "until", "do", "!", "time"])
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
# Programs that start another one: their options that take a value, and how many arguments of their own come first.
_WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "env": (("-u", "--unset", "-C", "--chdir", "-S"), 0),
    "command": ((), 0),
    "exec": (("-a",), 0),
    "builtin": ((), 0),
    "sudo": (("-u", "-g", "-D", "-p", "-C", "-T"), 0),
    "doas": (("-u", "-C"), 0),
    "nohup": ((), 0),
    "setsid": ((), 0),
    "time": (("-f", "-o"), 0),
    "nice": (("-n",), 0),
    "ionice": (("-c", "-n"), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "timeout": (("-s", "-k"), 1),
    "xargs": (("-I", "-n", "-P", "-d", "-L", "-E", "-s", "-a"), 0),
    "busybox": ((), 0),
}
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "ksh"])
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)|`([^`]*)`")
_DEEPEST = 4
_EDITING_TOOLS = ("Write", "Edit", "MultiEdit", "NotebookEdit", "write_file", "replace", "apply_patch")
_SHELL_TOOLS = ("Bash", "run_shell_command", "exec_command", "shell")
_PUSHING_INSIDE = {"subtree": "push", "svn": "dcommit", "p4": "submit", "lfs": "push"}
_CHANGE_CONFIG = ("--unset", "--add", "--replace", "--rename", "--remove", "-e", "--edit")
_KEPT_VARIABLES = ("GIT_CONFIG", "GIT_TRACE2", "OKSTRA_")


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


_RULES_YES = Decision(True)


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
        return _RULES_YES
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
    return _RULES_YES


def decide_commit(rules: Rules, staged: tuple[str, ...]) -> Decision:
    """Whether these staged files may be committed in the run's repository."""
    if not rules.edits:
        return Decision(False, "this phase commits nothing")
    strays = [name for name in staged if rules.planned and not any(matches(pattern, name) for pattern in rules.planned)]
    if strays:
        return Decision(False, f"the plan does not name {', '.join(strays[:5])} for this stage")
    return _RULES_YES


_YES = Decision(True)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CHANGING = _set(
    "add commit merge rebase reset checkout switch restore cherry-pick revert am apply stash tag branch worktree "
    "update-ref update-index symbolic-ref rm mv clean pull gc prune filter-branch replace notes read-tree fast-import "
    "bisect sparse-checkout checkout-index commit-graph pack-refs reflog maintenance"
)
_PUSHING = _set("push send-pack http-push")
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
_GIT_OPTIONS = _set("-C -c --git-dir --work-tree --namespace --exec-path --config-env")


def decide_tool(rules: Rules, tool: str, given: Mapping[str, Any], folder: str) -> Decision:
    """`folder` is the agent's working directory, which relative paths start from."""
    if tool in _EDITING_TOOLS:
        path = str(given.get("file_path") or given.get("notebook_path") or given.get("path") or "")
        return decide_file(rules, path, folder) if path else _YES
    if tool in _SHELL_TOOLS:
        return decide_command(rules, _line(given.get("command") or given.get("cmd") or ""))
    return _YES


def _line(command: object) -> str:
    """The command as a line of shell; some clients pass a list of words."""
    return " ".join(quote(str(word)) for word in command) if isinstance(command, list) else str(command)


def decide_command(rules: Rules, command: str) -> Decision:
    """Checks each command in a line of shell, as far as they can be found."""
    try:
        found = list(commands_of(command))
    except TooDeep:
        return Decision(False, "its commands stand too deep inside one another to be read: write them side by side")
    for one in found:
        touched = [word.partition("=")[0] for word in one.assigned] if one.name != "okstra" else []
        touched += one.dropped
        touched += one.words if one.name in ("unset", "export") else []
        if any(name == "*" or name.partition("=")[0].startswith(_KEPT_VARIABLES) for name in touched):
            return Decision(False, "the run's git hooks and traces stay on")
        decision = _decide_git(rules, one.words) if one.name == "git" else _YES
        if one.name.startswith("git-"):
            decision = _decide_git(rules, (one.name[4:], *one.words))
        elsewhere = any(word.startswith("OKSTRA_HOME=") for word in one.assigned)  # a test of okstra itself
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
    """The settings of `-c` and `--config-env`, and the command with its arguments."""
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


class TooDeep(Exception):
    """Commands stand inside one another more often than they are looked at."""


class ShellCommand:
    """One command: its program's base name, its arguments, the assignments before it, and the variables it unsets."""

    __slots__ = ("assigned", "dropped", "name", "words")

    def __init__(self, name: str, words: tuple[str, ...], assigned: tuple[str, ...], dropped: tuple[str, ...]) -> None:
        self.name, self.words, self.assigned, self.dropped = name, words, assigned, dropped


def commands_of(line: str, depth: int = 0) -> Iterator[ShellCommand]:
    """Every command that the line would start, including those in `sh -c`, `eval` and substitutions. Raises TooDeep."""
    if depth > _DEEPEST:
        raise TooDeep
    for inner in _SUBSTITUTION.finditer(line):
        yield from commands_of(inner[1] or inner[2] or "", depth + 1)
    words: list[str] = []
    for token in [*_tokens(line), "\n"]:
        if token in _SEPARATORS or (token and set(token) <= set(";&|()\n")):
            yield from _command(words, depth)
            words = []
        else:
            words.append(token)


def _tokens(line: str) -> list[str]:
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace = " \t\r"
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # a quote that is never closed: a here-document, or half a command
        return re.findall(r"[;&|()\n]|[^\s;&|()]+", re.sub(r"[\"']", "", line))


def _command(words: list[str], depth: int) -> Iterator[ShellCommand]:
    words = list(words)
    assigned: list[str] = []
    dropped: list[str] = []
    while words:
        word = words[0]
        name = word.rpartition("/")[2]
        if word in _OPENING or word in ("{", "}"):
            del words[0]
        elif _ASSIGNMENT.match(word):
            assigned.append(words.pop(0))
        elif name in _WRAPPERS:
            del words[0]
            _skip_options(words, name, dropped)
        else:
            break
    if not words:
        return
    name = words[0].rpartition("/")[2]
    yield ShellCommand(name, tuple(words[1:]), tuple(assigned), tuple(dropped))
    if name == "eval":
        yield from commands_of(" ".join(words[1:]), depth + 1)
    elif name in _SHELLS:
        for place, word in enumerate(words[:-1]):
            if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
                yield from commands_of(words[place + 1], depth + 1)


def _skip_options(words: list[str], name: str, dropped: list[str]) -> None:
    valued, own = _WRAPPERS[name]
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-i", "--ignore-environment", "-") and name == "env":
            dropped.append("*")
        if option in valued and words:
            value = words.pop(0)
            if name == "env" and option in ("-u", "--unset"):
                dropped.append(value)
        elif name == "env" and option.startswith("--unset="):
            dropped.append(option.partition("=")[2])
    del words[:own]
