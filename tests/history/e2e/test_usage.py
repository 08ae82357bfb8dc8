"""What runs have spent, told by the real commands: streams, session files, prices, and what nobody knows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from support import schemas
from support.client_streams import CODEX_GOOD, codex_item, stream
from support.okstra import Ended, Project
from support.rehearsal import events_of, install, led, manifest_of, part, report_of, result
from support.session_files import SESSION, answer, asked, claude_session, rollout

SONNET = "claude-sonnet-5-5"
MILLION = 1_000_000


def usage(project: Project, *args: str, **environment: str) -> dict[str, Any]:
    return project.okstra.ok("usage", *args, "--json", **environment).data


def workers(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (run,) = data["runs"]
    return {row["worker"]: row for row in run["workers"]}


def claude_home(project: Project) -> Path:
    return Path(project.okstra.environment["CLAUDE_CONFIG_DIR"])


def test_a_rehearsal_is_called_one_and_costs_nothing(project: Project) -> None:
    install(project, part({"cost": 0.75}, {"result": result()}, role="analyst", round=""))
    done = led(project, "error-analysis")
    assert done.status == 0, done
    told = project.okstra.ok("usage", done.data["run_id"])
    assert "rehearsal" in told.stdout and "$" not in told.stdout
    assert "no model" in told.stderr
    data = usage(project, done.data["run_id"])
    assert data["runs"][0]["rehearsal"] is True
    assert all(row["rehearsal"] and row["cost_usd"] == 0 for row in workers(data).values())
    assert (data["total"]["cost_usd"], data["total"]["input"]) == (0, 0)
    assert list(workers(data)) == ["rehearsal-a", "rehearsal-b", "report-writer"]


def test_the_report_counts_its_own_writer_too(project: Project) -> None:
    done = led(project, "error-analysis")
    rows = {row["worker"] for row in report_of(done)["usage"]["workers"]}
    assert rows == {"rehearsal-a", "rehearsal-b", "report-writer"}
    assert manifest_of(done)["usage"] == report_of(done)["usage"]
    text = Path(done.data["report"]).read_text()
    assert "| report-writer | rehearsal |" in text
    assert "A rehearsal" in text


def _led_by_a_session(project: Project) -> Ended:
    """A run that a session of a person's prepares and leads: prepared inside it, resumed inside it."""
    return project.run_phase("error-analysis", "--provider", "rehearsal", "--lead", "claude")


def test_the_session_that_leads_is_counted_with_its_sub_agents(project: Project) -> None:
    run = _led_by_a_session(project)
    rows = [answer("m0", SONNET, 999, 0, 0, 999, at="2020-01-01T00:00:00.000Z"), answer("m1", SONNET, MILLION, 0, 0, 0)]
    agents = {"a": [asked("look around"), answer("a1", "claude-fable-5-2", 500, 0, 0, 5)]}
    claude_session(claude_home(project), rows, agents)
    done = project.okstra("resume", run.data["run_id"], "--json", CLAUDE_CODE_SESSION_ID=SESSION)
    assert done.status == 0, done
    report = json.loads(Path(done.data["report"]).with_suffix(".data.json").read_text())
    lead = report["usage"]["workers"][0]
    assert (lead["worker"], lead["input"], lead["output"]) == ("lead", MILLION + 500, 5)
    assert (lead["models"], lead["sources"]) == (["claude-fable-5-2", SONNET], ["price", "session"])
    assert (lead["cost_usd"], lead["cost_at_least_usd"]) == (None, 2.0)
    text = Path(done.data["report"]).read_text()
    assert "at least $2.00" in text and "session file" in text
    assert "at least $2.00" in Path(done.data["report"]).with_suffix(".html").read_text()
    assert project.okstra.ok("check", "run", run.data["run_id"]).status == 0
    assert [fault for row in events_of(run) for fault in schemas.faults(row, "event-row")] == []
    own = {"prices": {"claude-fable-5-2": {"input": 10, "output": 50}}}
    (project.home / "config.json").write_text(json.dumps(own))
    now = usage(project, run.data["run_id"])
    assert workers(now)["lead"]["cost_usd"] == round(2.0 + (500 * 10 + 5 * 50) / MILLION, 6)
    assert now["total"]["cost_usd"] == workers(now)["lead"]["cost_usd"]


def test_a_session_that_is_gone_is_unknown(project: Project) -> None:
    run = _led_by_a_session(project)
    done = project.okstra("resume", run.data["run_id"], "--json", CLAUDE_CODE_SESSION_ID=SESSION)
    assert done.status == 0, done
    told = workers(usage(project, run.data["run_id"]))["lead"]
    assert (told["input"], told["cost_usd"], told["models"]) == (None, None, [])
    shown = project.okstra.ok("usage", run.data["run_id"]).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("lead")]
    assert line.count("unknown") == 5 and "0.00" not in line


def test_workers_that_a_session_started_as_its_agents_are_told_while_it_leads(project: Project) -> None:
    run = project.run_phase("error-analysis", "--workers", "claude", "--lead", "claude")
    prompt = Path(run.data["run_dir"]) / "prompts" / "claude-prompt-error-analysis-001.md"
    assert prompt.exists()
    agents = {
        "a": [asked(f"ROOT={project.repo.path}\nPROMPT={prompt}\n"), answer("a1", SONNET, 0, MILLION, 0, 0)],
        "b": [asked("another errand"), answer("b1", SONNET, 0, 0, 0, 100)],
    }
    claude_session(claude_home(project), [answer("m1", SONNET, 10, 0, 0, 10)], agents)
    state = Path(run.data["run_dir"]) / "state" / "events-001.jsonl"
    row = {"v": 1, "at": "2026-11-23T10:00:00Z", "event": "session", "run_id": run.data["run_id"], "session": SESSION}
    with state.open("a") as file:
        file.write(json.dumps(row) + "\n")
    told = workers(usage(project, run.data["run_id"]))
    assert (told["lead"]["input"], told["lead"]["output"]) == (10, 110)
    assert (told["claude"]["cached"], told["claude"]["cost_usd"], told["claude"]["role"]) == (MILLION, 0.1, "analyst")


def _codex(project: Project, thread: str) -> dict[str, str]:
    """A `codex` on the PATH that answers with a valid result, in that thread."""
    folder = project.repo.path.parent / "clients"
    folder.mkdir(exist_ok=True)
    facts = {"TASK_KEY": project.task_key, "PHASE": "error-analysis", "WORKER_ID": "codex", "COMMIT": "c" * 40}
    text = result()
    for name, value in facts.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    text = text.replace("provider: rehearsal", "provider: codex")
    begun = {"type": "thread.started", "thread_id": thread}
    (folder / "stream").write_bytes(stream(begun, codex_item("agent_message", text=text), CODEX_GOOD[-1]))
    (folder / "codex").write_text(f"#!/bin/sh\ncat > /dev/null\ncat '{folder}/stream'\n")
    (folder / "codex").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def _asked_codex(project: Project, thread: str = "t-1") -> Ended:
    run = project.run_phase("error-analysis", "--workers", "codex", "--codex-model", "gpt-5.5")
    prompt = Path(run.data["run_dir"]) / "prompts" / "codex-prompt-error-analysis-001.md"
    words = ("codex", project.repo.path, "gpt-5.5", prompt, run.data["worktree"]["path"], "analyst")
    project.okstra.ok("worker", "exec", *words, "--json", **_codex(project, thread))
    return run


def test_codex_is_told_by_price_of_the_model_that_was_asked_where_it_tells_no_other(project: Project) -> None:
    run = _asked_codex(project)
    row = workers(usage(project, run.data["run_id"]))["codex"]
    assert (row["input"], row["cached"], row["cache_written"], row["output"]) == (6693, 300, 7, 120)
    assert (row["models"], row["model_asked"], row["sources"]) == ([], "gpt-5.5", ["price", "stream"])
    known = round((6693 * 5 + 300 * 0.5 + 120 * 30) / MILLION, 6)
    assert (row["cost_usd"], row["cost_at_least_usd"]) == (
        None,
        known,
    )  # it has no price for what it wrote to the cache
    assert "gpt-5.5 (asked for)" in project.okstra.ok("usage", run.data["run_id"]).stdout


def test_codex_tells_its_model_and_its_sub_agents_in_its_own_files(project: Project) -> None:
    home = Path(project.okstra.environment["CODEX_HOME"])
    rollout(home, "t-1", ("r1", MILLION // 10, 0, 0), model="gpt-5.5")
    rollout(home, "t-2", ("r2", MILLION // 10, 0, 0), model="gpt-6-sol", parent="t-1")
    run = _asked_codex(project)
    row = workers(usage(project, run.data["run_id"]))["codex"]
    assert (row["models"], row["input"], row["sources"]) == (["gpt-5.5", "gpt-6-sol"], 200_000, ["price", "session"])
    assert row["cost_usd"] == 0.7
    models = {one["model"]: one["cost_usd"] for one in usage(project)["models"]}
    assert models == {"gpt-5.5": 0.5, "gpt-6-sol": 0.2}


def test_a_price_counts_against_the_budget(project: Project) -> None:
    run = project.run_phase(
        "error-analysis", "--workers", "codex,claude", "--codex-model", "gpt-5.5", "--budget", "0.03"
    )
    prompts = Path(run.data["run_dir"]) / "prompts"
    for worker, model, codes in (("codex", "gpt-5.5", []), ("claude", "sonnet", ["budget-spent"])):
        prompt = prompts / f"{worker}-prompt-error-analysis-001.md"
        words = (worker, project.repo.path, model, prompt, run.data["worktree"]["path"], "analyst")
        told = project.okstra("worker", "exec", *words, "--json", **_codex(project, "t-1"))
        assert told.codes == codes, told


def test_a_claude_that_was_killed_is_told_by_its_session_file(project: Project) -> None:
    run = project.run_phase("error-analysis", "--workers", "claude")
    claude_session(claude_home(project), [answer("m1", SONNET, MILLION, 0, 0, 0)])
    folder = project.repo.path.parent / "clients"
    folder.mkdir()
    begun = {"type": "system", "subtype": "init", "session_id": SESSION}
    (folder / "stream").write_bytes(stream(begun))
    (folder / "claude").write_text(f"#!/bin/sh\ncat > /dev/null\ncat '{folder}/stream'\nkill -9 $$\n")
    (folder / "claude").chmod(0o755)
    prompt = Path(run.data["run_dir"]) / "prompts" / "claude-prompt-error-analysis-001.md"
    words = ("claude", project.repo.path, "sonnet", prompt, run.data["worktree"]["path"], "analyst")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    assert project.okstra("worker", "exec", *words, "--json", PATH=path).codes == ["worker-failed"]
    row = workers(usage(project, run.data["run_id"]))["claude"]
    assert (row["input"], row["tokens_whole"], row["models"]) == (MILLION, False, [SONNET])
    assert (row["cost_usd"], row["cost_at_least_usd"]) == (None, 2.0)


def test_all_runs_are_summed_by_task(project: Project) -> None:
    first = led(project, "error-analysis")
    second = led(project, "requirements-discovery", "--task-key", "demo:core:T-2")
    assert (first.status, second.status) == (0, 0), second
    data = usage(project)
    assert [(one["task_key"], one["runs"]) for one in data["tasks"]] == [("demo:core:T-1", 1), ("demo:core:T-2", 1)]
    assert usage(project, "--project", "another")["runs"] == []
    assert usage(project, "--since", "2999-01-01")["runs"] == []
    (mine,) = usage(project, "--task-key", "demo:core:T-2")["runs"]
    assert mine["run_id"] == second.data["run_id"]
    text = project.okstra.ok("usage").stdout
    assert text.splitlines()[0].split()[:2] == ["TASK", "RUNS"]


def test_a_manifest_that_cant_be_read_is_named_and_the_rest_is_told(project: Project) -> None:
    first = led(project, "error-analysis")
    second = led(project, "requirements-discovery", "--task-key", "demo:core:T-2")
    Path(first.data["manifest"]).write_text("{")
    told = project.okstra.ok("usage", "--json")
    assert told.data["unread"] == [first.data["run_id"]]
    assert [one["run_id"] for one in told.data["runs"]] == [second.data["run_id"]]


def test_what_is_asked_wrongly_is_refused(project: Project) -> None:
    run = project.run_phase("error-analysis").data["run_id"]
    assert project.okstra("usage", run, "--since", "1d", "--json").codes == ["usage"]
    assert project.okstra("usage", "--since", "soon", "--json").codes == ["usage"]
    assert project.okstra("usage", f"{run}9", "--json").codes == ["not-found"]
    assert project.okstra.ok("usage", run).stdout.strip() == "nobody was asked anything"
    (project.home / "config.json").write_text('{"prices": {"m": {"input": -1, "output": 1}}}')
    assert project.okstra("usage", "--json").codes == ["bad-config"]
