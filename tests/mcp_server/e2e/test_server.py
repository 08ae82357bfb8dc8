"""`okstra mcp`, called by the SDK's own client over standard input and output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp_types import CallToolResult

from support.faults import eventually
from support.okstra import Project
from support.projects import registered
from support.rehearsal import install, part
from support.repos import Repo
from support.sealed import ROOT, sealed_environment

Talk = Callable[[Client], Awaitable[None]]


def _talk(project: Project, talk: Talk) -> None:
    """Starts the server in the project, and ends it after the talk as a client does: by closing its input."""

    async def all_of_it() -> None:
        server = StdioServerParameters(
            command=str(ROOT / "bin" / "okstra"),
            args=["mcp"],
            env=dict(project.okstra.environment),
            cwd=str(project.repo.path),
        )
        with anyio.fail_after(90):
            async with Client(stdio_client(server)) as client:
                await talk(client)

    anyio.run(all_of_it)


def _text(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the server answered to one client, by the name of the question."""
    folder = tmp_path_factory.mktemp("mcp")
    (folder / "home").mkdir()
    environment = sealed_environment(folder / "home")
    project = registered(Repo.init(folder / "project", environment), environment)
    found: dict[str, Any] = {}

    async def talk(client: Client) -> None:
        found["tools"] = (await client.list_tools()).tools
        asked = {"request": "The list is empty.", "task_type": "error-analysis", "provider": "rehearsal"}
        found["run"] = begun = await client.call_tool("run", asked)
        run = begun.structured_content["run_id"]
        found["wait"] = await client.call_tool("wait", {"run": run, "timeout": 60})
        found["show"] = await client.call_tool("show", {"run": run})
        found["again"] = await client.call_tool("wait", {"run": run, "for": "results"})
        found["next"] = await client.call_tool("next", {})
        found["list"] = await client.call_tool("list", {"limit": 1})
        found["no such run"] = await client.call_tool("show", {"run": "demo:core:T-9/error-analysis/001"})
        found["wrong"] = await client.call_tool("next", {"approve": True})
        found["refused"] = await client.call_tool("run", {"task_type": "implementation", "task_key": run.split("/")[0]})
        try:
            await client.call_tool("approve", {})
        except MCPError as error:
            found["no such tool"] = error

    _talk(project, talk)
    return found


def test_the_tools_say_which_of_them_read(heard: dict[str, Any]) -> None:
    reads = {tool.name: tool.annotations.read_only_hint for tool in heard["tools"]}
    assert reads == {
        **dict.fromkeys(("list", "show", "status", "stage_list", "next", "report", "wait"), True),
        "run": False,
    }


def test_a_run_is_begun_waited_for_and_shown(heard: dict[str, Any]) -> None:
    begun, ended, shown = (heard[name] for name in ("run", "wait", "show"))
    assert begun.structured_content["ended"] == "" and not begun.is_error
    assert not ended.is_error, _text(ended)
    assert ended.structured_content["outcome"] == "completed"
    assert shown.structured_content["manifest"]["run_id"] == begun.structured_content["run_id"]
    assert shown.structured_content["status"] == "completed"
    assert heard["again"].structured_content["ended"] == "ready"
    assert heard["list"].structured_content["runs"][0]["run_id"] == begun.structured_content["run_id"]


def test_what_comes_next_is_a_command_for_the_person(heard: dict[str, Any]) -> None:
    assert heard["next"].structured_content["next"].startswith("okstra run --task-key demo:")
    assert "did" not in heard["next"].structured_content


def test_an_error_says_what_where_and_what_to_try(heard: dict[str, Any]) -> None:
    unknown = heard["no such run"]
    assert unknown.is_error and unknown.structured_content["error"]["code"] == "not-found"
    first, where, hint = _text(unknown).split("\n")
    assert first.startswith("error: there is no run demo:core:T-9")
    assert where.startswith("where: /") and hint.startswith("try: ")
    refused = heard["refused"]
    assert refused.is_error and refused.structured_content["error"]["try"]


def test_what_no_tool_takes_is_refused_before_anything_starts(heard: dict[str, Any]) -> None:
    assert heard["wrong"].is_error and "'approve' was unexpected" in _text(heard["wrong"])
    assert "there is no tool approve" in str(heard["no such tool"])


def test_a_run_ends_with_the_server_and_can_be_resumed(project: Project) -> None:
    install(project, part({"wait": 60}, worker="rehearsal-a", round=""))
    runs: list[str] = []

    async def talk(client: Client) -> None:
        asked = {"request": "It hangs.", "task_type": "error-analysis", "provider": "rehearsal"}
        begun = await client.call_tool("run", asked)
        runs.append(begun.structured_content["run_id"])
        waited = await client.call_tool("wait", {"run": runs[0], "timeout": 0.2})
        assert (waited.is_error, waited.structured_content["ended"]) == (False, "")
        assert waited.structured_content["progress"][0] == f"prepared {runs[0]}"

    _talk(project, talk)
    eventually(lambda: _shown(project, runs[0])["status"] == "interrupted")
    assert _shown(project, runs[0])["next"].startswith("okstra resume ")


def _shown(project: Project, run: str) -> dict[str, Any]:
    return project.okstra.ok("show", run, "--json").data


_BEGIN = (
    {
        **{"jsonrpc": "2.0", "id": 1, "method": "initialize"},
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
)


def _asked(number: int, tool: object, arguments: object) -> bytes:
    asked = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return json.dumps(asked).encode() + b"\n"


def test_whatever_comes_over_the_wire_gets_an_error_and_half_a_line_ends_it(project: Project) -> None:
    server = subprocess.Popen(
        [str(ROOT / "bin" / "okstra"), "mcp"],
        cwd=project.repo.path,
        env=project.okstra.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert server.stdin is not None and server.stdout is not None
    asked = [
        _asked(2, "show", {"run": "\ud800x"}),
        _asked(3, "show", {"run": "x" * 3_000_000}),
        _asked(4, "show", [1]),
        _asked(5, "\ud800", {}),
        _asked(6, "show", {"run": 5}),
        _asked(7, "wait", {"run": "x", "timeout": float("nan")}),
        b"no json\n" + b"[" * 100_000 + b"\n\xff\n[]\n",
        _asked(8, "approve", {}),
    ]
    server.stdin.write(b"".join(json.dumps(one).encode() + b"\n" for one in _BEGIN) + b"".join(asked))
    server.stdin.flush()
    answers = [json.loads(server.stdout.readline()) for _ in range(8)]
    by_id = {one["id"]: one for one in answers}
    assert set(by_id) == set(range(1, 9))
    wrong = [one for one in range(2, 9) if "error" not in by_id[one] and not by_id[one]["result"]["isError"]]
    assert wrong == []
    assert "no command line can have" in json.dumps(by_id[2]) and "longer than" in json.dumps(by_id[3])
    left, complaints = server.communicate(b'{"jsonrpc": "2.0", "id": 9, "meth', timeout=30)
    assert (server.returncode, left) == (0, b"")
    assert b"Traceback" not in complaints


def test_no_worker_starts_the_server(project: Project) -> None:
    refused = project.okstra("mcp", "--json", OKSTRA_WORKER="0" * 32, OKSTRA_WORKER_HOME=str(project.home))
    assert (refused.status, refused.codes) == (3, ["worker-may-not"]), refused


_WITHOUT = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
sys.modules["mcp"] = None
from okstra_ctl.cli import main
sys.exit(main(["mcp"]))
"""


def test_without_the_sdk_both_commands_that_bring_it_are_named(project: Project, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _WITHOUT],
        cwd=project.repo.path,
        env=project.okstra.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 69
    assert "okstra install --with mcp; or pip install 'okstra[mcp]'" in done.stderr
