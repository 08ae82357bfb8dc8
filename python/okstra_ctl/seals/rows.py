"""The rows of a project's seals: what each run left, and each row's digest of the row before it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from ..system.text import encode, loads

VERSION = 1
SEALED = "sealed"
REOPENED = "reopened"


class Record(NamedTuple):
    """A file as it was: `path` relative to the project's root, `size` in bytes, `sha256` of them. Of a file that only
    `grows` these are its first bytes."""

    path: str
    size: int
    sha256: str
    grows: bool = False


class Seal(NamedTuple):
    """One row. `event`: `sealed` when the run ended, `reopened` when somebody went on with it afterwards. `outcome` is
    the run's; empty for a stage that a session recorded as done. `root` is where the project was.

    `previous` is the SHA-256 of the row before it, as it stands in the file without its newline; empty in the first.
    """

    run_id: str
    at: str
    event: str
    outcome: str
    root: str
    records: tuple[Record, ...]
    previous: str

    def line(self) -> bytes:
        """The row as it is written, without a newline."""
        records = [record._asdict() for record in self.records]
        return encode({"v": VERSION, **self._asdict(), "records": records})

    @classmethod
    def parse(cls, line: bytes) -> Seal:
        """Raises ValueError when the line is not a row of this version."""
        try:
            value = loads(line)
            if value.pop("v") != VERSION:
                raise ValueError("a row of another version")
            records = tuple(Record(**record) for record in value.pop("records"))
            seal = cls(**value, records=records)
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a row of seals: {error}") from error
        texts = [seal.run_id, seal.at, seal.event, seal.outcome, seal.root, seal.previous]
        texts += [text for record in records for text in (record.path, record.sha256)]
        if not all(isinstance(text, str) for text in texts) or not all(
            (type(one.size), type(one.grows)) == (int, bool) for one in records
        ):
            raise ValueError("not a row of seals: a field has another type")
        return seal


class ChainFault(NamedTuple):
    """`line` is 1-based."""

    line: int
    message: str


def digest_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def chain_faults(lines: Sequence[bytes]) -> Iterator[ChainFault]:
    """The rows that are damaged, or don't follow the row before them."""
    before = ""
    for number, line in enumerate(lines, 1):
        try:
            seal = Seal.parse(line)
        except ValueError as error:
            yield ChainFault(number, str(error))
        else:
            if seal.previous != before:
                yield ChainFault(number, "the row before it was changed, removed or added after this one was written")
        before = digest_of(line)


def readable(lines: Sequence[bytes]) -> Iterator[Seal]:
    """The rows among the lines, in their order; damaged ones are left to `chain_faults`."""
    for line in lines:
        try:
            yield Seal.parse(line)
        except ValueError:
            continue
