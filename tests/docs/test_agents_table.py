"""The table of real agents in the docs is what the tests saw of them (`tests/clients/test_agents.py`)."""

from __future__ import annotations

import json

import pytest

from clients import seen
from okstra_ctl.agents.acp_agents import agents
from okstra_ctl.system import assets
from support.sealed import ROOT

PAGE = seen.PAGE.read_text(encoding="utf-8")


def test_the_table_is_made_of_what_was_seen() -> None:
    assert seen.with_table(PAGE) == PAGE, "python tests/clients/seen.py"
    assert all(line in PAGE for line in seen.table().splitlines())


@pytest.mark.parametrize("name", agents(assets.toml("prompts", "agents.toml"), {}, ""))
def test_every_known_agent_is_named_and_tried_or_said_to_be_not(name: str) -> None:
    assert f"`{name}`" in PAGE
    tried = json.loads(seen.SEEN.read_text())
    assert f"acp:{name}" in tried or "have not been tried" in PAGE


def test_the_pinned_versions_are_those_that_were_tried() -> None:
    pinned = (ROOT / "tests" / "clients" / "install.py").read_text(encoding="utf-8")
    assert [row["version"] for row in json.loads(seen.SEEN.read_text()).values() if row["version"] not in pinned] == []
