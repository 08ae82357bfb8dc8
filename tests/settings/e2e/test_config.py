"""`okstra config`: values are typed, checked as a whole, and written so that every other command reads them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.config import find_setting, settings_of
from okstra_ctl.settings.limits import evidence_settings, lead_settings
from okstra_ctl.settings.phases import phase_table
from okstra_ctl.system import assets
from support import schemas
from support.okstra import Okstra, Project

_KEY = "ghp_" + "a1B2" * 9


def config_of(okstra: Okstra) -> Path:
    return Path(okstra.environment["OKSTRA_HOME"]) / "config.json"


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("maxParallelWorkers", ["3"], 3),
        ("limits.softMinutes", ["7.5"], 7.5),
        ("convergence.adversarial", ["yes"], True),
        ("convergence.mode", ["full-reanalysis"], "full-reanalysis"),
        ("models.claude", ["custom:my-model"], "custom:my-model"),
        ("providers.mine.argv", ["my-agent", "--headless"], ["my-agent", "--headless"]),
        ("providers.codex.arguments", ['["-c", "x=1"]'], ["-c", "x=1"]),
        ("providers.claude.settings", ['{"permissions": {}}'], {"permissions": {}}),
    ],
)
def test_a_value_is_set_read_and_taken_out(okstra: Okstra, key: str, words: list[str], value: object) -> None:
    okstra.ok("config", "set", key, "--", *words)
    assert okstra.ok("config", "get", key, "--json").data["value"] == value
    document = json.loads(config_of(okstra).read_text())
    assert schemas.faults(document, "config") == []
    assert document["schema"] == "config/1"
    assert key in {one["key"] for one in okstra.ok("config", "list", "--json").data["settings"]}
    assert okstra.ok("config", "unset", key, "--json").data["was_set"] is True
    assert json.loads(config_of(okstra).read_text()) == {"schema": "config/1"}, "no empty object stays"
    assert okstra.ok("config", "unset", key, "--json").data["was_set"] is False


def test_without_an_action_every_value_is_listed_with_its_origin(okstra: Okstra) -> None:
    okstra.ok("config", "set", "maxParallelWorkers", "3")
    bare = okstra.ok("config", "--json")
    assert bare.envelope == okstra.ok("config", "list", "--json").envelope
    (line,) = [line.split() for line in okstra.ok("config").stdout.splitlines() if line.startswith("maxParallel")]
    assert line[1:3] == ["3", "machine"]


@pytest.mark.parametrize(
    ("key", "words", "code"),
    [
        ("maxParallelWorkers", ["0"], "bad-config"),
        ("maxParallelWorkers", ["many"], "bad-config"),
        ("maxParallelWorkers", ["2", "3"], "bad-config"),
        ("limits.hardMinutes", ["nan"], "bad-config"),
        ("limits.hardMinutes", ["1e3"], "bad-config"),
        ("convergence.mode", ["heavy"], "bad-config"),
        ("convergence.adversarial", ["maybe"], "bad-config"),
        ("models.claude", ["no-such-model"], "unknown-model"),
        ("providers.claude.argv", ["claude"], "bad-config"),
        ("providers.mine.env", ['{"A": 1}'], "bad-config"),
        ("providers.mine.env", ["[1"], "bad-config"),
        ("providers.mine.argv", ["a", "{{NOBODY}}"], "bad-config"),
        ("models", ["opus"], "unknown-setting"),
        ("model.lead", ["opus"], "unknown-setting"),
        ("providers.a b.argv", ["x"], "unknown-setting"),
        ("schema", ["config/2"], "usage"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(okstra: Okstra, key: str, words: list[str], code: str) -> None:
    before = '{"models": {"lead": "opus"}, "ofANewerOkstra": [1]}'
    okstra.ok("config", "list")
    config_of(okstra).parent.mkdir(exist_ok=True)
    config_of(okstra).write_text(before)
    refused = okstra("config", "set", key, *words, "--json")
    assert (refused.status, refused.codes) == (2, [code])
    assert config_of(okstra).read_text() == before


def test_what_okstra_does_not_know_stays(okstra: Okstra) -> None:
    okstra.ok("config", "set", "maxParallelWorkers", "2")
    document = {**json.loads(config_of(okstra).read_text()), "ofANewerOkstra": [1], "models": {"lead": 7}}
    config_of(okstra).write_text(json.dumps(document))
    okstra.ok("config", "set", "maxParallelWorkers", "3")  # a fault elsewhere hinders nobody
    assert json.loads(config_of(okstra).read_text()) == {**document, "maxParallelWorkers": 3}


def test_an_unknown_key_is_told_the_known_ones(okstra: Okstra) -> None:
    told = okstra("config", "get", "quorum").stderr
    assert "convergence.quorum" in told and "providers.NAME.argv" in told
    assert "projectId" not in told


def test_the_list_shows_where_each_value_comes_from(okstra: Okstra) -> None:
    okstra.ok("config", "set", "maxParallelWorkers", "2")
    okstra.ok("config", "set", "sandbox", "auto")
    listed = okstra.ok("config", "list", "--json", OKSTRA_SANDBOX="off", OKSTRA_DEFAULT_CLAUDE_MODEL="custom:m").data
    origins = {one["key"]: one["origin"] for one in listed["settings"]}
    assert origins["maxParallelWorkers"] == "machine" and origins["limits.hardMinutes"] == "default"
    assert (origins["sandbox"], origins["models.claude"]) == ("OKSTRA_SANDBOX", "OKSTRA_DEFAULT_CLAUDE_MODEL")
    rows = {
        line.split()[0]: line.split()[1:3]
        for line in okstra.ok("config", "list", OKSTRA_SANDBOX="off").stdout.splitlines()
    }
    assert rows["setting"] == ["value", "origin"]
    assert (rows["maxParallelWorkers"], rows["sandbox"]) == (["2", "machine"], ["off", "OKSTRA_SANDBOX"])


def test_get_prints_the_value_alone_or_nothing(okstra: Okstra) -> None:
    unset = okstra.ok("config", "get", "convergence.quorum")
    assert (unset.stdout, "okstra takes 2" in unset.stderr) == ("", True)
    okstra.ok("config", "set", "convergence.quorum", "3")
    assert okstra.ok("config", "get", "convergence.quorum").stdout == "3\n"


def test_a_secret_is_neither_kept_nor_shown(okstra: Okstra) -> None:
    refused = okstra("config", "set", "providers.mine.env", json.dumps({"TOKEN": _KEY}), "--json")
    assert (refused.status, refused.codes) == (3, ["holds-secret"])
    assert _KEY not in refused.stdout + refused.stderr
    assert not config_of(okstra).exists()
    config_of(okstra).parent.mkdir(exist_ok=True)
    config_of(okstra).write_text(json.dumps({"providers": {"mine": {"argv": ["x"], "env": {"TOKEN": _KEY}}}}))
    shown = okstra.ok("config", "list").stdout
    assert "providers.mine.env" in shown and _KEY not in shown


def test_a_link_to_a_file_elsewhere_stays_a_link(okstra: Okstra, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.json"
    kept.write_text("{}")
    config_of(okstra).parent.mkdir(exist_ok=True)
    config_of(okstra).symlink_to(kept)
    okstra.ok("config", "set", "convergence.maxRounds", "1")
    assert config_of(okstra).is_symlink()
    assert json.loads(kept.read_text())["convergence"] == {"maxRounds": 1}


def test_two_at_once_lose_nothing(okstra: Okstra) -> None:
    wanted = {"maxParallelWorkers": 3, "convergence.quorum": 3, "convergence.maxRounds": 1, "limits.softMinutes": 5}
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda key: okstra("config", "set", key, str(wanted[key])), wanted))
    assert [one.status for one in ended] == [0] * 4
    values = {one["key"]: one["value"] for one in okstra.ok("config", "list", "--json").data["settings"]}
    assert {key: values[key] for key in wanted} == wanted


def test_a_damaged_file_is_not_overwritten(okstra: Okstra) -> None:
    config_of(okstra).parent.mkdir(exist_ok=True)
    config_of(okstra).write_text("{")
    assert okstra("config", "set", "maxParallelWorkers", "3", "--json").codes == ["state-unreadable"]
    assert config_of(okstra).read_text() == "{"


def test_settings_of_the_project(project: Project) -> None:
    okstra, path = project.okstra, project.repo.path / ".okstra" / "project.json"
    okstra.ok("config", "set", "--project", "qaCommands", "pytest -q", "ruff check")
    okstra.ok("config", "set", "--project", "worktreeSyncDirs", '[".env", {"path": "data", "mode": "copy"}]')
    okstra.ok("config", "set", "--project", "reportLanguage", "ko")
    document = json.loads(path.read_text())
    assert document["qaCommands"] == ["pytest -q", "ruff check"]
    assert document["worktreeSyncDirs"] == [".env", {"path": "data", "mode": "copy"}]
    assert schemas.faults(document, "project") == []
    assert path.stat().st_mode & 0o777 == 0o644
    before = path.read_text()
    for key, words, code in (
        ("projectId", ["other"], "usage"),
        ("worktreeSyncDirs", ["../outside"], "bad-sync-path"),
        ("reportLanguage", ["fr"], "bad-config"),
        ("qaCommands", [" "], "bad-config"),
        ("providers.mine.argv", ["sh"], "unknown-setting"),
    ):
        assert okstra("config", "set", "--project", key, *words, "--json").codes == [code]
    assert path.read_text() == before
    assert okstra.ok("config", "get", "--project", "projectId").stdout == "demo\n"


def test_outside_of_a_project_there_are_no_project_settings(okstra: Okstra, tmp_path: Path) -> None:
    assert okstra("config", "list", "--project", "--json", cwd=tmp_path).codes == ["not-a-project"]


def test_the_schema_and_the_lead_agree_on_the_limits() -> None:
    phase = phase_table(assets.toml("prompts", "phases.toml")).get("error-analysis")
    ranged = [one for one in settings_of(schemas.load("config")) if "maximum" in one.shape]
    ranged = [one for one in ranged if not one.key.startswith("agents.")]  # an agent's own, which its probe reads
    assert len(ranged) == 7
    for setting in ranged:
        for value, sound in (
            (setting.shape["minimum"], True),
            (setting.shape["maximum"], True),
            (setting.shape["minimum"] - 1, False),
            (setting.shape["maximum"] + 1, False),
        ):
            section, _, name = setting.key.rpartition(".")
            config = {section: {name: value}} if section else {name: value}
            assert _is_taken(phase, config) is sound, (setting.key, value)
    mode = find_setting(ranged + settings_of(schemas.load("config")), "convergence.mode")
    assert all(_is_taken(phase, {"convergence": {"mode": word}}) for word in mode.shape["enum"])


def _is_taken(phase: object, config: dict[str, object]) -> bool:
    try:
        lead_settings(phase, config, {}, {}, places=("config.json", "project.json"))  # type: ignore[arg-type]
        evidence_settings(config, where="config.json")
    except UsageError:
        return False
    return True
