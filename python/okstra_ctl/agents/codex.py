"""The provider `codex`: `codex exec --json`, in codex's own sandbox.

Under READ the sandbox allows no writes, so the closing message is the result. A command that the sandbox refuses leaves
no event: what the model could not do shows only in what is missing afterwards.

Where the sandbox could not start, every command fails, yet the turn ends successfully, with an answer based on nothing.
Some of those commands are in the stream, the rest only in codex's own session file (`with_sandbox_fault`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce

from ..status import Access, Failure
from . import transcripts
from .environment import client_environment, extra_arguments
from .job import IGNORES_TREE, Job, Launch, StreamResult, Usage
from .streams import Event, closing_text, events, failure_in, mapping_at, retry_after_in, text_at
from .usage import codex_tokens

_TURN_ENDS = ("turn.completed", "turn.failed")
# What bubblewrap, Landlock and seatbelt, as codex starts them, print when they can't start.
_NO_SANDBOX = re.compile(r"(?:bwrap|sandbox-exec): |.{0,80}(?:\bcodex-linux-sandbox\b|error running landlock)")
_NO_HELPERS = b"Refusing to create helper binaries"
_OUTPUT = "\nOutput:\n"


class Codex:
    name = "codex"

    def delivers_by_message(self, access: Access) -> bool:
        return access is Access.READ

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        """In a linked worktree git's own folders must be among `job.writable`, or the executor can't commit."""
        argv = (
            *("codex", "exec", "--json", "--skip-git-repo-check"),
            *("--sandbox", sandbox_of(job), "--cd", job.folder, "--model", job.model),
            *(() if job.access is Access.READ else writable_arguments(job.writable)),
            *(("-c", "project_doc_max_bytes=0") if job.options.get(IGNORES_TREE) else ()),
            *extra_arguments(job),
            "-",
        )
        return Launch(argv, prompt.encode("utf-8", "replace"), client_environment(job, inherited))

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        """Success is a completed turn; `error` events alone are retries under way."""
        rows = events(stdout)
        turns = [event for event in rows if text_at(event, "type").startswith("turn.")]
        last = turns[-1] if turns else {}
        message, thread = _last_message(rows), _thread(rows)
        if last.get("type") not in _TURN_ENDS:
            return _unfinished(rows, stderr, exit_status)
        if last.get("type") == "turn.failed" or exit_status not in (0, None):
            reason = text_at(last, "error", "message") or f"it ended with {exit_status}"
            failed = StreamResult(
                True, failure_in(reason), reason, retry_after_in(reason), usage=_usage(turns), session=thread
            )
            return failed._replace(last_message=message)
        fault = fault_in_stream(rows, stderr)
        failure = Failure.SANDBOX if fault else Failure.NONE
        return StreamResult(True, failure, fault, usage=_usage(turns), last_message=message, session=thread)


def sandbox_of(job: Job) -> str:
    """Its own sandbox can't be made inside another one, and is not needed there."""
    if job.containment is not None:
        return "danger-full-access"
    return "read-only" if job.access is Access.READ else "workspace-write"


def writable_arguments(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for folder in folders for word in ("--add-dir", folder))


def _unfinished(rows: list[Event], stderr: bytes, exit_status: int | None) -> StreamResult:
    """A stream without the end of a turn. A client that did not even start one explains why on stderr."""
    complaint = stderr.decode("utf-8", "replace").strip()[-500:]
    refused = exit_status is not None and exit_status > 0
    errors = [text_at(event, "message") for event in rows if event.get("type") == "error"]
    reason = errors[-1] if errors else complaint
    failure = failure_in(reason) if refused else Failure.INTERRUPTED
    stream = StreamResult(ended=False, failure=failure, message=reason, retry_after=retry_after_in(reason))
    return stream._replace(last_message=_last_message(rows), session=_thread(rows))


def _thread(rows: list[Event]) -> str:
    found = [text_at(event, "thread_id") for event in rows if event.get("type") == "thread.started"]
    return found[-1] if found else ""


def _last_message(rows: list[Event]) -> str:
    texts = [
        text_at(event, "item", "text")
        for event in rows
        if event.get("type") == "item.completed" and text_at(event, "item", "type") == "agent_message"
    ]
    return reduce(closing_text, texts, "")


def _usage(turns: list[Event]) -> Usage | None:
    """The last count, which covers the whole thread except its sub-agents: those are only in the rollout files."""
    counts = [mapping_at(turn, "usage") for turn in turns if mapping_at(turn, "usage")]
    return Usage(*codex_tokens(counts[-1])) if counts else None


def fault_in_stream(rows: Sequence[Event], stderr: bytes) -> str:
    """Why none of the stream's commands ran; empty when one did, or when there is none."""
    commands = [
        event["item"]
        for event in rows
        if event.get("type") == "item.completed" and text_at(event, "item", "type") == "command_execution"
    ]
    outputs = [text_at(one, "aggregated_output") if one.get("exit_code") != 0 else "" for one in commands]
    helpers = "; codex makes no helpers where CODEX_HOME lies below the temporary folder"
    fault = _fault(outputs)
    return f"{fault}{helpers}" if fault and _NO_HELPERS in stderr else fault


def with_sandbox_fault(stream: StreamResult, environment: Mapping[str, str]) -> StreamResult:
    """The stream with its failure set, when codex's session file shows that no command of a completed turn ran."""
    paths = transcripts.codex_rollouts(transcripts.codex_home(environment), stream.session) if stream.session else []
    outputs = [
        text_at(row, "payload", "output")
        for path in paths[:1]
        for line in transcripts.lines_of(path)
        if b'"function_call_output"' in line
        for row in events(line)
        if text_at(row, "payload", "type") == "function_call_output"
    ]
    fault = _fault([output.partition(_OUTPUT)[2] if _OUTPUT in output else "" for output in outputs])
    return stream._replace(failure=Failure.SANDBOX, message=fault) if fault else stream


def _fault(outputs: Sequence[str]) -> str:
    words = [text.strip() for text in outputs]
    if not words or not all(_NO_SANDBOX.match(text) for text in words):
        return ""
    return f"its sandbox could not start, so none of its commands ran ({words[-1].splitlines()[0][:200]})"
