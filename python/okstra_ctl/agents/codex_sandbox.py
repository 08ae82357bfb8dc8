"""Whether codex's own sandbox could start. When it can't, every command fails, and the turn ends as if all were well,
with an answer that nothing was read for. Some of those commands stand in the stream, the rest in codex's own file of
its session alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..status import Failure
from . import transcripts
from .job import StreamResult
from .streams import Event, events, text_at

# What bubblewrap, Landlock and seatbelt, each as codex starts it, say when they can't.
_NO_SANDBOX = re.compile(r"(?:bwrap|sandbox-exec): |.{0,80}(?:\bcodex-linux-sandbox\b|error running landlock)")
_NO_HELPERS = b"Refusing to create helper binaries"
_OUTPUT = "\nOutput:\n"


def fault_in_stream(told: Sequence[Event], stderr: bytes) -> str:
    """Why not one command of the stream ran; empty when one did, or none is in it."""
    commands = [
        event["item"]
        for event in told
        if event.get("type") == "item.completed" and text_at(event, "item", "type") == "command_execution"
    ]
    said = [text_at(one, "aggregated_output") if one.get("exit_code") != 0 else "" for one in commands]
    helpers = "; codex makes no helpers where CODEX_HOME lies below the temporary folder"
    fault = _fault(said)
    return f"{fault}{helpers}" if fault and _NO_HELPERS in stderr else fault


def look_again(stream: StreamResult, environment: Mapping[str, str]) -> StreamResult:
    """The same for a turn that ended well, by what codex kept of its session."""
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


def _fault(said: Sequence[str]) -> str:
    words = [text.strip() for text in said]
    if not words or not all(_NO_SANDBOX.match(text) for text in words):
        return ""
    return f"its sandbox could not start, so none of its commands ran ({words[-1].splitlines()[0][:200]})"
