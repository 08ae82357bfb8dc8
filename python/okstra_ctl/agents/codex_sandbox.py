"""Whether codex's own sandbox could start.

When it can't, every command fails, yet the turn ends successfully, with an answer based on nothing. Some of those
commands are in the stream, the rest only in codex's own session file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..status import Failure
from . import transcripts
from .job import StreamResult
from .streams import Event, events, text_at

# What bubblewrap, Landlock and seatbelt, as codex starts them, print when they can't start.
_NO_SANDBOX = re.compile(r"(?:bwrap|sandbox-exec): |.{0,80}(?:\bcodex-linux-sandbox\b|error running landlock)")
_NO_HELPERS = b"Refusing to create helper binaries"
_OUTPUT = "\nOutput:\n"


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
