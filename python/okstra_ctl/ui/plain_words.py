"""Reading a command's words where they are plain, without argparse: importing it is a third of a light command's time.

Plain are known flags, each with its value, and the arguments, if they stand together. Everything else (help,
mistakes, `--`) is argparse's: `parse` answers None, and nothing was decided. `tests/unit/test_plain_words.py` holds
every command to what argparse reads.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from .shared_flags import SUPPRESSED

_ONE, _AT_MOST_ONE, _SOME = None, "?", "+"


class _Given:
    """What argparse calls a namespace."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values


class _NotPlain(Exception):
    """argparse is to read the words, or to say what is wrong with them."""


class _Declared:
    """One flag or argument, as `add_argument` is told of it."""

    def __init__(self, names: Sequence[str], options: dict[str, Any]) -> None:
        long = next((name for name in names if name.startswith("--")), names[0])
        self.dest: str = options.pop("dest", long.lstrip("-").replace("-", "_"))
        self.action = options.pop("action", "store")
        self.default = options.pop("default", False if self.action == "store_true" else None)
        self.required = options.pop("required", False)
        self.count = options.pop("nargs", _ONE)
        self._choices = options.pop("choices", None)
        self._type = options.pop("type", str)
        options.pop("help", None)
        options.pop("metavar", None)
        self.is_plain = (
            not options
            and self.action in ("store", "store_true", "append")
            and self.count in (_ONE, _AT_MOST_ONE, _SOME)
            and (self._type is str or not isinstance(self.default, str))
        )

    def value_of(self, word: str) -> Any:
        if self._type is int:
            if not (word.isascii() and word.isdigit()):
                raise _NotPlain
            return int(word)
        if self._type is not str or (self._choices is not None and word not in self._choices):
            raise _NotPlain
        return word


class PlainWords:
    """Takes the declarations that an `ArgumentParser` takes, and reads words by them as far as they are plain."""

    def __init__(self) -> None:
        self._flags: dict[str, _Declared] = {}
        self._arguments: list[_Declared] = []
        self._actions: PlainActions | None = None
        self._groups: list[PlainGroup] = []

    def add_argument(self, *names: str, **options: Any) -> _Declared:
        declared = _Declared(names, options)
        if names[0].startswith("-"):
            self._flags.update(dict.fromkeys(names, declared))
        else:
            self._arguments.append(declared)
        return declared

    def add_subparsers(self, *, dest: str, required: bool, metavar: str) -> PlainActions:
        self._actions = PlainActions(dest)
        return self._actions

    def add_mutually_exclusive_group(self, *, required: bool = False) -> PlainGroup:
        self._groups.append(PlainGroup(self, required=required))
        return self._groups[-1]

    def parse(self, words: Sequence[str]) -> Namespace | None:
        """What `parse_args` would answer; None where the words are not plain."""
        try:
            values = self._read(list(words))
        except _NotPlain:
            return None
        given: Any = _Given({name: value for name, value in values.items() if value != SUPPRESSED})
        return given  # type: ignore[no-any-return]

    def _read(self, words: list[str]) -> dict[str, Any]:
        declared = [*self._arguments, *self._flags.values()]
        if not all(one.is_plain for one in declared):
            raise _NotPlain
        values: dict[str, Any] = {one.dest: one.default for one in declared}
        seen: set[_Declared] = set()
        while words and not _is_argument(words[0]):
            self._take_flag(words, values, seen)
        values.update(self._actions.read(words) if self._actions else self._take_arguments(words, seen))
        while words:
            self._take_flag(words, values, seen)
        if any(one.required and one not in seen for one in self._flags.values()):
            raise _NotPlain
        for group in self._groups:
            group.check(seen)
        return values

    def _take_flag(self, words: list[str], values: dict[str, Any], seen: set[_Declared]) -> None:
        name, equals, value = words.pop(0).partition("=")
        flag = self._flags.get(name)
        if flag is None or flag.count is not _ONE or (equals and not name.startswith("--")):
            raise _NotPlain
        seen.add(flag)
        if flag.action == "store_true":
            if equals:
                raise _NotPlain
            values[flag.dest] = True
            return
        if not equals:
            if not words or not _is_argument(words[0]):
                raise _NotPlain
            value = words.pop(0)
        one = flag.value_of(value)
        if not value:  # argparse takes a value that is the default's very object for none
            raise _NotPlain
        values[flag.dest] = one if flag.action == "store" else [*(values[flag.dest] or []), one]

    def _take_arguments(self, words: list[str], seen: set[_Declared]) -> dict[str, Any]:
        """Those that stand together, in front of the flags or between them."""
        values: dict[str, Any] = {}
        for argument in self._arguments:
            if argument.count is not _ONE and argument is not self._arguments[-1]:
                raise _NotPlain
            here = bool(words) and _is_argument(words[0])
            if not here and argument.count is not _AT_MOST_ONE:
                raise _NotPlain
            if here:
                seen.add(argument)
            if here and argument.count is not _SOME:
                values[argument.dest] = argument.value_of(words.pop(0))
            elif here:
                many = values[argument.dest] = []
                while words and _is_argument(words[0]):
                    many.append(argument.value_of(words.pop(0)))
        return values


class PlainGroup:
    """Flags and arguments of which one may be given, or must."""

    def __init__(self, words: PlainWords, *, required: bool) -> None:
        self._words, self._required = words, required
        self._members: list[_Declared] = []

    def add_argument(self, *names: str, **options: Any) -> None:
        self._members.append(self._words.add_argument(*names, **options))

    def check(self, seen: set[_Declared]) -> None:
        given = sum(one in seen for one in self._members)
        if given > 1 or (self._required and not given):
            raise _NotPlain


class PlainActions:
    """The actions of a command, each with words of its own behind its name."""

    def __init__(self, dest: str) -> None:
        self._dest = dest
        self._parsers: dict[str, PlainWords] = {}

    def add_parser(self, name: str, **options: Any) -> PlainWords:
        self._parsers[name] = PlainWords()
        return self._parsers[name]

    def read(self, words: list[str]) -> dict[str, Any]:
        """All of the words: what stands behind an action's name is the action's."""
        parser = self._parsers.get(words[0]) if words else None
        if parser is None:
            raise _NotPlain
        values = {self._dest: words[0], **parser._read(words[1:])}
        words.clear()
        return {name: value for name, value in values.items() if value != SUPPRESSED}


def _is_argument(word: str) -> bool:
    """Whether argparse, too, takes the word for no flag, whatever flags there are."""
    return not word.startswith("-")
