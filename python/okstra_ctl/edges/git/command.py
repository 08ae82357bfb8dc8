"""Calling git: argv lists, bytes, an environment without inherited `GIT_*`; its messages are only passed on."""

from __future__ import annotations

import os

from ...words.errors import Missing, WorkFailed
from ...words.hints import Sequence
from .. import durability, proc

NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
_SYNC_REFS = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=fsync")
# A file system monitor that lies hides changes, one that stays holds our locks; with `ignoreStat` git marks files as
# unchanged, with the next two an edit is hidden by putting its time back; signatures are shown among reflogs.
_SETTINGS = (
    ("core.fsmonitor", "false"),
    ("core.ignoreStat", "false"),
    ("core.trustctime", "true"),
    ("core.checkStat", "default"),
    ("log.showSignature", "false"),
)


def sync_refs() -> tuple[str, ...]:
    """Settings by which git syncs the refs that it writes; none where they are owed to the disk (`durability`)."""
    return ("-c", "core.fsync=none") if durability.owing() else _SYNC_REFS


def users_environment() -> dict[str, str]:
    """For commands of the user's: without inherited `GIT_*`, which would lead their git to another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def environment() -> dict[str, str]:
    """For our git: nothing inherited, nothing asked, and no setting by which a repository hides a change from us."""
    settings = {
        f"GIT_CONFIG_{kind}_{number}": value
        for number, setting in enumerate(_SETTINGS)
        for kind, value in zip(("KEY", "VALUE"), setting, strict=True)
    }
    return {
        **users_environment(),
        **settings,
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def git(
    root: str, *args: str, keep_open: Sequence[int] = (), ask: bool = False, extra: dict[str, str] | None = None
) -> proc.Finished:
    return begin(root, *args, keep_open=keep_open, ask=ask, extra=extra).finish()


def begin(
    root: str,
    *args: str,
    keep_open: Sequence[int] = (),
    ask: bool = False,
    extra: dict[str, str] | None = None,
    stdin: bytes | None = None,
) -> proc.Running:
    env = environment()
    if ask:
        env["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        return proc.start(["git", "-C", root, *args], env={**env, **(extra or {})}, keep_open=keep_open, stdin=stdin)
    except Missing as error:
        raise Missing("git-missing", "git is not on the PATH", hint="install git 2.38 or newer") from error


def must(finished: proc.Finished, doing: str) -> bytes:
    if not finished.ok:
        raise WorkFailed(
            "git-failed", f"git could not {doing}: {finished.complaint}", where=" ".join(finished.argv[:6])
        )
    return finished.stdout


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
