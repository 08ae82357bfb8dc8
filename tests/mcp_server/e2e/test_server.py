"""`okstra mcp`, called by the SDK's own client over standard input and output."""

from __future__ import annotations

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
        found["wait"] = await client.call_tool("wait", {"run": run, "timeout": "60"})
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
        waited = await client.call_tool("wait", {"run": runs[0], "timeout": "0.2"})
        assert (waited.is_error, waited.structured_content["ended"]) == (False, "")
        assert waited.structured_content["progress"][0] == f"prepared {runs[0]}"

    _talk(project, talk)
    eventually(lambda: _shown(project, runs[0])["status"] == "interrupted")
    assert _shown(project, runs[0])["next"].startswith("okstra resume ")


def _shown(project: Project, run: str) -> dict[str, Any]:
    return project.okstra.ok("show", run, "--json").data


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
