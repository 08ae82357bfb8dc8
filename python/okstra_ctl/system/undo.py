"""An undo stack: what a flow did, taken back in reverse when it fails before its commit point."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ..errors import OkstraError


class UndoStack:
    """Used as a context: an error that leaves the block runs the steps; `commit` forgets them."""

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
        """A step that fails leaves its part to recovery, which finds it by its claim; the others still run."""
        while kind is not None and self._steps:
            try:
                self._steps.pop()()
            except (OkstraError, OSError) as failed:
                note = f"(and taking it back failed: {failed})"
                if isinstance(error, OkstraError):
                    error.hint = f"{error.hint} {note}; the next command, or `okstra reconcile`, finishes that".strip()
