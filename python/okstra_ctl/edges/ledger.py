"""The ledger file: read without a lock, appended under it (spec 3, "The ledger")."""

from __future__ import annotations

from ..core.json_text import encode, loads
from ..core.ledger import LedgerRow, LedgerView, deciding, fold, rows_of
from ..core.text_bytes import text_bytes
from ..core.text_lines import lines_with
from ..words.errors import Unreadable
from ..words.hints import Iterable
from . import fsio
from .locks import LockKind, hold
from .reread import RereadFile


class _LastRead:
    """This process's: a command asks the same ledger several times, before its lock and under it."""

    file = RereadFile("")


def _file(path: str) -> RereadFile:
    file = _LastRead.file  # taken once: another thread may put another ledger's in its place
    if file.path != path:
        file = _LastRead.file = RereadFile(path)
    return file


def lock_path(path: str) -> str:
    return f"{path}.lock"


def read_lines(path: str) -> list[bytes]:
    """The file's whole lines."""
    return _whole_lines(_file(path).read()).split(b"\n")[:-1]


def read(path: str, *, task_key: str, plan_digest: str, history: bool = False) -> LedgerView:
    """What the ledger says of the task's stages under that plan digest; rows of other digests are not parsed.

    Without `history` only the rows of each stage's newest hold are read: they decide, and the view's ids and epochs
    are theirs.

    Raises Unreadable (`state-unreadable`) when a newer okstra wrote some of it: what they say could be that a
    stage is taken, or done.
    """
    return _view(_file(path).read(), path, task_key, plan_digest, history=history)


def row_named(path: str, name: str) -> LedgerRow | None:
    """The row of that id, whatever its digest; None when there is none."""
    for line in lines_with(_whole_lines(_file(path).read()), encode({"id": name})[1:-1]):
        try:
            row = LedgerRow.from_json(loads(line))
        except (ValueError, RecursionError):
            continue
        if row.id == name:
            return row
    return None


def rows_named(path: str, prefix: str) -> list[LedgerRow]:
    """The rows whose ids begin so, in their order, whatever their digests."""
    needle = encode({"id": prefix})[1:-2]
    found = rows_of(lines_with(_whole_lines(_file(path).read()), needle))
    return [row for row in found if row.id.startswith(prefix)]


class LedgerReader:
    """A ledger that is read anew only when the file has changed: cheap to ask again under a lock."""

    def __init__(self, path: str, *, task_key: str, plan_digest: str) -> None:
        self._path, self._task_key, self._plan_digest = path, task_key, plan_digest
        self._file = _file(path)
        self._known: tuple[bytes | None, LedgerView] | None = None

    def view(self) -> LedgerView:
        """As `read` answers it. Raises Unreadable."""
        data = self._file.read()
        if self._known is None or self._known[0] is not data:
            self._known = data, _view(data, self._path, self._task_key, self._plan_digest)
        return self._known[1]

    def highest_epoch(self, stage: int) -> int:
        """The highest epoch that the stage ever had, under any digest; 0 when it was never taken."""
        needle = encode({"stage": stage})[1:-1] + b","
        lines = lines_with(_whole_lines(self._file.read()), needle)
        return fold(lines, task_key=self._task_key, plan_digest="").epochs.get(stage, 0)


def _view(data: bytes | None, path: str, task_key: str, plan_digest: str, *, history: bool = False) -> LedgerView:
    lines = list(lines_with(_whole_lines(data), text_bytes(plan_digest)))
    view = fold(lines if history else deciding(lines), task_key=task_key, plan_digest=plan_digest)
    if view.newer:
        raise Unreadable(
            "state-unreadable",
            f"{len(view.newer)} row(s) of the ledger were written by a newer okstra",
            where=path,
            hint="use the okstra version that wrote them, or a newer one",
        )
    return view


def _whole_lines(data: bytes | None) -> bytes:
    """A ledger's text. A tail without a newline is a row under way, or torn: it is left out."""
    return data[: data.rfind(b"\n") + 1] if data else b""


def holds_all(path: str, rows: Iterable[LedgerRow]) -> bool:
    """Whether the ledger has every one of the rows, as a look without the lock tells."""
    held = _file(path).read() or b""
    return all(_holds(held, row) for row in rows)


def append(path: str, rows: Iterable[LedgerRow]) -> int:
    """Appends the rows whose ids the ledger does not hold yet, under its lock. Answers how many it wrote."""
    written = 0
    with hold(LockKind.LEDGER, lock_path(path)):
        held, new = _whole_lines(_file(path).read()), b""
        for row in rows:
            if not _holds(held, row) and not _holds(new, row):
                line = encode(row.to_json()) + b"\n"
                fsio.append_line(path, line)
                new += line
                written += 1
    return written


def _holds(ledger: bytes, row: LedgerRow) -> bool:
    """Whether the text of a ledger has the row: its id stands there as one, for in other text quotes are escaped.

    Searched from the end, where what is asked for most often stands.
    """
    return ledger.rfind(encode({"id": row.id})[1:-1]) >= 0
