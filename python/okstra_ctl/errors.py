"""One typed hierarchy of errors. Each says what is wrong, where, and what to try."""

from __future__ import annotations

from .error_codes import (
    ERROR_CODES,
    EXIT_BUG,
    EXIT_BUSY,
    EXIT_CHECK,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_MISSING,
    EXIT_REFUSED,
    EXIT_UNREADABLE,
    EXIT_USAGE,
)


class OkstraError(Exception):
    """An error a user can act on.

    `code` is a word of `ERROR_CODES`; `where` names the file, line or thing; `hint` is what to try;
    `data` is carried into the JSON answer.
    """

    exit_status = EXIT_BUG

    def __init__(
        self, code: str, message: str, *, where: str = "", hint: str = "", data: dict[str, object] | None = None
    ) -> None:
        if ERROR_CODES[code].exit_status != self.exit_status:
            raise AssertionError(f"{code} does not belong to {type(self).__name__}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint
        self.data = data or {}

    def as_record(self) -> dict[str, str]:
        """The error as the `errors` entry of the JSON answer (spec 6)."""
        return {"code": self.code, "message": self.message, "where": self.where, "try": self.hint}


class WorkFailed(OkstraError):
    exit_status = EXIT_FAILED


class UsageError(OkstraError):
    exit_status = EXIT_USAGE


class Refused(OkstraError):
    """A gate is closed: nothing was changed, and the message says why."""

    exit_status = EXIT_REFUSED


class CheckFailed(OkstraError):
    exit_status = EXIT_CHECK


class Unreadable(OkstraError):
    """A state file can't be read. It is never overwritten; the hint names the repair."""

    exit_status = EXIT_UNREADABLE


class Missing(OkstraError):
    exit_status = EXIT_MISSING


class InternalError(OkstraError):
    exit_status = EXIT_BUG


class Busy(OkstraError):
    exit_status = EXIT_BUSY


class Interrupted(OkstraError):
    exit_status = EXIT_INTERRUPTED
