"""Names that annotations are written in, from where they cost a start nothing.

`typing` is for type checkers: importing it takes 2.5 ms; `collections.abc` brings in all of `collections`, 3 ms, and
argparse regular expressions, 8 ms.
"""

from __future__ import annotations

__all__ = [
    "IO",
    "TYPE_CHECKING",
    "Any",
    "ArgumentParser",
    "Callable",
    "Collection",
    "Container",
    "Iterable",
    "Iterator",
    "Mapping",
    "Namespace",
    "NoReturn",
    "Protocol",
    "Sequence",
    "Set",
    "T",
    "TextIO",
    "U",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence, Set
    from typing import IO, Any, NoReturn, Protocol, TextIO, TypeVar

    T = TypeVar("T")
    U = TypeVar("U")
else:
    # What `collections.abc` is made of: Python has it loaded since its start.
    from _collections_abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence, Set

    ArgumentParser = Namespace = IO = Any = NoReturn = Protocol = T = TextIO = U = object
