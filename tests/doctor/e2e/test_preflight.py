"""Before a run is led: its clients are there and logged in, its voices reach the quorum; else nothing is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.clients_on_path import client, tools
from support.okstra import Ended, Project
from support.rehearsal import events_of, install, led, manifest_of, report_of
from support.voices import install_voices

_TOOLS = ("git", "dirname", "cat", "sed", "uname")


@pytest.fixture
def brief(project: Project) -> str:
    path = project.repo.path.parent / "brief.md"
    path.write_text("# It crashes\n\nIt crashes when the list is empty.\n")
    return str(path)


@pytest.fixture
def place(project: Project) -> Path:
    """The folder of the only PATH that okstra has; no client is in it."""
    folder = project.repo.path.parent / "tools"
    project.okstra.environment["PATH"] = tools(folder, *_TOOLS)
    return folder


def run(project: Project, brief: str, *more: str, task_type: str = "error-analysis") -> Ended:
    words = ("--task-key", project.task_key, "--task-type", task_type, "--task-brief", brief, "--yes", "--json")
    return project.okstra("run", *words, *more)


def nothing_was_made(project: Project) -> bool:
    registry = project.home / "worktrees" / "registry.json"
    made = registry.exists() and json.loads(registry.read_text())["tasks"]
    return not made and not project.task_root.exists() and project.repo.branches() == {"main"}


def test_missing_clients_are_named_with_their_remedies_and_nothing_is_made(
    project: Project, brief: str, place: Path
) -> None:
    refused = run(project, brief)
    assert (refused.status, refused.codes) == (69, ["client-missing"]), refused
    (error,) = refused.envelope["errors"]
    assert "claude is not on the PATH" in error["message"]
    assert "codex is not on the PATH" in error["message"]
    assert "npm install -g @anthropic-ai/claude-code" in error["try"]
    assert [one["code"] for one in refused.data["missing"]] == ["client-missing"] * 2
    assert nothing_was_made(project)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"knows": "--print"}, "does not know --output-format"),
        ({"logged_in": False}, "not logged in"),
    ],
)
def test_a_client_that_is_too_old_or_not_logged_in_is_none(
    project: Project, brief: str, place: Path, fault: dict[str, str | bool], message: str
) -> None:
    client(place, "codex")
    client(place, "claude", **fault)  # type: ignore[arg-type]
    refused = run(project, brief)
    assert (refused.status, refused.codes) == (69, ["client-missing"]), refused
    assert message in refused.envelope["errors"][0]["message"]
    assert nothing_was_made(project)


def test_a_key_in_the_environment_is_a_login(project: Project, brief: str, place: Path) -> None:
    client(place, "codex")
    client(place, "claude", logged_in=False)
    ended = run(project, brief, "--dry-run")
    assert [one["what"] for one in ended.data["missing"]] == ["claude: it is not logged in"]
    project.okstra.environment["ANTHROPIC_API_KEY"] = "sk-scripted"
    assert run(project, brief, "--dry-run").data["missing"] == []


def test_codex_with_models_of_the_persons_own_needs_no_login(project: Project, brief: str, place: Path) -> None:
    client(place, "claude")
    client(place, "codex", logged_in=False)
    assert len(run(project, brief, "--dry-run").data["missing"]) == 1
    home = Path(project.okstra.environment["CODEX_HOME"])
    home.mkdir()
    (home / "config.toml").write_text('model_provider = "mine"\n')
    assert run(project, brief, "--dry-run").data["missing"] == []


def test_one_voice_is_refused_before_it_is_paid(project: Project, brief: str) -> None:
    install_voices(project, ["alpha"])
    refused = run(project, brief, "--workers", "alpha")
    assert (refused.status, refused.codes) == (3, ["quorum-unreachable"]), refused
    (error,) = refused.envelope["errors"]
    assert "alpha is one voice, and the gate needs 2" in error["message"]
    assert "--workers alpha,claude" in error["try"]
    assert nothing_was_made(project)
    assert run(project, brief, "--provider", "alpha").codes == ["quorum-unreachable"]


def test_commands_of_no_named_family_are_one_voice_and_so_is_one_command_under_two_names(
    project: Project, brief: str
) -> None:
    mine, other = {"argv": ["sh", "mine"]}, {"argv": ["sh", "other"]}
    install(project, providers={"mine": mine, "other": other})
    refused = run(project, brief, "--workers", "mine,other")
    assert (refused.status, refused.codes) == (3, ["quorum-unreachable"]), refused
    (error,) = refused.envelope["errors"]
    assert "mine, other are one voice, and the gate needs 2" in error["message"]
    assert "of which family the models of mine, other are is not known" in error["message"]
    assert "okstra config set providers.mine.family FAMILY" in error["try"]
    assert "--workers other,claude" in error["try"]
    install(project, providers={"mine": {**mine, "family": "gpt"}, "other": {**mine, "family": "claude"}})
    assert run(project, brief, "--workers", "mine,other").codes == ["quorum-unreachable"]
    install(project, providers={"mine": {**mine, "family": "OpenAI"}, "other": {**other, "family": "claude"}})
    assert run(project, brief, "--workers", "mine,other", "--dry-run").data["missing"] == []
    assert nothing_was_made(project)


def test_a_runs_own_quorum_is_a_persons_and_a_project_may_ask_for_more(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta"])
    asked = run(project, brief, "--workers", "alpha,beta", "--quorum", "3", "--dry-run")
    assert [one["code"] for one in asked.data["missing"]] == ["quorum-unreachable"]
    assert "`--quorum 2` for less" in asked.data["missing"][0]["remedy"]
    assert run(project, brief, "--workers", "alpha", "--quorum", "1", "--dry-run").data["missing"] == []
    prepared = run(project, brief, "--workers", "alpha,beta", "--quorum", "3", "--render-only")
    assert manifest_of(prepared)["requested"]["quorum"] == "3"
    assert project.okstra("resume", prepared.data["run_id"], "--json").codes == ["quorum-unreachable"]
    again = project.okstra.ok("rerun", prepared.data["run_id"], "--render-only", "--json")
    assert manifest_of(again)["requested"]["quorum"] == "3"
    project.okstra.ok("config", "set", "--project", "convergence.quorum", "2")
    assert run(project, brief, "--workers", "alpha", "--quorum", "1").codes == ["quorum-unreachable"]
    for wrong in ("0", "10", "two", "-1", "1.5"):
        assert run(project, brief, f"--quorum={wrong}").codes == ["usage"], wrong


def test_a_smaller_quorum_is_a_persons_own_word(project: Project, brief: str) -> None:
    install_voices(project, ["alpha"])
    project.okstra.ok("config", "set", "convergence.quorum", "1")
    ended = run(project, brief, "--workers", "alpha", "--dry-run")
    assert ended.data["missing"] == []


def test_a_project_asks_for_more_voices_and_never_for_fewer(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta"])
    project.okstra.ok("config", "set", "--project", "convergence.quorum", "3")
    refused = run(project, brief, "--workers", "alpha,beta")
    assert (refused.status, refused.codes) == (3, ["quorum-unreachable"]), refused
    (error,) = refused.envelope["errors"]
    assert "alpha, beta are 2 voices, and the gate needs 3" in error["message"]
    assert "okstra config set --project convergence.quorum 2" in error["try"]
    project.okstra.ok("config", "set", "--project", "convergence.quorum", "1")
    assert run(project, brief, "--workers", "alpha").codes == ["quorum-unreachable"]
    ended = run(project, brief, "--workers", "alpha,beta", "--dry-run")
    assert ended.data["missing"] == []


def test_a_led_run_holds_to_the_projects_quorum(project: Project) -> None:
    install(project)
    project.okstra.ok("config", "set", "--project", "convergence.quorum", "3")
    ended = led(project, "error-analysis")
    assert ended.status == 1, ended
    assert report_of(ended)["gates"]["convergence"]["gate"] == "aborted-non-result"


def test_a_projects_quorum_that_is_none_is_named_with_its_file(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta"])
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "convergence": {"quorum": "all"}}))
    refused = run(project, brief, "--workers", "alpha,beta")
    assert (refused.codes, refused.envelope["errors"][0]["where"]) == (["bad-config"], str(settings))


def test_a_dry_run_tells_what_is_missing_and_makes_nothing(project: Project, brief: str, place: Path) -> None:
    seen = run(project, brief, "--dry-run")
    assert seen.status == 0, seen
    assert [one["what"] for one in seen.data["missing"]] == ["claude is not on the PATH", "codex is not on the PATH"]
    shown = project.okstra.ok(
        "run", "--task-key", project.task_key, "--task-type", "error-analysis", "--task-brief", brief, "--dry-run"
    )
    assert "missing        claude is not on the PATH (try: npm install" in shown.stdout
    assert nothing_was_made(project)


def test_a_run_that_is_only_prepared_needs_no_client(project: Project, brief: str, place: Path) -> None:
    assert run(project, brief, "--render-only").status == 0


def test_a_rehearsal_needs_no_client(project: Project, brief: str, place: Path) -> None:
    assert run(project, brief, "--provider", "rehearsal").status == 0


def test_a_command_of_the_persons_own_that_is_not_there_is_told(project: Project, brief: str) -> None:
    install(project, providers={"mine": {"argv": ["my-agent"]}, "other": {"argv": ["sh", "x"]}})
    refused = run(project, brief, "--workers", "mine,other")
    assert (refused.status, refused.codes) == (69, ["client-missing"]), refused
    assert "mine: my-agent is not on the PATH" in refused.envelope["errors"][0]["message"]


def test_the_report_writer_is_one_of_those_who_were_chosen(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta"])
    done = run(project, brief, "--workers", "alpha,beta", "--render-only")
    assert done.status == 0, done
    writers = [one["provider"] for one in manifest_of(done)["roster"] if one["role"] == "report-writer"]
    assert writers == ["alpha"]
    assert any("alpha writes the report" in warning for warning in done.data["warnings"])
    named = run(project, brief, "--workers", "alpha,beta", "--report-writer", "beta", "--render-only")
    assert [one["provider"] for one in manifest_of(named)["roster"] if one["role"] == "report-writer"] == ["beta"]
    model = run(project, brief, "--workers", "alpha,beta", "--report-writer-model", "opus", "--render-only")
    (row,) = [one for one in manifest_of(model)["roster"] if one["role"] == "report-writer"]
    assert (row["provider"], row["model"]) == ("claude", "opus")


def test_resume_looks_before_it_dispatches(project: Project, brief: str, place: Path) -> None:
    prepared = run(project, brief, "--render-only")
    refused = project.okstra("resume", prepared.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (69, ["client-missing"]), refused
    assert manifest_of(prepared)["started_at"] is None


def _without(project: Project, *names: str) -> None:
    """These providers' programs are gone, and the one that failed works again."""
    install_voices(project, ["alpha", "beta", "gamma"])
    config = json.loads((project.home / "config.json").read_text())
    for name in names:
        config["providers"][name]["argv"] = [str(project.repo.path.parent / f"no-{name}")]
    (project.home / "config.json").write_text(json.dumps(config))


def test_resume_needs_no_client_of_those_whose_answers_stand(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta", "gamma"], silent="report-writer")
    first = run(project, brief, "--workers", "alpha,beta", "--report-writer", "gamma", "--critic", "off")
    assert first.codes == ["run-failed"], first
    _without(project, "alpha", "beta")
    again = project.okstra("resume", first.data["run_id"], "--json")
    assert "client-missing" not in again.codes, again
    asked = [row["worker"] for row in events_of(first) if row["event"] == "dispatched"]
    assert set(asked[asked.index("report-writer") :]) == {"report-writer"}


def test_resume_needs_the_clients_of_all_whom_an_analyst_who_is_asked_anew_may_set_talking(
    project: Project, brief: str
) -> None:
    install_voices(project, ["alpha", "beta", "gamma"], silent="beta")
    first = run(project, brief, "--workers", "alpha,beta", "--report-writer", "gamma", "--critic", "off")
    assert first.codes == ["run-failed"], first
    _without(project, "alpha", "gamma")
    refused = project.okstra("resume", first.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (69, ["client-missing"]), refused
    message = refused.envelope["errors"][0]["message"]
    assert "no-alpha" in message and "no-gamma" in message and "beta" not in message


def test_resume_names_the_one_client_that_it_needs(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta", "gamma"], silent="report-writer")
    first = run(project, brief, "--workers", "alpha,beta", "--report-writer", "gamma", "--critic", "off")
    _without(project, "alpha", "gamma")
    refused = project.okstra("resume", first.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (69, ["client-missing"]), refused
    message = refused.envelope["errors"][0]["message"]
    assert "no-gamma" in message and "alpha" not in message


def test_rerun_keeps_workers_models_and_budget(project: Project, brief: str) -> None:
    install_voices(project, ["alpha", "beta"])
    words = ("--workers", "alpha,claude", "--claude-model", "custom:mine", "--critic", "beta", "--budget", "3")
    first = run(project, brief, *words, "--render-only")
    again = project.okstra.ok("rerun", first.data["run_id"], "--render-only", "--json")
    assert manifest_of(again)["roster"] == manifest_of(first)["roster"]
    assert manifest_of(again)["requested"]["budget_usd"] == "3"
    other = project.okstra.ok(
        *("rerun", first.data["run_id"], "--workers", "alpha,beta", "--budget", "5", "--render-only", "--json")
    )
    analysts = [one["provider"] for one in manifest_of(other)["roster"] if one["role"] == "analyst"]
    assert (analysts, manifest_of(other)["requested"]["budget_usd"]) == (["alpha", "beta"], "5")
    fewer = project.okstra.ok("rerun", first.data["run_id"], "--workers", "claude,beta", "--render-only", "--json")
    models = {one["provider"]: one["model"] for one in manifest_of(fewer)["roster"] if one["role"] == "analyst"}
    assert models == {"claude": "mine", "beta": "beta"}


def test_a_rehearsal_is_repeated_as_one(project: Project, brief: str) -> None:
    first = run(project, brief, "--provider", "rehearsal")
    again = project.okstra("rerun", first.data["run_id"], "--json")
    assert again.status == 0, again
    assert {one["provider"] for one in manifest_of(again)["roster"]} == {"rehearsal"}


def test_a_client_that_is_gone_meanwhile_is_named_where_the_run_fails(project: Project, brief: str) -> None:
    """Not its worktree, which is there."""
    gone = project.repo.path.parent / "gone-agent"
    gone.write_text('#!/bin/sh\nrm -f "$0"\n')
    gone.chmod(0o755)
    install_voices(project, ["alpha"])
    config = json.loads((project.home / "config.json").read_text())
    config["providers"]["gone"] = {"argv": [str(gone)]}
    (project.home / "config.json").write_text(json.dumps(config))
    ended = run(
        project, brief, "--workers", "alpha,gone", "--report-writer", "gone", task_type="implementation-planning"
    )
    assert ended.status == 1, ended
    assert f"there is no program {gone}" in ended.envelope["errors"][0]["message"]
    report = report_of(ended)
    assert report["verdict"]["approval_needed"] is False
    assert f"there is no program {gone}" in report["verdict"]["conclusion"]
    page = Path(ended.data["report"]).read_text()
    assert "A person has to approve" not in page
    assert f"there is no program {gone}" in page


def test_a_plan_that_was_made_still_asks_for_approval(project: Project) -> None:
    done = led(project, "implementation-planning")
    assert report_of(done)["verdict"]["approval_needed"] is True
