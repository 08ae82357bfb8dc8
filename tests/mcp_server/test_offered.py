"""The tools' schemas and command lines come from okstra's own parsers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.command_table import find, verb_in
from okstra_ctl.errors import UsageError
from okstra_ctl.mcp_server.calls import Desk
from okstra_ctl.mcp_server.offered import TOOLS, Tool, description_of, schema_of, tool_named, words_of
from okstra_ctl.options import build_parser


def _tool(name: str) -> Tool:
    found = tool_named(name)
    assert found is not None
    return found


def _words(name: str, **arguments: Any) -> list[str]:
    return words_of(_tool(name), arguments)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_argument_has_a_type_and_a_text(tool: Tool) -> None:
    schema = schema_of(tool)
    assert len(schema["properties"]) == len(tool.takes) + 1
    assert all(one["description"] and one["type"] for one in schema["properties"].values())
    assert description_of(tool)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.reads], ids=lambda tool: tool.name)
def test_a_tool_that_reads_is_a_command_that_changes_nothing(tool: Tool) -> None:
    assert not verb_in(tool.words).may_change(words_of(tool, dict.fromkeys(schema_of(tool)["required"], "x")))


def test_no_tool_takes_what_a_person_alone_may_say() -> None:
    theirs = {"approve", "trust", "push", "pr", "draft", "yes", "quick", "all_ready", "sandbox", "lead", "render_only"}
    for tool in TOOLS:
        assert not theirs & set(schema_of(tool)["properties"]), tool.name
    phases = schema_of(_tool("run"))["properties"]["task_type"]["enum"]
    assert "implementation" in phases and not {"release-handoff", "review"} & set(phases)


def test_no_argument_passes_for_a_flag() -> None:
    words = _words("run", request="--approve", task_key="--push")
    command = find("run")
    assert command is not None
    parsed = build_parser(command)[0].parse_args(words[1:])
    assert (parsed.words, parsed.task_key) == ("--approve", "--push")
    assert (parsed.approve, parsed.push, parsed.yes, parsed.lead) == (False, False, True, "auto")


def test_a_command_line_has_the_flags_of_its_arguments() -> None:
    assert _words("list", limit=3, all=True, project_root="/") == [
        *("list", "--project-root=/", "--limit=3", "--all", "--json", "--no-input")
    ]
    assert _words("stage_list", task_key="demo:core:T-1")[:3] == ["stage", "list", "--task-key=demo:core:T-1"]
    assert "--all" not in _words("list", all=False)


@pytest.mark.parametrize(
    ("name", "arguments", "what"),
    [
        ("show", {}, "'run' is a required property"),
        ("show", {"run": 3}, "3 is not of type 'string'"),
        ("next", {"approve": True}, "'approve' was unexpected"),
        ("run", {"task_type": "release-handoff"}, "'release-handoff' is not one of"),
        ("show", {"run": "a\0b"}, "run has characters that no command line can have"),
        ("show", {"run": "\ud800"}, "run has characters"),
        ("list", {"project_root": "/p\0"}, "project_root has characters"),
        ("list", {"project_root": "/no/such/folder"}, "project_root is no folder"),
        ("list", {"limit": "3"}, "'3' is not of type 'integer'"),
    ],
)
def test_what_the_schema_does_not_take_is_refused(name: str, arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError) as refused:
        _words(name, **arguments)
    assert what in refused.value.message


def test_how_long_a_wait_may_be_is_a_number_of_seconds_with_limits() -> None:
    given = schema_of(_tool("wait"))["properties"]["timeout"]
    assert (given["type"], given["minimum"], given["maximum"]) == ("number", 0, 86400)


@pytest.mark.parametrize("timeout", [math.inf, math.nan, -1, 86401, 10**400, "60", True, None, [1]])
def test_a_wait_has_an_end(timeout: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Desk(str(tmp_path), {}).call(_tool("wait"), {"run": "x", "timeout": timeout})


def test_an_argument_is_no_longer_than_a_command_line_takes() -> None:
    with pytest.raises(UsageError, match="longer than 100000 bytes"):
        _words("show", run="\u00e9" * 50_001)
