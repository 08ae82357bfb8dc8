"""The commands in a line of shell, as an agent writes it: good enough to warn, no shell.

What only a shell can know (variables, aliases, functions, files it reads) is not seen.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

_SEPARATORS = frozenset([";", "&", "&&", "|", "||", "|&", ";;", "(", ")", "\n", "{", "}"])
_OPENING = frozenset(["if", "then", "else", "elif", "while", "until", "do", "!", "time"])
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
# Programs that start another: with the options of theirs that take a value, and how many words of their own come first.
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


class ShellCommand:
    """One command: its program's plain name, its words, what is assigned before it, and which variables it drops."""

    __slots__ = ("assigned", "dropped", "name", "words")

    def __init__(self, name: str, words: tuple[str, ...], assigned: tuple[str, ...], dropped: tuple[str, ...]) -> None:
        self.name, self.words, self.assigned, self.dropped = name, words, assigned, dropped


def commands_of(line: str, depth: int = 0) -> Iterator[ShellCommand]:
    """Every command that the line would start, those inside of `sh -c`, `eval` and substitutions too."""
    if depth > _DEEPEST:
        return
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
