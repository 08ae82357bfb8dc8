"""A client's environment: okstra's own, without the marks that a client leaves on what runs inside it."""

from __future__ import annotations

from collections.abc import Mapping

from .job import Job

# A client that finds these takes itself for a part of the session that okstra was called from.
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


def client_environment(
    job: Job,
    inherited: Mapping[str, str],
    *,
    always: Mapping[str, str] | None = None,
    unless_set: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """`always` are the adapter's own variables; `unless_set` those that a person's own settings override."""
    kept = {name: value for name, value in inherited.items() if name not in _MARKS}
    return {
        **(unless_set or {}),
        **kept,
        "OKSTRA_WORKER_ID": job.worker,
        "OKSTRA_ROLE": job.role,
        "OKSTRA_RESULT": job.result,
        "OKSTRA_AUDIT": job.audit,
        **job.environment,
        **(always or {}),
    }


def extra_arguments(job: Job) -> tuple[str, ...]:
    """The provider's `arguments` from the settings, passed on as they are."""
    arguments = job.options.get("arguments")
    return tuple(str(word) for word in arguments) if isinstance(arguments, list | tuple) else ()
