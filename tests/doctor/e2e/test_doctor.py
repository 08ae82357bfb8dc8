"""`okstra doctor`: a row for each thing, FAIL with a remedy for what is not right, 0, 1 or 4 at the end."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.doctor import machine as doctor
from okstra_ctl.system import locks
from okstra_ctl.system.locks import _TWO_PROCESSES, fault_of_locks
from support.clients_on_path import HELP, client, tools
from support.okstra import Ended, Okstra
from support.repos import Repo
from support.sealed import ROOT


def rows(ended: Ended) -> dict[str, dict[str, Any]]:
    found = {row["check"]: row for row in ended.data["checks"]}
    assert len(found) == len(ended.data["checks"])
    assert all(row["remedy"] for row in found.values() if row["status"] == "fail")
    codes = ["no-agent" if name == "providers" else "machine-unhealthy" for name in failed(found)]
    assert [error["code"] for error in ended.envelope["errors"]] == codes
    status = 4 if "machine-unhealthy" in codes else len(codes)
    assert (ended.status, ended.data["result"]) == (status, "FAIL" if codes else "OK")
    return found


def failed(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, row in found.items() if row["status"] == "fail"]


@pytest.fixture(autouse=True)
def an_agent(request: pytest.FixtureRequest) -> None:
    """A command of the person's own, which is there whatever the PATH is."""
    if "okstra" not in request.fixturenames:
        return
    home = Path(request.getfixturevalue("okstra").environment["OKSTRA_HOME"])
    home.mkdir(mode=0o700)
    (home / "config.json").write_text('{"providers": {"mine": {"argv": ["/bin/sh"]}}}')


def test_a_sound_machine(okstra: Okstra) -> None:
    found = rows(okstra("doctor", "--json"))
    assert failed(found) == []
    assert set(found) == {
        "python",
        "git",
        "git identity",
        "okstra's home",
        "locks",
        "disk",
        "registry",
        "sandbox",
        "install",
        "tmux",
        "providers",
    }


def test_the_result_stands_last(okstra: Okstra) -> None:
    assert okstra.ok("doctor").stdout.endswith("\nresult: OK\n")


def test_an_install_that_was_cut_off_or_is_of_another_version_is_told(okstra: Okstra) -> None:
    home = Path(okstra.environment["OKSTRA_HOME"])
    home.mkdir(mode=0o700, exist_ok=True)
    record = {"schema": "installed-skills/1", "version": "0.0.1", "state": "complete", "files": []}
    (home / "installed-skills.json").write_text(json.dumps(record))
    assert rows(okstra("doctor", "--json"))["skills"]["status"] == "warn"
    (home / "installed-skills.json").write_text(json.dumps({**record, "state": "installing"}))
    assert "skills" in failed(rows(okstra("doctor", "--json")))
    assert not [name for name in os.listdir(Path(okstra.environment["OKSTRA_HOME"]) / "worktrees") if "check" in name]


def test_a_machine_without_git(okstra: Okstra, tmp_path: Path) -> None:
    found = rows(okstra("doctor", "--json", PATH=tools(tmp_path / "bin")))
    assert failed(found) == ["git"]
    assert "install git" in found["git"]["remedy"]


def test_an_old_git(okstra: Okstra, tmp_path: Path) -> None:
    path = Path(tools(tmp_path / "bin"))
    (path / "git").write_text("#!/bin/sh\necho git version 2.20.1\n")
    (path / "git").chmod(0o755)
    found = rows(okstra("doctor", "--json", PATH=str(path)))
    assert (failed(found), found["git"]["detail"]) == (["git"], "2.20.1")


def test_nobody_to_commit_as(okstra: Okstra, repo: Repo) -> None:
    repo.git("config", "--unset", "user.email")
    assert failed(rows(okstra("doctor", "--json"))) == ["git identity"]


def test_a_home_that_can_not_be_made(okstra: Okstra, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = rows(okstra("doctor", "--json", OKSTRA_HOME=str(tmp_path / "file" / "home")))
    assert failed(found) == ["okstra's home", "providers"]
    assert "locks" not in found


def test_a_damaged_registry(okstra: Okstra) -> None:
    okstra.ok("doctor")
    registry = Path(okstra.environment["OKSTRA_HOME"]) / "worktrees" / "registry.json"
    registry.write_text("{")
    assert failed(rows(okstra("doctor", "--json"))) == ["registry"]
    assert registry.read_text() == "{"


def test_without_an_agent_only_the_rehearsal_works_and_the_exit_status_says_so(okstra: Okstra, tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", "git")
    assert okstra("doctor", PATH=path).status == 0  # the person's own command is one
    (Path(okstra.environment["OKSTRA_HOME"]) / "config.json").unlink()
    ended = okstra("doctor", "--json", PATH=path)
    found = rows(ended)
    assert (ended.status, failed(found)) == (1, ["providers"])
    assert "npm install" in found["providers"]["remedy"]
    client(Path(path), "claude", logged_in=False)
    found = rows(okstra("doctor", "--json", PATH=path))
    assert (failed(found), found["claude login"]["status"]) == (["providers"], "warn")
    client(Path(path), "codex")
    assert rows(okstra("doctor", "--json", PATH=path))["providers"]["detail"].startswith("codex ")
    assert found["tmux"]["status"] == "warn"


def test_clients_in_order(okstra: Okstra, tmp_path: Path) -> None:
    path = Path(tools(tmp_path / "bin", "git"))
    for name in HELP:
        client(path, name)
    found = rows(okstra("doctor", "--providers", "--json", PATH=str(path), GEMINI_API_KEY="x"))
    assert failed(found) == []
    assert found["codex"]["detail"] == "codex 9.9.9"
    assert found["codex commits"]["detail"] == "in a linked worktree, inside its sandbox (tried)"
    assert {row["status"] for row in found.values()} == {"ok"}
    assert {"claude", "claude flags", "claude login", "claude commits", "rehearsal"} <= set(found)


def test_clients_out_of_order(okstra: Okstra, tmp_path: Path) -> None:
    path = Path(tools(tmp_path / "bin", "git"))
    client(path, "claude", knows="--print --output-format --model --settings", logged_in=False)
    client(path, "codex", commits=False)
    found = rows(okstra("doctor", "--providers", "--json", PATH=str(path)))
    assert sorted(failed(found)) == ["claude flags", "codex commits"]
    assert found["claude flags"]["detail"] == "it does not know --permission-mode, --add-dir"
    assert (found["claude login"]["status"], found["gemini"]["status"]) == ("warn", "warn")
    assert "Read-only" in found["codex commits"]["detail"]


def test_a_sandbox_that_says_yes_and_does_nothing_is_seen(okstra: Okstra, tmp_path: Path) -> None:
    path = Path(tools(tmp_path / "bin", "git"))
    client(path, "codex")
    text = (path / "codex").read_text()
    (path / "codex").write_text(text.replace('exec "$@"', "exit 0"))
    assert failed(rows(okstra("doctor", "--providers", "--json", PATH=str(path)))) == ["codex commits"]


def test_commands_of_the_settings(okstra: Okstra, tmp_path: Path) -> None:
    home = Path(okstra.environment["OKSTRA_HOME"])
    home.mkdir(exist_ok=True)
    (home / "config.json").write_text('{"providers": {"mine": {"argv": ["sh"]}, "lost": {"argv": ["no-such-agent"]}}}')
    found = rows(okstra("doctor", "--providers", "--json", PATH=tools(tmp_path / "bin", "git")))
    assert (failed(found), found["mine"]["status"]) == (["lost"], "ok")
    assert "set providers.mine.family" in found["mine"]["detail"]
    (home / "config.json").write_text('{"providers": {"mine": {}}}')
    found = rows(okstra("doctor", "--providers", "--json", PATH=str(tmp_path / "bin")))
    assert failed(found) == ["config.json"]


@pytest.mark.parametrize("kind", ["lockf", "flock"])
def test_a_file_system_that_keeps_no_locks_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:

    assert fault_of_locks(str(tmp_path)) == ""
    script = _TWO_PROCESSES.replace(f"fcntl.{kind}(", "(lambda *_: None)(", 1)
    monkeypatch.setattr(locks, "_TWO_PROCESSES", script)
    assert fault_of_locks(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_home_that_others_may_write_is_a_failure(okstra: Okstra) -> None:
    home = Path(okstra.environment["OKSTRA_HOME"])
    okstra.ok("doctor", "--json")
    home.chmod(0o777)
    row = rows(okstra("doctor", "--json"))["okstra's home"]
    assert (row["status"], row["remedy"]) == ("fail", f"chmod go-w {home}")
    home.chmod(0o755)
    assert failed(rows(okstra("doctor", "--json"))) == []


def test_doctor_and_the_doors_look_for_every_package_that_okstra_depends_on() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    assert listed
    needed = {
        name.replace("-", "_").replace("markdown_it_py", "markdown_it")
        for name in re.findall(r'"([a-z0-9-]+)', listed[1])
    }
    assert {*doctor._PACKAGES, *doctor._PACKAGES_BEFORE_311} == needed
    door = (ROOT / "lib" / "okstra" / "runtime.sh").read_text(encoding="utf-8")
    need = re.search(r"^need = (.*)$", door, re.MULTILINE)
    assert need and set(re.findall(r'"([a-z0-9_]+)"', need[1])) == needed
