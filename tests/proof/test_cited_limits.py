"""When a cited command is not run: what a person set, what is not there, and when time is up."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl.proof import cited_commands
from okstra_ctl.proof.cited_commands import Order, see_commands
from okstra_ctl.results.commands import Seen
from okstra_ctl.runs.containment import sandbox_of
from okstra_ctl.runs.find import find_run
from okstra_ctl.services import open_services
from okstra_ctl.settings.limits import ALWAYS, CONTAINED, NEVER, EvidenceSettings
from support.okstra import Project

CITED = {"test -e README.md": (0,), "test -e gone.md": (1,)}


def seen_by(
    project: Project,
    execute: str = ALWAYS,
    *,
    commit: str = "HEAD",
    run_id: str = "",
    cited: Mapping[str, tuple[int, ...]] = CITED,
) -> list[tuple[str, tuple[int, ...], str]]:
    services = open_services(project.okstra.environment)
    run = find_run(run_id or project.run_phase().data["run_id"], str(project.repo.path), services)
    at = project.repo.git("rev-parse", commit) if commit else ""
    found: list[Seen] = []
    sandbox = sandbox_of(run.project.root, services)
    log = str(project.repo.path.parent / "log")
    settings = EvidenceSettings(execute, 60)
    see_commands(Order(run, at, sandbox, settings, services, log, threading.Event()), cited, (), found.append)
    assert [one.command for one in found] == list(cited)
    return [(one.command, one.exits, one.why) for one in found]


def test_none_is_run_where_none_may_be(project: Project) -> None:
    run = project.run_phase().data["run_id"]
    for execute, commit, why in (
        (NEVER, "HEAD", "evidence.execute is never"),
        (CONTAINED, "HEAD", "no sandbox: nothing can contain it here"),
        (ALWAYS, "", "the run has no commit to check out"),
    ):
        rows = seen_by(project, execute, commit=commit, run_id=run)
        assert rows == [(command, (), why) for command in CITED]


def test_what_okstra_can_not_read_is_not_run_uncontained(project: Project) -> None:
    commands = {"if test -e README.md; then git push; fi": (0,), "true # the whole suite": (0,), "(test 1 = 2)": (1,)}
    assert [(exits, why) for _, exits, why in seen_by(project, cited=commands)] == [
        ((), "okstra can't tell what it does, and nothing contains it here"),
        *[((), "it comes out the same whatever the code does")] * 2,
    ]


def test_a_checkout_that_can_not_be_set_up_shows_nothing(project: Project) -> None:
    path = Path(project.repo.path / ".okstra" / "project.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "worktreeSetup": ["test ! -e nothing || exit 7"]}))
    rows = seen_by(project)
    assert [exits for _, exits, _ in rows] == [(0,), (1,)]
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "worktreeSetup": ["case $PWD in */proof/*) exit 7 ;; esac"]})
    )
    assert all(why.startswith("its checkout could not be set up: ") for _, _, why in seen_by(project))


def test_a_list_of_commands_does_not_hold_a_run_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cited_commands, "PATIENCE", 0)
    assert [why for _, _, why in seen_by(project)] == ["the commands cited before it took all the time there is"] * 2
