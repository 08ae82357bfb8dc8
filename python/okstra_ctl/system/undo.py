"""An undo stack: the steps of an operation are undone in reverse when it fails before its commit point."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ..errors import OkstraError


class UndoStack:
    """A context manager: an error that leaves the block runs the steps; `commit` forgets them."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def push(self, step: Callable[[], object]) -> None:
        self._steps.append(step)

    def commit(self) -> None:
        self._steps.clear()

    def __enter__(self) -> UndoStack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A step that fails is left to recovery, which finds it by its claim; the others still run."""
        while kind is not None and self._steps:
            try:
                self._steps.pop()()
            except (OkstraError, OSError) as failed:
                note = f"(and undoing it failed: {failed})"
                if isinstance(error, OkstraError):
                    error.hint = f"{error.hint} {note}; the next command, or `okstra reconcile`, finishes that".strip()
