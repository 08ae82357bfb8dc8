"""What adapters hear in the clients' streams: the terminal event, failures, tokens, refusals, and never an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.agents.claude import Claude
from okstra_ctl.agents.codex import Codex, with_sandbox_fault
from okstra_ctl.agents.gemini import Gemini
from okstra_ctl.agents.job import Provider, StreamResult, Usage
from okstra_ctl.agents.providers import Command
from okstra_ctl.agents.runner import judge
from okstra_ctl.agents.streams import events, failure_in, retry_after_in, whole
from okstra_ctl.agents.supervisor_orders import Verdict
from okstra_ctl.status import Access, Failure, WorkerOutcome
from okstra_ctl.usage.tokens import ModelTokens, Tokens
from support.client_streams import (
    CLAUDE_GOOD,
    CLAUDE_INIT,
    CODEX_GOOD,
    GEMINI_GOOD,
    Event,
    claude_answer,
    claude_error,
    claude_result,
    codex_error,
    codex_item,
    gemini_error,
    gemini_message,
    gemini_tool,
    stream,
)

GOOD: list[tuple[Provider, tuple[Event, ...]]] = [
    (Claude(), CLAUDE_GOOD),
    (Codex(), CODEX_GOOD),
    (Gemini(), GEMINI_GOOD),
]
EVERY = pytest.mark.parametrize(("client", "good"), GOOD, ids=[client.name for client, _ in GOOD])


def test_a_good_run_of_claude() -> None:
    share = ModelTokens("claude-x-1", Tokens(3000, 500, 300, 60), 0.01)
    usage = Usage(3000, 500, 300, 60, 0.0125, (share,))
    expected = StreamResult(True, model="claude-x-1", usage=usage, last_message="done", session="c")
    assert Claude().read_stream(stream(*CLAUDE_GOOD), b"a warning\n", 0) == expected


def test_a_good_run_of_codex() -> None:
    expected = StreamResult(True, usage=Usage(6693, 300, 7, 120), last_message="the result", session="t")
    assert Codex().read_stream(stream(*CODEX_GOOD), b"WARNING: x\n", 0) == expected


def test_a_good_run_of_gemini() -> None:
    usage = Usage(900, 100, 0, 30, models=(ModelTokens("gemini-x", Tokens(900, 100, 0, 30)),))
    expected = StreamResult(True, model="gemini-x", usage=usage, last_message="the result")
    assert Gemini().read_stream(stream(*GEMINI_GOOD), b"Ripgrep is not available.\n", 0) == expected


RESULT = "---\nworker: a\n---\nthe findings"


@pytest.mark.parametrize("after", ["Done.", " \n", "{oops"])
@pytest.mark.parametrize("result", [RESULT, f"```\n{RESULT}\n```", '{"report": 1}'])
def test_a_word_after_the_result_and_a_tool_call_does_not_replace_it(result: str, after: str) -> None:
    said = [codex_item("agent_message", text=text) for text in ("Let me look.", result, after)]
    assert Codex().read_stream(stream(*CODEX_GOOD[:2], *said, CODEX_GOOD[-1]), b"", 0).last_message == result
    pieces = (gemini_message(result[:9]), gemini_message(result[9:]))
    rows = (gemini_message("Let me look."), gemini_tool(1, "ls"), *pieces, gemini_tool(2, "ls"), gemini_message(after))
    assert Gemini().read_stream(stream(*rows, GEMINI_GOOD[-1]), b"", 0).last_message == result


def test_of_two_results_the_later_is_the_result_and_of_none_the_last_word() -> None:
    for texts in (("first", "second"), (RESULT, f"{RESULT}, corrected")):
        said = [codex_item("agent_message", text=text) for text in texts]
        assert Codex().read_stream(stream(*CODEX_GOOD[:2], *said, CODEX_GOOD[-1]), b"", 0).last_message == texts[1]


@EVERY
def test_without_the_whole_terminal_event_nothing_has_ended(client: Provider, good: tuple[Event, ...]) -> None:
    data = stream(*good)
    last = len(data) - 1  # the newline is no part of the event
    for cut in range(last):
        for status in (0, None, -9):
            result = client.read_stream(data[:cut], b"", status)
            assert not result.ended, cut
            assert result.failure is Failure.INTERRUPTED
    assert client.read_stream(data[:last], b"", 0).ended


@EVERY
def test_garbage_between_the_lines_changes_nothing(client: Provider, good: tuple[Event, ...]) -> None:
    clean = client.read_stream(stream(*good), b"", 0)
    noise = [b"\xff\xfe\x00\n", b'{"type": "resu\n', b"[1, 2]\n", b"null\n", b"{" * 5000 + b"\n", b"9" * 5000 + b"\n"]
    dirty = b"".join(noise[number % len(noise)] + stream(event) for number, event in enumerate(good))
    assert client.read_stream(dirty + noise[1], b"", 0) == clean


@EVERY
@pytest.mark.parametrize("status", [1, 2, 127, 137])
def test_a_bad_exit_is_no_success(client: Provider, good: tuple[Event, ...], status: int) -> None:
    assert client.read_stream(stream(*good), b"", status).failure is not Failure.NONE


KEYS = (
    *("type", "subtype", "status", "result", "error", "message", "usage", "stats", "models", "modelUsage", "item"),
    *("text", "role", "content", "tool_id", "permission_denials", "tool_input", "is_error", "api_error_status"),
    *("resetsAt", "errors", "input_tokens"),
)
KINDS = (
    *("result", "assistant", "system", "turn.completed", "turn.failed", "item.completed"),
    *("error", "message", "tool_use", "tool_result"),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
kinds = st.sampled_from(KINDS)


@given(
    st.lists(st.tuples(kinds, st.dictionaries(st.text(max_size=3), values, max_size=3), values), max_size=6),
    st.binary(max_size=200),
    st.one_of(st.none(), st.integers(-64, 255)),
)
def test_no_stream_raises(lines: list[tuple[str, dict[str, object], object]], tail: bytes, status: int | None) -> None:
    events = [{**(body if isinstance(body, dict) else {}), **more, "type": kind} for kind, more, body in lines]
    data = b"".join(json.dumps(event).encode() + b"\n" for event in events) + tail
    for client in (*(client for client, _ in GOOD), Command("mine", ("x",), {})):
        result = client.read_stream(data, tail, status)
        assert result.usage is None or min(result.usage[:4]) >= 0


@given(st.binary(max_size=400))
def test_bytes_alone_never_end_a_turn(data: bytes) -> None:
    assert not any(client.read_stream(data, data, 0).ended for client, _ in GOOD)


# claude


@pytest.mark.parametrize(
    ("status", "text", "failure"),
    [
        (401, "Invalid API key · Fix external API key", Failure.LOGIN),
        (403, "forbidden", Failure.LOGIN),
        (None, "Not logged in · Please run /login", Failure.LOGIN),
        (429, "API Error: 429", Failure.RATE_LIMIT),
        (None, "Claude AI usage limit reached|1795435401", Failure.RATE_LIMIT),
        (500, "API Error: 500", Failure.OVERLOADED),
        (529, "API Error: 529 overloaded_error", Failure.OVERLOADED),
        (400, "prompt is too long", Failure.CLIENT),
        (None, "API Error: JSON Parse error", Failure.CLIENT),
    ],
)
def test_an_error_beats_the_subtype_success(status: int | None, text: str, failure: Failure) -> None:
    result = Claude().read_stream(stream(*claude_error(status, text)), b"", 1)
    assert (result.ended, result.failure, result.message, result.model) == (True, failure, text, None)


def test_a_pause_of_claudes_own_is_no_end_of_a_limit() -> None:
    """Else a server that is busy until the soft limit would be a quota that ends within the second."""
    retry = {"type": "system", "subtype": "api_retry", "retry_delay_ms": 1236, "error_status": 429}
    limited = Claude().read_stream(stream(CLAUDE_INIT, retry, *claude_error(429, "x")[1:]), b"", 1)
    assert (limited.failure, limited.retry_after) == (Failure.RATE_LIMIT, None)
    named = Claude().read_stream(stream(CLAUDE_INIT, retry, *claude_error(429, "try again in 5 minutes")[1:]), b"", 1)
    assert named.retry_after == 300


def test_a_limit_of_turns_is_the_clients_failure() -> None:
    event = claude_result(subtype="error_max_turns", is_error=True, result=None, errors=["Reached maximum (2)"])
    result = Claude().read_stream(stream(CLAUDE_INIT, claude_answer(), event), b"", 1)
    assert (result.failure, result.message) == (Failure.CLIENT, "Reached maximum (2)")


def test_the_last_of_several_results_counts() -> None:
    first = claude_result(result="waiting", modelUsage={})
    events = (*CLAUDE_GOOD[:2], first, CLAUDE_INIT, claude_answer("later", "claude-x-2"), claude_result(result="later"))
    result = Claude().read_stream(stream(*events), b"", 0)
    assert (result.ended, result.last_message, result.model) == (True, "later", "claude-x-2")
    assert result.usage is not None
    assert result.usage[:5] == (3000, 500, 300, 60, 0.0125)
    for cut in (4, 5):
        assert not Claude().read_stream(stream(*events[:cut]), b"", None).ended


def test_sub_agents_models_are_not_the_workers() -> None:
    inner = claude_answer("x", "claude-small", parent_tool_use_id="toolu_1")
    result = Claude().read_stream(stream(CLAUDE_INIT, claude_answer(), inner, claude_result()), b"", 0)
    assert result.model == "claude-x-1"


def test_refused_tools_are_told_once() -> None:
    denials = [
        {"tool_name": "Bash", "tool_use_id": "a", "tool_input": {"command": "make"}},
        {"tool_name": "Write", "tool_use_id": "b", "tool_input": {"file_path": "/etc/x", "content": "y"}},
        {"tool_name": "Odd"},
    ]
    event = claude_result(permission_denials=denials)
    result = Claude().read_stream(stream(CLAUDE_INIT, event, CLAUDE_INIT, event), b"", 0)
    assert result.denials == ("Bash: make", "Write: /etc/x", "Odd: ")
    assert result.failure is Failure.NONE


def test_a_claude_that_did_not_start_says_why() -> None:
    result = Claude().read_stream(b"", b"error: option '--permission-mode' is invalid\n", 1)
    assert (result.ended, result.failure) == (False, Failure.CLIENT)
    assert "permission-mode" in result.message


# codex


@pytest.mark.parametrize(
    ("message", "failure", "after"),
    [
        ("unexpected status 401 Unauthorized: x, url: y", Failure.LOGIN, None),
        ("exceeded retry limit, last status: 429 Too Many Requests", Failure.RATE_LIMIT, None),
        ("You've hit your usage limit. Upgrade to Pro or try again in 3 hours 2 minutes.", Failure.RATE_LIMIT, 10920.0),
        ("Rate limit reached for x. Please try again in 1.3s. Visit y", Failure.RATE_LIMIT, 1.3),
        ("unexpected status 503 Service Unavailable: x", Failure.OVERLOADED, None),
        ("Selected model is at capacity. Please try a different model.", Failure.OVERLOADED, None),
        ("stream disconnected before completion: stream closed", Failure.CLIENT, None),
    ],
)
def test_a_failed_turn_of_codex_says_what_failed(message: str, failure: Failure, after: float | None) -> None:
    result = Codex().read_stream(stream(*codex_error(message)), b"", 1)
    assert (result.ended, result.failure, result.retry_after, result.message) == (True, failure, after, message)


def test_reconnecting_is_no_failure() -> None:
    retried = (*CODEX_GOOD[:2], {"type": "error", "message": "Reconnecting... 1/5 (status 500)"}, *CODEX_GOOD[2:])
    assert Codex().read_stream(stream(*retried), b"", 0).failure is Failure.NONE


BWRAP = "bwrap: execvp codex-linux-sandbox: No such file or directory\n"
SHUT_OUT = codex_item("command_execution", command="ls", aggregated_output=BWRAP, exit_code=1)


def test_a_turn_of_codex_in_which_no_command_could_run_is_no_answer() -> None:
    turn = (*CODEX_GOOD[:2], SHUT_OUT, SHUT_OUT, *CODEX_GOOD[4:])
    result = Codex().read_stream(stream(*turn), b"", 0)
    assert (result.ended, result.failure, result.last_message) == (True, Failure.SANDBOX, "the result")
    assert result.message == f"its sandbox could not start, so none of its commands ran ({BWRAP.strip()})"
    warned = b'WARNING: Refusing to create helper binaries under temporary dir "/tmp"\n'
    assert "CODEX_HOME lies below the temporary folder" in Codex().read_stream(stream(*turn), warned, 0).message
    by_rule, _ = judge(Access.READ, result, Verdict(0, ""), delivered=True)
    assert by_rule is WorkerOutcome.ERROR


def kept_by_codex(home: Path, *outputs: str) -> dict[str, str]:
    """A session's own file, in which the commands' outputs stand; answers the client's environment."""
    folder = home / "sessions" / "2026" / "01" / "02"
    folder.mkdir(parents=True)
    rows = [{"type": "session_meta", "payload": {"id": "t"}}]
    rows += [{"type": "response_item", "payload": {"type": "function_call_output", "output": one}} for one in outputs]
    (folder / "rollout-2026-01-02T03-04-05-t.jsonl").write_bytes(stream(*rows))
    return {"CODEX_HOME": str(home)}


RAN = "Chunk ID: 1\nProcess exited with code 0\nOutput:\nx\n"
SHUT = f"Chunk ID: 1\nProcess exited with code 1\nOutput:\n{BWRAP}"


@pytest.mark.parametrize(
    ("outputs", "failure"),
    [
        ((SHUT, SHUT), Failure.SANDBOX),
        ((SHUT, RAN), Failure.NONE),
        ((SHUT, "Success. Updated the following files"), Failure.NONE),
        ((RAN,), Failure.NONE),
        ((), Failure.NONE),
    ],
)
def test_a_command_that_codex_kept_out_of_its_stream_is_found_in_its_session(
    tmp_path: Path, outputs: tuple[str, ...], failure: Failure
) -> None:
    result = Codex().read_stream(stream(*CODEX_GOOD[:2], *CODEX_GOOD[4:]), b"", 0)
    assert with_sandbox_fault(result, kept_by_codex(tmp_path, *outputs)).failure is failure


def test_a_command_of_codex_that_only_failed_says_nothing_of_its_sandbox() -> None:
    failed = codex_item("command_execution", command="grep x y", aggregated_output="", exit_code=1)
    ran = codex_item("command_execution", command="ls", aggregated_output="x", exit_code=0)
    for commands in ((), (failed,), (failed, SHUT_OUT), (SHUT_OUT, ran), (ran, failed)):
        result = Codex().read_stream(stream(*CODEX_GOOD[:2], *commands, *CODEX_GOOD[4:]), b"", 0)
        assert (result.failure, result.message) == (Failure.NONE, ""), commands


# gemini


@pytest.mark.parametrize(
    ("message", "status", "failure"),
    [
        ("[API Error: x]", 145, Failure.LOGIN),
        ("[API Error: x]", 173, Failure.RATE_LIMIT),
        ("[API Error: x]", 244, Failure.OVERLOADED),
        ("[API Error: x]", 144, Failure.CLIENT),
        ("[API Error: Incomplete JSON segment at the end]", 1, Failure.CLIENT),
        ("malformed function call", 0, Failure.CLIENT),
        ('[API Error: {"error":{"message":"x","code":429}}]', 1, Failure.RATE_LIMIT),
    ],
)
def test_an_error_of_gemini_is_told_by_status_or_words(message: str, status: int, failure: Failure) -> None:
    result = Gemini().read_stream(stream(*gemini_error(message)), b"", status)
    assert (result.ended, result.failure) == (True, failure)


def test_gemini_without_a_login_says_so_on_stderr() -> None:
    error = json.dumps({"error": {"type": "Error", "message": "Invalid auth method selected.", "code": 41}}, indent=2)
    result = Gemini().read_stream(b"", f"Warning: x\n{error}\n".encode(), 41)
    assert (result.ended, result.failure, result.message) == (False, Failure.LOGIN, "Invalid auth method selected.")


def test_what_geminis_policy_refused_is_told() -> None:
    refused = {"type": "tool_result", "tool_id": "t2", "status": "error", "error": {"type": "policy_violation"}}
    asked = {
        "type": "tool_result",
        "tool_id": "t3",
        "status": "error",
        "error": {"message": 'Tool execution for "Shell" requires user confirmation, which is not supported'},
    }
    broken = {"type": "tool_result", "tool_id": "t4", "status": "error", "error": {"message": "no such file"}}
    tools = (gemini_tool(2, "git push"), refused, gemini_tool(3, "make"), asked, gemini_tool(4, "cat x"), broken)
    result = Gemini().read_stream(stream(*GEMINI_GOOD[:-1], *tools, GEMINI_GOOD[-1]), b"", 0)
    assert result.denials == ("run_shell_command: git push", "run_shell_command: make")


# command


def test_a_commands_exit_is_its_word() -> None:
    mine = Command("mine", ("x",), {})
    assert mine.read_stream(b"bye\n", b"", 0) == StreamResult(True, last_message="bye")
    assert mine.read_stream(b"", b"rate limit exceeded, try again in 5 s", 1)[1:4:2] == (Failure.RATE_LIMIT, 5.0)
    assert mine.read_stream(b"", b"", 3) == StreamResult(False, Failure.CLIENT, "it ended with 3")
    assert mine.read_stream(b"", b"", -9).failure is Failure.INTERRUPTED


# words and lines


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        ("line 401 of the file", Failure.CLIENT),
        ("in 503 files", Failure.CLIENT),
        ("HTTP error 502", Failure.OVERLOADED),
        ("Authentication required", Failure.LOGIN),
        ('{"type": "authentication_error"}', Failure.LOGIN),
        ("UNAUTHENTICATED: sign in first", Failure.LOGIN),
        ("author required in 3 files", Failure.CLIENT),
        ("insufficient_quota", Failure.RATE_LIMIT),
        ("", Failure.CLIENT),
    ],
)
def test_words_of_failure(message: str, failure: Failure) -> None:
    assert failure_in(message) is failure


def test_waiting_times() -> None:
    delays = {"try again in 250ms": 0.25, "Try again in 2 minutes": 120.0, "try again in 1h": 3600.0, "try again": None}
    assert {message: retry_after_in(message) for message in delays} == delays


def test_objects_are_found_in_lines_and_at_the_end() -> None:
    assert events(b'{"a": 1}\nx\n {"b": 2}\n[3]\n{"c"') == [{"a": 1}, {"b": 2}]
    assert whole(b'talk\n{\n  "a": {\n    "b": 1\n  }\n}\n') == {"a": {"b": 1}}
    assert whole(b"talk {") is None
