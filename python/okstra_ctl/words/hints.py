"""Names that only a type checker reads. `typing` itself is for type checkers: importing it costs a start 2.5 ms."""

from __future__ import annotations

__all__ = ["IO", "TYPE_CHECKING", "Any", "NoReturn", "Protocol", "T", "TextIO", "U"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, NoReturn, Protocol, TextIO, TypeVar

    T = TypeVar("T")
    U = TypeVar("U")
else:
    IO = Any = NoReturn = Protocol = T = TextIO = U = object
