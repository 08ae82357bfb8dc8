"""The guard of the real home sees what tests could have written, and nothing that a client writes meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sealed import traces

SOMEWHERE = "/tmp/pytest-of-me/pytest-7/test_x0/project"
OF_A_TEST = {
    ".okstra/worktrees/registry.json": "{}",
    ".okstra/config.json": "{}",
    ".claude/skills/okstra-run/SKILL.md": "a skill",
    ".claude/agents/okstra-worker.md": "an agent",
    ".codex/skills/okstra-run/SKILL.md": "a skill",
    ".claude/settings.json": f'{{"hooks": "okstra guard tool --rules {SOMEWHERE}"}}',
    ".codex/config.toml": f'[projects."{SOMEWHERE}"]',
    ".claude/projects/-tmp-pytest-of-me-pytest-7-test-x0/a.jsonl": "{}",
    ".gitconfig": f"[safe] directory = {SOMEWHERE}",
}
OF_A_CLIENT = {
    ".claude/projects/-home-me-okstra/session.jsonl": f"okstra run in {SOMEWHERE}",
    ".claude/history.jsonl": f"why does {SOMEWHERE} fail",
    ".claude/plugins/known_marketplaces.json": "{}",
    ".claude/settings.json": '{"model": "opus"}',
    ".claude/statsig/cache": "1",
    ".codex/sessions/2026/11/30/rollout-okstra.jsonl": "okstra",
    ".codex/auth.json": "{}",
    ".gemini/tmp/okstra/logs.json": "{}",
    ".gitconfig": "[user] name = me",
}


def write(home: Path, name: str, text: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("name", OF_A_TEST)
def test_what_a_test_writes_is_seen(tmp_path: Path, name: str) -> None:
    for other, text in OF_A_CLIENT.items():
        write(tmp_path, other, text)
    before = traces(tmp_path)
    write(tmp_path, name, OF_A_TEST[name])
    assert set(traces(tmp_path)) - set(before) == {str(tmp_path / name)}
    (tmp_path / name).unlink()
    assert traces(tmp_path) == before


@pytest.mark.parametrize("name", OF_A_CLIENT)
def test_what_a_client_writes_says_nothing(tmp_path: Path, name: str) -> None:
    write(tmp_path, ".okstra/version", "1")
    before = traces(tmp_path)
    write(tmp_path, name, OF_A_CLIENT[name])
    assert traces(tmp_path) == before
