"""`okstra remote`: a person switches it on, tries the remote, and reads what this machine saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.okstra import Project
from support.schemas import faults


def settings_of(project: Project) -> dict[str, object]:
    found: dict[str, object] = json.loads((project.repo.path / ".okstra" / "project.json").read_text())
    return found


def test_a_person_switches_claims_on_and_off(project: Project, remote: Path) -> None:
    used = project.okstra.ok("remote", "use", "origin", "--lease", "30m", "--json")
    assert (used.data["remote"], used.data["lease"]) == ("origin", "30m")
    written = settings_of(project)
    assert (written["claims"], written["claimsLease"]) == ("origin", "30m") and faults(written, "project") == []
    shown = project.okstra.ok("remote", "show", "--json")
    assert (shown.data["remote"], shown.data["lease_seconds"], shown.data["tasks"]) == ("origin", 1800, [])
    assert not (project.home / "remotes").exists()
    project.okstra.ok("remote", "use", "off")
    assert not {"claims", "claimsLease", "claimsNamespace"} & settings_of(project).keys()


@pytest.mark.parametrize(
    "words",
    [
        ("use", "nobody"),
        ("use", "https://example.invalid/x.git"),
        ("use", "origin", "--lease", "10s"),
        ("use", "origin", "--namespace", "refs/heads/main"),
        ("use", "off", "--lease", "30m"),
        ("check",),
    ],
)
def test_what_can_not_work_is_refused_and_changes_nothing(
    project: Project, remote: Path, words: tuple[str, ...]
) -> None:
    before = settings_of(project)
    assert project.okstra("remote", *words, "--json").status == 2
    assert settings_of(project) == before


def test_a_check_tries_each_step_and_leaves_nothing(project: Project, remote: Path) -> None:
    project.okstra.ok("remote", "use", "origin")
    checked = project.okstra.ok("remote", "check", "--json")
    steps = [(step["name"], step["ok"]) for step in checked.data["steps"]]
    assert steps == [(name, True) for name in ("create", "read", "lose", "keep", "update", "delete")]
    assert project.repo.git("ls-remote", str(remote), "refs/okstra/*") == ""
    machine, _ = (project.home / "machine-id").read_text().splitlines()
    assert len(machine) == 32 and (project.home / "machine-id").stat().st_mode & 0o777 == 0o600
    assert project.okstra.ok("remote", "show", "--json").data["machine"] == machine


@pytest.mark.parametrize(
    ("setting", "failed"),
    [
        ("transfer.hideRefs=refs/okstra", "create"),
        ("uploadpack.hideRefs=refs/okstra", "read"),
        ("receive.denyDeletes=true", "delete"),
    ],
)
def test_a_check_names_the_step_that_a_host_does_not_allow(
    project: Project, remote: Path, setting: str, failed: str
) -> None:
    below = "refs/heads/okstra-claims" if failed == "delete" else "refs/okstra/tasks"
    project.okstra.ok("remote", "use", "origin", "--namespace", below)
    project.repo.git("--git-dir", str(remote), "config", *setting.split("="))
    checked = project.okstra("remote", "check", "--json")
    steps = {step["name"]: step for step in checked.data["steps"]}
    assert not steps[failed]["ok"] and steps[failed]["words"]
    assert (checked.status, checked.codes) == ((0, []) if failed == "delete" else (4, ["remote-unfit"]))


def test_settings_that_came_with_a_repository_reach_no_remote_unseen(project: Project, remote: Path) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**settings_of(project), "claims": "origin"}))
    for action in ("check", "show"):
        refused = project.okstra("remote", action, "--json", OKSTRA_TRUST="")
        assert (refused.status, refused.codes) == (3, ["not-trusted"]), refused
    project.okstra.ok("trust", "--yes", OKSTRA_TRUST="")
    project.okstra.ok("remote", "check", OKSTRA_TRUST="")


def test_what_a_person_switches_on_is_trusted(project: Project, remote: Path) -> None:
    project.okstra.ok("remote", "use", "origin", OKSTRA_TRUST="")
    project.okstra.ok("remote", "check", OKSTRA_TRUST="")
