"""A client's environment: okstra's own, without the marks that a client leaves on what runs inside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from .. import git
from ..system import assets
from .job import Job

# A client that finds these believes that it is part of the session that okstra was called from.
_MARKS = frozenset(
    {
        "CLAUDECODE",
        "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_CHILD_SESSION",
        "CLAUDE_CODE_SSE_PORT",
        "CODEX_SANDBOX",
        "CODEX_SANDBOX_NETWORK_DISABLED",
        "CODEX_THREAD_ID",
        "GEMINI_CLI",
        "OKSTRA_WORKER",
        "OKSTRA_WORKER_HOME",
        "OKSTRA_WORKER_RUN",
    }
)
HOME_VARIABLE = "OKSTRA_WORKER_HOME"
RUN_VARIABLE = "OKSTRA_WORKER_RUN"
_TITLE = "okstra-supervisor-in="
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@,")


def client_environment(
    job: Job,
    inherited: Mapping[str, str],
    *,
    always: Mapping[str, str] | None = None,
    unless_set: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A worker's client's environment. `always` are the adapter's own variables; a person's settings override
    `unless_set`."""
    return {
        **(unless_set or {}),
        **unmarked(inherited),
        "OKSTRA_WORKER_ID": job.worker,
        "OKSTRA_ROLE": job.role,
        "OKSTRA_RESULT": job.result,
        "OKSTRA_AUDIT": job.audit,
        **job.environment,
        **(always or {}),
    }


def unmarked(inherited: Mapping[str, str]) -> dict[str, str]:
    """Without the marks of a session that okstra was called from."""
    return {name: value for name, value in inherited.items() if name not in _MARKS}


def extra_arguments(job: Job) -> tuple[str, ...]:
    """The provider's `arguments` from the settings, passed on as they are."""
    arguments = job.options.get("arguments")
    return tuple(str(word) for word in arguments) if isinstance(arguments, list | tuple) else ()


def agents_environment() -> dict[str, str]:
    """okstra's environment without variables that would lead git to another repository; okstra's `bin` on the PATH."""
    kept = git.users_environment()
    return {**kept, "PATH": os.pathsep.join([os.path.join(assets.root(), "bin"), kept.get("PATH", os.defpath)])}


def environment_of(home: str, run_id: str) -> dict[str, str]:
    """The marks in the environment of every process that is started for a run in that home; empty without a home."""
    return {HOME_VARIABLE: os.path.realpath(home), RUN_VARIABLE: run_id} if home else {}


def title_of(home: str) -> str:
    """An argument of the supervisor's command line: processes below it can read it but not change it."""
    name = os.fsencode(os.path.realpath(home))
    return _TITLE + "".join(chr(one) if one in _PLAIN else f"%{one:02X}" for one in name)


def homes_named(environment: Mapping[str, str], command_lines: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The homes that a process works for, by its environment and the command lines of the processes above it."""
    marked = environment.get(HOME_VARIABLE, "")
    found = [os.path.realpath(marked)] if marked else []
    found += [_home_in(word) for words in command_lines for word in words if word.startswith(_TITLE)]
    return tuple(dict.fromkeys(found))


def _home_in(title: str) -> str:
    return os.fsdecode(unquote_to_bytes(title[len(_TITLE) :]))
