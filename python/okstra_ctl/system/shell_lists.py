"""Parses a shell command as a list of pipelines, separated by `&&`, `||`, `;` or a newline.

Only simple commands are parsed: with `if`, `for`, a function, a here document or the like, the result is None.
"""

from __future__ import annotations

from typing import NamedTuple

_RESERVED = frozenset(
    "if then elif else fi for while until do done case esac in select function time coproc { } [[".split()  # noqa: SIM905
)
_CLOSING = {"(": ")", "{": "}"}


class Pipeline(NamedTuple):
    """`before` is the operator in front of it, empty for the first. `operators` stand between the commands."""

    before: str
    negated: bool
    commands: tuple[str, ...]
    operators: tuple[str, ...]


def pipelines(command: str) -> list[Pipeline] | None:
    """The pipelines of a command; None when it is more than a list of simple commands, or a syntax error."""
    cut = _cut(command)
    if cut is None:
        return None
    found: list[Pipeline] = []
    commands: list[str] = []
    operators: list[str] = []
    negated, before = False, ""
    for piece, operator in cut:
        text = piece.strip()
        if not commands and text.startswith("! "):
            negated = True
            text = text[2:].lstrip()
        words = text.split(None, 1)
        if not words or words[0] in _RESERVED or words[0] == "!":
            return None
        commands.append(text)
        if operator in ("|", "|&"):
            operators.append(operator)
            continue
        found.append(Pipeline(before, negated, tuple(commands), tuple(operators)))
        commands, operators, negated, before = [], [], False, operator
    return found if not commands and before in ("", ";") else None


def simple_commands(command: str) -> list[str] | None:
    """The simple commands of a command, those of its subshells in their place; None where `pipelines` is."""
    found = pipelines(command)
    if found is None:
        return None
    simple: list[str] = []
    for text in [one for pipeline in found for one in pipeline.commands]:
        end = _past_brackets(text, 0) if text.startswith("(") else None
        inner = [text] if end is None else simple_commands(text[1 : end - 1])
        if inner is None:
            return None
        simple += inner
    return simple


def _cut(command: str) -> list[tuple[str, str]] | None:
    """The simple commands, each with the operator behind it; None for what is not understood."""
    found: list[tuple[str, str]] = []
    begin = at = 0
    between_words = True
    while at < len(command):
        if between_words and command[at] == "#":  # a comment, to the end of its line
            _, newline, rest = command[at:].partition("\n")
            command = command[:at] + newline + rest
            continue
        operator = _operator_at(command, at)
        if operator is None:
            step = _past_word_part(command, at)
            if step is None:
                return None
            between_words = command[at] == "(" or command[at].isspace()
            at = step
            continue
        between_words = True
        text = command[begin:at]
        at += len(operator)
        if operator == "\n" and not text.strip():  # continues after an operator, or an empty line
            continue
        found.append((text, ";" if operator == "\n" else operator))
        begin = at
    if command[begin:].strip():
        found.append((command[begin:], ""))
    return found


def _operator_at(text: str, at: int) -> str | None:
    """The control operator that begins there; `>|`, `>&` and `&>` are redirections."""
    for operator in ("&&", "||", "|&", "|", ";", "\n"):
        if text.startswith(operator, at):
            return None if operator == "|" and text[at - 1 : at] == ">" else operator
    return None


def _past_word_part(text: str, at: int) -> int | None:
    """The end of the character, quotation or expansion that begins there; None for what is not understood."""
    sign, rest = text[at], text[at + 1 : at + 2]
    if sign == "\\":
        return min(at + 2, len(text))
    if sign in "'\"`":
        return _past_quotation(text, at)
    if sign == "(" or (sign == "$" and rest in ("(", "{") and rest):
        return _past_brackets(text, at if sign == "(" else at + 1)
    if sign == ")":
        return None
    if sign == "<" and rest == "<":
        return at + 3 if text.startswith("<<<", at) else None
    if sign == "&" and text[at - 1 : at] not in (">", "<") and rest != ">":
        return None  # it goes on in the background
    return at + 1


def _past_quotation(text: str, at: int) -> int | None:
    mark, at = text[at], at + 1
    while at < len(text) and text[at] != mark:
        if mark != "'" and text[at] == "\\":
            at += 1
        elif mark == '"' and text[at] == "$" and text[at + 1 : at + 2] in ("(", "{"):
            end = _past_brackets(text, at + 1)
            if end is None:
                return None
            at = end - 1
        at += 1
    return at + 1 if at < len(text) else None


def _past_brackets(text: str, at: int) -> int | None:
    opening, closing, depth = text[at], _CLOSING[text[at]], 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign in "'\"`":
            end = _past_quotation(text, at)
            if end is None:
                return None
            at = end - 1
        elif sign == opening:
            depth += 1
        elif sign == closing:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None
