"""Calling git: argv lists, bytes, an environment of its own (`environment`); its messages are only shown, never
parsed."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Missing, WorkFailed
from ..system import fsync, processes
from .environment import environment

_SYNC_REFS = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=fsync")


def sync_refs() -> tuple[str, ...]:
    """Settings by which git syncs the refs that it writes; off while fsync is deferred."""
    return ("-c", "core.fsync=none") if fsync.is_deferring() else _SYNC_REFS


def git(
    root: str, *args: str, keep_open: Sequence[int] = (), ask: bool = False, extra: dict[str, str] | None = None
) -> processes.Finished:
    return begin(root, *args, keep_open=keep_open, ask=ask, extra=extra).finish()


def begin(
    root: str,
    *args: str,
    keep_open: Sequence[int] = (),
    ask: bool = False,
    extra: dict[str, str] | None = None,
    stdin: bytes | None = None,
) -> processes.Running:
    env = environment()
    if ask:
        env["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        return processes.start(
            ["git", "-C", root, *args], env={**env, **(extra or {})}, keep_open=keep_open, stdin=stdin
        )
    except Missing as error:
        raise Missing("git-missing", "git is not on the PATH", hint="install git 2.38 or newer") from error


def must(finished: processes.Finished, doing: str) -> bytes:
    if not finished.ok:
        raise WorkFailed(
            "git-failed", f"git could not {doing}: {finished.complaint}", where=" ".join(finished.argv[:6])
        )
    return finished.stdout


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
