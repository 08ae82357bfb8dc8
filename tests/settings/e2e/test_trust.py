"""Commands that a repository's settings name are run once a person has trusted them as they are."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from support import schemas
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import install, led, part, result
from support.sealed import ROOT
from support.terminal import Terminal


@pytest.fixture
def strange(project: Project, tmp_path: Path) -> Project:
    """A project whose settings came with the repository: nobody has looked at them."""
    project.okstra.environment = {**project.okstra.environment, "OKSTRA_TRUST": ""}
    configure(project, worktreeSetup=[f"touch {tmp_path / 'ran'}"])
    return project


def configure(project: Project, **settings: object) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def start(project: Project, *more: str, **environment: str) -> Ended:
    task = ("--task-key", project.task_key, "--task-type", "error-analysis", "--request=Find the cause.")
    args = ("run", *task, "--render-only", "--json")
    return project.okstra(*args, *more, **environment)


def has_run(tmp_path: Path) -> bool:
    return (tmp_path / "ran").exists()


def test_they_are_refused_with_their_names_and_the_way_to_trust_them(strange: Project, tmp_path: Path) -> None:
    refused = start(strange)
    assert (refused.status, refused.codes) == (3, ["not-trusted"])
    (error,) = refused.envelope["errors"]
    assert "worktreeSetup" in error["message"] and error["try"].startswith("okstra trust")
    assert not has_run(tmp_path)
    assert len(strange.repo.worktree_paths()) == 1 and not strange.task_root.exists()


def test_once_trusted_they_run_until_they_change(strange: Project, tmp_path: Path) -> None:
    trusted = strange.okstra.ok("trust", "--yes", "--json")
    assert trusted.data["trusted"] is True
    assert trusted.data["settings"] == {"worktreeSetup": [f"touch {tmp_path / 'ran'}"]}
    assert start(strange).status == 0
    assert has_run(tmp_path)
    configure(strange, worktreeSetup=[f"touch {tmp_path / 'other'}"])
    assert start(strange).codes == ["not-trusted"]
    configure(strange, worktreeSetup=[f"touch {tmp_path / 'ran'}"])
    assert start(strange).status == 0


def test_what_is_kept_of_it_is_a_digest_in_a_private_file(strange: Project) -> None:
    strange.okstra.ok("trust", "--yes")
    path = strange.home / "trusted.json"
    document = json.loads(path.read_text())
    assert schemas.faults(document, "trusted") == []
    assert list(document["projects"]) == [str(strange.repo.path)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "setting",
    [
        {"worktreeSetup": [], "qaCommands": ["true"]},
        {"worktreeSetup": [], "worktreeTeardown": ["true"]},
        {"worktreeSetup": [], "providers": {"rehearsal": {"script": "a.toml"}}},
    ],
    ids=lambda setting: str(list(setting)[1]),
)
def test_each_setting_that_runs_commands_is_asked_about(strange: Project, setting: dict[str, object]) -> None:
    configure(strange, **setting)
    assert start(strange).codes == ["not-trusted"]


def test_settings_that_run_nothing_need_no_trust(strange: Project) -> None:
    configure(strange, worktreeSetup=[], reportLanguage="ko")
    assert start(strange).status == 0
    told = strange.okstra.ok("trust", "--json")
    assert told.data["trusted"] is True and told.data["digest"] == ""


def test_the_script_that_they_name_is_part_of_what_is_trusted(strange: Project) -> None:
    configure(strange, worktreeSetup=[])
    install(strange, part({"result": result()}, worker="rehearsal-a", round=""))
    strange.okstra.ok("trust", "--yes")
    assert led(strange, "error-analysis").status == 0
    install(strange, part({"run": "true"}, {"result": result()}, worker="rehearsal-a", round=""))
    assert led(strange, "error-analysis").codes == ["not-trusted"]


def test_a_run_is_not_gone_on_with_once_they_have_changed(strange: Project) -> None:
    """qaCommands are read when they are run: a worker may have edited them since the run was prepared."""
    configure(strange, worktreeSetup=[])
    prepared = start(strange, "--provider", "rehearsal")
    assert prepared.status == 0
    configure(strange, qaCommands=["true"])
    assert strange.okstra("resume", prepared.data["run_id"], "--json").codes == ["not-trusted"]
    assert strange.okstra("resume", prepared.data["run_id"], "--trust", "--json").status == 0


def test_integrate_sets_nothing_up_that_nobody_trusts(strange: Project, tmp_path: Path) -> None:
    configure(strange, worktreeSetup=[])
    strange.adopt(independent(1))
    assert strange.finish(strange.run_stage()).status == 0
    configure(strange, worktreeSetup=[f"touch {tmp_path / 'ran'}"])
    refused = strange.okstra("integrate", "--task-key", strange.task_key, "--json")
    assert refused.codes == ["not-trusted"] and not has_run(tmp_path)
    strange.okstra.ok("integrate", "--task-key", strange.task_key, "--trust")
    assert has_run(tmp_path)


@pytest.mark.parametrize(("flag", "variable"), [("--trust", ""), ("", "1")])
def test_in_ci_a_flag_or_a_variable_says_it_for_this_once(
    strange: Project, tmp_path: Path, flag: str, variable: str
) -> None:
    assert start(strange, *filter(None, [flag]), OKSTRA_TRUST=variable).status == 0
    assert has_run(tmp_path)
    assert not (strange.home / "trusted.json").exists()
    assert start(strange).codes == ["not-trusted"]


def test_a_batch_hands_its_word_on(strange: Project, tmp_path: Path) -> None:
    common = "--with=--task-type error-analysis --render-only"
    strange.okstra.ok("brief", "new", "--title", "Find the cause", "--task-key", strange.task_key)
    refused = strange.okstra("batch", "--task-key", strange.task_key, common, "--json")
    assert refused.status == 1 and not has_run(tmp_path)
    strange.okstra.ok("batch", "--task-key", strange.task_key, common, "--trust")
    assert has_run(tmp_path)


def test_only_to_look_runs_and_asks_nothing(strange: Project, tmp_path: Path) -> None:
    task = ("--task-key", strange.task_key, "--task-type", "error-analysis", "--request=Find the cause.")
    args = ("run", *task, "--dry-run", "--json")
    assert any("touch" in command for command in strange.okstra.ok(*args).data["commands"])
    shown = strange.okstra.ok("trust", "--show", "--json")
    assert shown.data["trusted"] is False
    assert not has_run(tmp_path)
    assert start(strange).codes == ["not-trusted"]


def test_nobody_to_ask_is_no_yes(strange: Project) -> None:
    refused = strange.okstra("trust", "--json")
    assert (refused.status, refused.codes) == (3, ["not-confirmed"])
    assert start(strange).codes == ["not-trusted"]


def test_what_a_person_sets_by_okstra_needs_no_second_word(strange: Project, tmp_path: Path) -> None:
    configure(strange, worktreeSetup=[])
    strange.okstra.ok("config", "set", "--project", "worktreeSetup", f"touch {tmp_path / 'ran'}")
    assert start(strange).status == 0
    assert has_run(tmp_path)


def test_to_set_one_thing_trusts_nothing_that_stood_there(strange: Project, tmp_path: Path) -> None:
    strange.okstra.ok("config", "set", "--project", "qaCommands", "true")
    assert start(strange).codes == ["not-trusted"] and not has_run(tmp_path)


def test_check_project_says_what_is_not_trusted(strange: Project) -> None:
    def row() -> dict[str, str]:
        rows = strange.okstra("check-project", "--json").data["checks"]
        return next(row for row in rows if row["check"] == "commands of project.json")

    assert row()["status"] == "warn" and row()["remedy"] == "okstra trust"
    strange.okstra.ok("trust", "--yes")
    assert row()["status"] == "ok"


# At a terminal


def _at_terminal(project: Project, *words: str) -> Terminal:
    return Terminal([str(ROOT / "bin" / "okstra"), *words], project.repo.path, project.okstra.environment, columns=300)


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("yes", 0), ("nope\rn", 3), ("", 3)])
def test_trust_shows_them_and_asks(strange: Project, tmp_path: Path, answer: str, status: int) -> None:
    terminal = _at_terminal(strange, "trust")
    assert f"worktreeSetup: touch {tmp_path / 'ran'}" in terminal.wait_for("[y/N]")
    terminal.type(f"{answer}\r")
    assert terminal.end() == status
    assert (start(strange).status == 0) == (status == 0)


def test_a_run_asks_once(strange: Project, tmp_path: Path) -> None:
    task = ("--task-key", strange.task_key, "--task-type", "error-analysis", "--request=Find the cause.")
    words = ("run", *task, "--provider", "rehearsal")
    terminal = _at_terminal(strange, *words)
    terminal.wait_for("trust them")
    terminal.type("y\r")
    terminal.wait_for("[Y/n]")
    terminal.type("y\r")
    assert terminal.end() == 0, terminal.all_shown
    assert has_run(tmp_path)
    again = _at_terminal(strange, *words)
    again.wait_for("[Y/n]")
    again.type("n\r")
    assert again.end() == 3
    assert "trust them" not in again.all_shown


def test_commands_are_shown_so_that_they_steer_no_terminal(strange: Project) -> None:
    configure(strange, worktreeSetup=["true \x1b[2K\r harmless"])
    terminal = _at_terminal(strange, "trust")
    terminal.wait_for("[y/N]")
    terminal.type("n\r")
    terminal.end()
    assert "\x1b[2K" not in terminal.all_written
