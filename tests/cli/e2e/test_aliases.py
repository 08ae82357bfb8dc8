"""Earlier names of commands: each does what its words of today do, and the help pages call it their alias."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from okstra_ctl.command_table import COMMANDS, EARLIER, called_by, find
from okstra_ctl.help_pages import page_of, top_page
from okstra_ctl.options import build_parser
from okstra_ctl.reference import man_page
from support.okstra import Project
from support.plans import independent
from support.rehearsal import install, led, part
from support.sealed import ROOT

ALIASES = [one for one in COMMANDS if one.alias_of]
MODES = [one for one in ALIASES if all(one.mode)]


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        ("show --errors RUN", "error-log", "RUN"),
        ("show RUN --kind client --errors", "error-log", "RUN --kind client"),
        ("show RUN", "show", "RUN"),
        ("error-log RUN", "error-log", "RUN"),
        ("run -- --again", "run", "-- --again"),
        ("run --again RUN -- --again", "rerun", "RUN -- --again"),
        ("usage --errors", "usage", "--errors"),
    ],
)
def test_a_flag_of_its_command_chooses_what_the_earlier_name_did(words: str, name: str, rest: str) -> None:
    command, left = called_by(words.split())
    assert (command and command.name, left) == (name, rest.split())


def test_an_alias_stands_in_the_last_group_and_names_words_that_there_are() -> None:
    assert [one for one in COMMANDS if one.group == EARLIER] == ALIASES
    for alias in ALIASES:
        command = find(alias.alias_of.split()[0])
        assert command is not None and not command.alias_of, alias
        flags = {flag for action in build_parser(command)[0]._actions for flag in action.option_strings}
        assert set(alias.alias_of.split()[1:]) <= flags, alias


def test_help_and_the_manual_page_call_it_an_alias_and_the_short_help_does_not_name_it() -> None:
    everything, manual = " ".join((page_of("all") or "").split()), man_page().replace("\\", "")
    reference = (ROOT / "docs" / "reference" / "commands.md").read_text()
    for alias in ALIASES:
        assert f"{alias.name} alias of {alias.alias_of}: " in everything
        assert f"alias of {alias.alias_of}: " in manual
        assert f"## okstra {alias.name}\n\nAlias of `okstra {alias.alias_of}`" in reference
        assert f"\n  {alias.name} " not in top_page(first_time=True)


@pytest.fixture
def worked(project: Project) -> str:
    """A project with a run of which a worker failed, and a stage in work. Returns the stage's run."""
    install(project, part({"fault": "crash"}, worker="rehearsal-b"))
    assert led(project, "error-analysis").status == 1
    project.adopt(independent(2))
    return str(project.run_stage("1").data["run_id"])


def test_an_earlier_name_gives_the_same_as_its_words_of_today(project: Project, worked: str) -> None:
    (project.repo.path / "runs.txt").write_text("--task-key demo:core:T-1 --task-type error-analysis\n")
    arguments = {
        "check-project": "",
        "rerun": "nobody",
        "batch": "runs.txt --dry-run",
        "schedule": "--jobs 2",
        "error-log": project.task_key,
        "time-summary": "--by task",
        "backfill": "--dry-run",
    }
    assert set(arguments) == {alias.name for alias in MODES}
    for alias in MODES:
        old, new = (
            project.okstra(*name.split(), *arguments[alias.name].split(), *more)
            for name, more in ((alias.name, ()), (alias.alias_of, ()))
        )
        without_times = [re.sub(r"\d+ ?(ms|s|min)\b", "", one.stdout) for one in (old, new)]
        assert without_times[0] == without_times[1], alias
        assert (old.status, old.stderr.replace(alias.name, alias.alias_of)) == (new.status, new.stderr), alias
    assert "rehearsal-b" in project.okstra.ok("show", "--errors", project.task_key).stdout
    by_json = project.okstra("show", "--errors", "--json")
    assert by_json.envelope["okstra"] == "error-log/1" and by_json.data["errors"]


def test_run_again_and_its_door_prepare_the_stages_next_run(project: Project, worked: str) -> None:
    again = project.okstra.ok("run", "--again", worked, "--render-only", "--json")
    assert again.data["run_id"] == worked.replace("/001", "/002")
    door = subprocess.run(
        [str(ROOT / "lib/okstra-ctl/cmd-rerun.sh"), again.data["run_id"], "--render-only", "--json"],
        cwd=project.repo.path,
        env=project.okstra.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert worked.replace("/001", "/003") in door.stdout


def test_doctor_checks_the_project_too_and_fails_with_it(project: Project, tmp_path: Path) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    checks = [row["check"] for row in project.okstra("doctor", "--json").data["checks"]]
    assert len(checks) == len(set(checks)) and "project.json" in checks
    alone = {row["check"] for row in project.okstra("doctor", "--project", "--json").data["checks"]}
    assert alone - set(checks) == {"git version"}  # `git` says it of the machine
    settings.write_text("{")
    broken = project.okstra("doctor", "--json")
    assert broken.status == 4 and "project-unhealthy" in broken.codes
    outside = project.okstra("doctor", "--json", cwd=tmp_path)
    assert "project.json" not in [row["check"] for row in outside.data["checks"]]
