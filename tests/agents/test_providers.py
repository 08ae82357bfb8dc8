"""Command lines of the providers: what each access allows, what settings are used, and what they may contain."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.agents.claude import Claude, settings
from okstra_ctl.agents.codex import Codex
from okstra_ctl.agents.gemini import Gemini
from okstra_ctl.agents.job import Job, Provider
from okstra_ctl.agents.providers import BUILT_IN, provider, provider_settings, speaker
from okstra_ctl.errors import UsageError
from okstra_ctl.results.voices import Speaker
from okstra_ctl.status import Access

READ_JOB = Job(
    worker="w",
    role="analyst",
    provider="p",
    model="m-1",
    prompt="/run/prompt.md",
    folder="/repo/tree",
    access=Access.READ,
    result="/run/worker-results/r.md",
    audit="/run/worker-results/a.md",
    log="/run/logs/w.log",
    token="t",
    soft_limit=1,
    hard_limit=2,
    writable=("/run/worker-results", "/repo/.git"),
    readable=("/task",),
)
EDIT_JOB = READ_JOB._replace(access=Access.EDIT)
TEST_JOB = READ_JOB._replace(access=Access.TEST)


def argv(client: Provider, job: Job) -> list[str]:
    return list(client.launch(job, "do it", {}).argv)


def values(words: list[str], flag: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == flag]


@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_ever_bypasses_the_clients_own_limits(name: str) -> None:
    for job in (READ_JOB, TEST_JOB, EDIT_JOB):
        words = argv(provider(name, {}), job)
        assert not [word for word in words if "bypass" in word or "yolo" in word or "danger" in word]


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
def test_the_model_is_named_and_the_prompt_goes_in_by_stdin(name: str) -> None:
    launch = provider(name, {}).launch(READ_JOB, "dö it", {"PATH": "/bin"})
    assert values(list(launch.argv), "--model") == ["m-1"]
    assert launch.stdin == "dö it".encode()
    assert not any("dö it" in word for word in launch.argv)
    assert launch.environment["OKSTRA_RESULT"] == READ_JOB.result
    assert launch.environment["PATH"] == "/bin"


def test_marks_of_the_session_outside_do_not_reach_a_client() -> None:
    outside = {"CLAUDECODE": "1", "CLAUDE_CODE_OAUTH_TOKEN": "secret", "OKSTRA_WORKER": "outer", "LANG": "ko"}
    environment = provider("claude", {}).launch(READ_JOB, "", outside).environment
    assert "CLAUDECODE" not in environment
    assert "OKSTRA_WORKER" not in environment
    assert (environment["CLAUDE_CODE_OAUTH_TOKEN"], environment["LANG"]) == ("secret", "ko")


def test_a_persons_own_retry_settings_stand() -> None:
    environment = Claude().launch(READ_JOB, "", {"CLAUDE_CODE_MAX_RETRIES": "0"}).environment
    assert environment["CLAUDE_CODE_MAX_RETRIES"] == "0"
    assert environment["CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"] == "1"


def permissions(job: Job) -> tuple[set[str], set[str]]:
    found = settings(job)["permissions"]
    return set(found["allow"]), set(found["deny"])


def test_claude_may_write_its_result_and_nothing_else_when_it_reads() -> None:
    allow, deny = permissions(READ_JOB)
    own = {"Edit(//run/worker-results/r.md)", "Edit(//run/worker-results/a.md)"}
    assert allow == {*own, "Read", "Bash(okstra check:*)"}
    assert {"Edit(//repo/tree/**)", "Bash(git push:*)"} <= deny
    assert values(argv(Claude(), READ_JOB), "--permission-mode") == ["default"]
    allow, deny = permissions(TEST_JOB)
    assert allow == {*own, "Read", "Bash"}
    assert values(argv(Claude(), TEST_JOB), "--permission-mode") == ["default"]  # what nobody allowed is refused


def test_claude_edits_in_its_folder_when_it_executes() -> None:
    allow, deny = permissions(EDIT_JOB)
    assert "Bash" in allow
    assert not [rule for rule in deny if rule.startswith("Edit")]
    assert "Bash(git push:*)" in deny
    assert values(argv(Claude(), EDIT_JOB), "--permission-mode") == ["acceptEdits"]


@pytest.mark.parametrize("phase", ["implementation", "release-handoff"])
def test_no_agent_may_push_in_any_phase(phase: str) -> None:
    """A hand-off's steps are okstra's own, and no agent takes part in it."""
    job = EDIT_JOB._replace(environment={"OKSTRA_PHASE": phase})
    assert "Bash(git push:*)" in permissions(job)[1]
    (policy,) = values(argv(Gemini(), job), "--admin-policy")
    assert policy.endswith("/gemini-edit.toml")
    assert "git push" in Path(policy).read_text(encoding="utf-8")


def test_a_result_inside_the_folder_is_not_denied_with_it() -> None:
    job = READ_JOB._replace(result="/repo/tree/.okstra/r.md")
    assert "Edit(//repo/tree/**)" not in permissions(job)[1]
    assert "Edit(//repo/tree/.okstra/r.md)" in permissions(job)[0]


def test_signs_of_patterns_in_a_path_are_taken_as_they_are() -> None:
    assert "Edit(//a \\[b\\]\\*/r.md)" in permissions(READ_JOB._replace(result="/a [b]*/r.md"))[0]


def test_a_persons_claude_settings_are_kept_and_added_to() -> None:
    given: dict[str, Any] = {"hooks": {"PreToolUse": []}, "permissions": {"deny": ["WebFetch"], "ask": ["x"]}}
    found = settings(READ_JOB._replace(options={"settings": given}))
    assert found["hooks"] == {"PreToolUse": []}
    assert found["permissions"]["ask"] == ["x"]
    assert {"WebFetch", "Bash(git push:*)"} <= set(found["permissions"]["deny"])
    assert given["permissions"] == {"deny": ["WebFetch"], "ask": ["x"]}
    words = argv(Claude(), READ_JOB)
    assert json.loads(values(words, "--settings")[0]) == settings(READ_JOB)


def test_codexs_sandbox_is_as_wide_as_the_access() -> None:
    read, test, edit = (argv(Codex(), job) for job in (READ_JOB, TEST_JOB, EDIT_JOB))
    assert [values(words, "--sandbox")[0] for words in (read, test, edit)] == [
        "read-only",
        "workspace-write",
        "workspace-write",
    ]
    assert values(read, "--add-dir") == []
    assert values(edit, "--add-dir") == ["/run/worker-results", "/repo/.git"]
    assert edit[-1] == "-"


def test_who_can_not_write_delivers_by_message() -> None:
    delivered = {
        (client.name, access): client.delivers_by_message(access)
        for client in (Claude(), Codex(), Gemini())
        for access in Access
    }
    assert {key for key, value in delivered.items() if value} == {("codex", Access.READ), ("gemini", Access.READ)}


def test_gemini_sees_the_folders_that_it_needs() -> None:
    assert values(argv(Gemini(), READ_JOB), "--include-directories") == ["/task"]
    assert values(argv(Gemini(), EDIT_JOB), "--include-directories") == [*EDIT_JOB.writable, "/task"]
    assert values(argv(Gemini(), TEST_JOB), "--approval-mode") == ["default"]
    assert values(argv(Gemini(), EDIT_JOB), "--approval-mode") == ["auto_edit"]


def test_a_command_of_the_users_is_filled_in() -> None:
    config = {"providers": {"mine": {"argv": ["mine", "-m={{MODEL}}", "{{RESULT}}"], "env": {"A": "b"}}}}
    found = provider_settings(config, {}, project_root="/p")
    launch = provider("mine", found).launch(TEST_JOB, "x", {"A": "c"})
    assert launch.argv == ("mine", "-m=m-1", "/run/worker-results/r.md")
    assert (launch.environment["A"], launch.environment["OKSTRA_ACCESS"]) == ("b", "test")


def test_a_commands_voice_is_its_familys_and_its_command_lines() -> None:
    def voice(asked: str = "m", observed: str = "", **given: object) -> Speaker:
        return speaker("w", "mine", asked, observed, {"mine": given})

    line = ["agent", "--model={{MODEL}}", "{{RESULT}}"]
    assert voice(argv=line, family="OpenAI") == Speaker("gpt", ("agent", "--model=m", "", ""))
    assert voice(argv=line, family=" House ").family == "house"
    assert voice("n", argv=line) != voice("m", argv=line)
    assert voice("n", argv=["a"]) == voice("m", argv=["a"]) != voice(argv=["a"], model="n") != voice(argv=["a"])
    assert voice(argv=["a"], env={"A": "1"}) != voice(argv=["a"], env={"A": "2"})
    assert voice(argv=["a"], observed="claude").family == ""
    assert (voice(observed="claude", family="gpt"), voice(family="gpt")) == (Speaker("claude"), Speaker("gpt"))
    assert speaker("rehearsal-a", "rehearsal", "rehearsal", "", {}) == Speaker("rehearsal-a")


def test_an_unknown_provider_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UsageError) as raised:
        provider("mien", {"mine": {"argv": ["x"]}})
    assert (raised.value.code, "mine" in raised.value.hint) == ("unknown-worker", True)


def test_the_rehearsals_script_is_the_projects() -> None:
    def script(value: str) -> dict[str, object]:
        return {"providers": {"rehearsal": {"script": value}}}

    found = provider_settings(script("/home/x.toml"), script("demo/../play.toml"), project_root="/p")
    assert found["rehearsal"]["script"] == "/p/play.toml"
    assert provider_settings(script("/home/x.toml"), {}, project_root="/p")["rehearsal"]["script"] == "/home/x.toml"
    words = argv(provider("rehearsal", {}), READ_JOB._replace(options=found["rehearsal"]))
    assert (words[0], words[-1]) == (sys.executable, "/p/play.toml")


@pytest.mark.parametrize(
    "project",
    [
        {"mine": {"argv": ["rm", "-rf", "/"]}},
        {"claude": {"arguments": ["--dangerously-skip-permissions"]}},
        {"claude": {"settings": {"hooks": {}}}},
        {"rehearsal": {"script": "x", "arguments": []}},
    ],
)
def test_a_repository_decides_on_no_program(project: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"a project may set providers\.rehearsal\.script alone") as raised:
        provider_settings({}, {"providers": project}, project_root="/p")
    assert (raised.value.code, raised.value.where) == ("bad-config", "project.json")


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        ([], "providers is not a map"),
        ({"mine": []}, "providers is not a map"),
        ({"mine": {}}, "providers.mine.argv is not a list"),
        ({"mine": {"argv": []}}, "providers.mine.argv is not a list"),
        ({"mine": {"argv": ["a", 1]}}, "providers.mine.argv is not a list"),
        ({"mine": {"argv": ["a\0b"]}}, "providers.mine.argv is not a list"),
        ({"mine": {"argv": ["a"], "env": {"A": 1}}}, "providers.mine.env"),
        ({"mine": {"argv": ["a", "{{SECRET}}"]}}, "asks for {{SECRET}}"),
        ({"mine": {"argv": ["a"], "family": " "}}, "providers.mine.family"),
        ({"claude": {"family": 1}}, "providers.claude.family"),
        ({"codex": {"argv": ["a"]}}, "own adapter"),
        ({"codex": {"arguments": "x"}}, "providers.codex.arguments"),
        ({"rehearsal": {"script": 1}}, "providers.rehearsal.script"),
        ({"claude": {"settings": []}}, "providers.claude.settings"),
        ({"claude": {"settings": {"permissions": {"allow": "Bash"}}}}, "providers.claude.settings.permissions"),
    ],
)
def test_settings_that_do_not_fit_are_named(providers: object, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        provider_settings({"providers": providers}, {}, project_root="/p")
    assert raised.value.code == "bad-config"
    assert said in raised.value.message
