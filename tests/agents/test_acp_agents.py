"""The table of known agents, and what a person's config.json makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from okstra_ctl.agents.acp.access import Asked, Ground, option_for, refusal
from okstra_ctl.agents.acp.provider import agents_argv
from okstra_ctl.agents.acp_agents import Agent, agent_in, agents, variables_for
from okstra_ctl.agents.providers import own_commands, provider, provider_settings, speaker
from okstra_ctl.errors import UsageError
from okstra_ctl.results.voices import Speaker
from okstra_ctl.settings.roster import access_of, delivers_by_message, worker_name
from okstra_ctl.status import Access
from okstra_ctl.system import assets

TABLE = assets.toml("prompts", "agents.toml")
NAMES = {"opencode", "gemini", "qwen", "copilot", "goose", "cursor", "claude", "codex"}


def known(**own: Any) -> dict[str, Agent]:
    return agents(TABLE, {"agents": own}, "config.json")


def test_the_table_keeps_the_rules_that_a_persons_settings_must_keep() -> None:
    assert set(agents(TABLE, {}, "")) == NAMES
    for name in NAMES:
        assert known(**{name: TABLE[name]})[name]._replace(own=False) == known()[name]


def test_a_person_adds_an_agent_and_changes_a_known_one_field_by_field() -> None:
    found = known(mine={"argv": ["my-agent", "acp"]}, opencode={"model": "openai/gpt-5.6"})
    assert found["mine"] == Agent("mine", ("my-agent", "acp"), own=True)
    assert found["opencode"].model == "openai/gpt-5.6" and found["opencode"].argv[:2] == ("opencode", "acp")


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("Mine", {"argv": ["x"]}, "agents.Mine is no name"),
        ("mine", ["x"], "agents.mine is not an object"),
        ("mine", {}, "agents.mine.argv is missing"),
        ("mine", {"argv": "x"}, "agents.mine.argv is not a list"),
        ("mine", {"argv": ["x", "{{RESULT}}"]}, "asks for {{RESULT}}"),
        ("mine", {"argv": ["x"], "arguments": []}, "agents.mine.arguments is unknown"),
        ("mine", {"argv": ["x"], "state": ["/etc/"]}, "agents.mine.state has '/etc/'"),
        ("mine", {"argv": ["x"], "state": ["../other"]}, "agents.mine.state has '../other'"),
        ("mine", {"argv": ["x"], "state": ["./"]}, "agents.mine.state has './'"),
        ("mine", {"argv": ["x"], "logins": [".mine/"]}, "agents.mine.logins has '.mine/'"),
        ("mine", {"argv": ["x"], "variables": ["A=B"]}, "agents.mine.variables has 'A=B'"),
        ("mine", {"argv": ["x"], "env": {"A": 1}}, "agents.mine.env is not"),
        ("mine", {"argv": ["x"], "family": " "}, "agents.mine.family is not"),
        ("mine", {"argv": ["x"], "startSeconds": 0}, "agents.mine.startSeconds is not"),
        ("mine", {"argv": ["x"], "startSeconds": True}, "agents.mine.startSeconds is not"),
    ],
)
def test_what_is_wrong_in_the_settings_is_named_with_its_place(name: str, given: Any, fault: str) -> None:
    with pytest.raises(UsageError) as refused:
        known(**{name: given})
    assert fault in refused.value.message
    assert (refused.value.code, refused.value.where) == ("bad-config", "config.json")


def test_a_project_names_no_agent_and_providers_name_none_of_the_protocol() -> None:
    own = provider_settings({}, {"agents": {"mine": {"argv": ["x"]}}}, project_root="/p")
    assert "acp:mine" not in own and "acp:opencode" in own
    with pytest.raises(UsageError) as refused:
        provider_settings({"providers": {"acp:mine": {"argv": ["x"]}}}, {}, project_root="/p")
    assert "agents.mine" in refused.value.message


def test_settings_come_back_as_the_agent_that_they_were_made_of() -> None:
    for agent in known().values():
        assert agent_in(agent.name, agent.to_settings()) == agent
        assert provider(agent.provider, own_commands({}, "")).name == agent.provider


def test_a_word_that_asks_for_the_model_goes_where_nobody_asks_for_one() -> None:
    agent = Agent("mine", ("mine", "--model", "{{MODEL}}", "acp", "-m={{MODEL}}"))
    assert agents_argv(agent, "large") == ("mine", "--model", "large", "acp", "-m=large")
    assert agents_argv(agent, "default") == ("mine", "acp")


def test_variables_are_named_whole_or_by_their_beginning() -> None:
    environment = {"MINE_A": "", "MINE_B": "", "KEY": "", "KEY_2": ""}
    assert variables_for(("MINE_*", "KEY"), environment) == ("MINE_A", "MINE_B", "KEY")


def test_an_agents_voice_is_the_model_that_it_reports_else_what_is_claimed_for_it() -> None:
    settings = own_commands({"agents": {"mine": {"argv": ["x"], "family": "OpenAI"}}}, "")
    assert speaker("w", "acp:mine", "default", "claude", settings, seen="a/claude-x") == Speaker(
        "claude", (), "a/claude-x"
    )
    assert speaker("w", "acp:mine", "default", "", settings).family == "gpt"
    named = own_commands({"agents": {"mine": {"argv": ["x"], "model": "a/gpt-5.6"}}}, "")
    assert speaker("w", "acp:mine", "a/gpt-5.6", "", named) == Speaker("", ("x", "a/gpt-5.6"), "", "a/gpt-5.6")
    assert speaker("w", "acp:mine", "a/gpt-5.6", "", named, seen="odd-1").asked == ""


def test_an_agent_answers_by_its_closing_message_in_every_role_under_a_name_that_can_name_files() -> None:
    assert worker_name("acp:opencode") == "acp-opencode" and worker_name("claude") == "claude"
    for role in ("analyst", "verifier", "executor", "report-writer", "critic"):
        assert delivers_by_message("acp:opencode", access_of(role))
        assert provider("acp:opencode", own_commands({}, "")).delivers_by_message(access_of(role))


READ, TEST, EDIT = (
    Ground(access, "/w/tree", ("/w/records",), ("/w/drop/r.md",)) for access in (Access.READ, Access.TEST, Access.EDIT)
)


@pytest.mark.parametrize(
    ("ground", "asked", "allowed"),
    [
        (READ, Asked("read", ("/w/tree/a",)), True),
        (READ, Asked("search"), True),
        (READ, Asked("read", ("/w/records/brief.md",)), True),
        (READ, Asked("read", ("/w/tree-2/a",)), False),
        (READ, Asked("edit", ("/w/drop/r.md",)), True),
        (READ, Asked("edit", ("/w/drop/other.md",)), False),
        (READ, Asked("edit"), False),
        (READ, Asked("execute", (), "ls"), False),
        (READ, Asked("fetch"), False),
        (READ, Asked(""), False),
        (TEST, Asked("execute", (), "make test"), True),
        (TEST, Asked("execute", (), "git push --force"), False),
        (TEST, Asked("edit", ("/w/tree/a",)), False),
        (TEST, Asked("other"), False),
        (EDIT, Asked("edit", ("/w/tree/a",)), True),
        (EDIT, Asked("edit", ("/w/tree/a", "/etc/passwd")), False),
        (EDIT, Asked("delete", ("/w/tree/.git",)), False),
        (EDIT, Asked("move", ("/w/tree/.github/a",)), True),
        (EDIT, Asked("other", ("/w/tree/a",)), True),
        (EDIT, Asked("other", ("/w/other",)), False),
        (EDIT, Asked("switch_mode"), False),
        (EDIT, Asked("execute", (), "git log --grep=push && git commit -m 'push it'"), True),
        (EDIT, Asked("execute", (), "cd sub; git -C .. --no-pager push"), False),
    ],
)
def test_the_role_decides_what_an_agent_may(ground: Ground, asked: Asked, allowed: bool) -> None:
    assert (refusal(ground, asked) == "") is allowed


def test_what_is_allowed_is_allowed_once_and_what_offers_no_refusal_is_cancelled() -> None:
    assert option_for(["allow_always", "allow_once", "reject_once"], allowed=True) == 1
    assert option_for(["allow_always", "reject_always"], allowed=True) == 1
    assert option_for(["allow_always", "allow_once"], allowed=False) is None
