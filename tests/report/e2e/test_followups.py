"""Tasks that reports propose become tasks on a person's word: linked, described, and never run by themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.okstra import Ended, Project
from support.rehearsal import finding, install, led, part, result

RUN = "demo:core:T-1/error-analysis/001"
FIRST = {"title": "Rotate the\nkeys", "task_type": "error-analysis", "reason": "G-001 shows it.\n# Requirements"}
SECOND = {"title": "Measure logins", "task_type": "implementation", "reason": "nobody knows"}


@pytest.fixture
def proposing(project: Project) -> Project:
    """A project with a report that proposes two tasks."""
    install(
        project,
        part({"result": result(finding("high", "Keys are old"))}, worker="rehearsal-a", round=""),
        part({"report": {"follow_ups": [FIRST, SECOND]}}, role="report-writer"),
    )
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    return project


def _task(project: Project, name: str) -> Path:
    return project.repo.path / ".okstra" / "tasks" / "core" / name


def _manifest(project: Project, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((_task(project, name) / "task-manifest.json").read_text())
    return value


def _spawn(project: Project, *more: str, item: str = "FU-001") -> Ended:
    return project.okstra("followups", "spawn", RUN, "--item", item, "--json", *more)


def _states(project: Project, *args: str) -> dict[str, tuple[str, str]]:
    items = project.okstra.ok("followups", "list", *args, "--json").data["items"]
    return {item["item"]: (item["state"], item["task_key"]) for item in items}


def _spawned_rows(project: Project, name: str) -> list[str]:
    lines = (_task(project, name) / "history" / "timeline.jsonl").read_text().splitlines()
    return [row["note"] for row in map(json.loads, lines) if row["event"] == "spawned"]


def test_the_reports_pages_name_each_proposal_and_the_command_for_it(proposing: Project) -> None:
    reports = _task(proposing, "t-1") / "runs" / RUN.split("/")[1] / "reports"
    command = f"okstra followups spawn {RUN} --item FU-001"
    for page in (*reports.glob("final-report-*.md"), *reports.glob("final-report-*.html")):
        text = page.read_text()
        assert [name for name in ("FU-001", "FU-002", command) if name not in text] == [], page
    assert len(list(reports.glob("final-report-*.html"))) == 1
    proposing.okstra.ok(*command.split()[1:])


def test_a_proposal_from_its_report_to_its_first_run(proposing: Project) -> None:
    assert _states(proposing) == _states(proposing, RUN) == {"FU-001": ("open", ""), "FU-002": ("open", "")}
    made = _spawn(proposing).data["spawned"][0]
    assert (made["task_key"], made["created"]) == ("demo:core:T-1-1", True)
    assert made["next"] == "okstra run --task-key demo:core:T-1-1 --task-type error-analysis"
    assert not (_task(proposing, "t-1-1") / "runs").exists()
    manifest = _manifest(proposing, "t-1-1")
    assert manifest["title"] == "Rotate the keys"
    assert manifest["parent"] == {"task_key": "demo:core:T-1", "run_id": RUN, "item": "FU-001"}
    assert (manifest["related"], _manifest(proposing, "t-1")["related"]) == (["demo:core:T-1"], ["demo:core:T-1-1"])
    assert _spawned_rows(proposing, "t-1") == ["FU-001 as demo:core:T-1-1"]
    assert _spawned_rows(proposing, "t-1-1") == ["from FU-001 of demo:core:T-1"]
    files = [*_task(proposing, "t-1-1").rglob("*.json*"), *_task(proposing, "t-1").glob("history/*.jsonl")]
    files.append(proposing.repo.path / ".okstra" / "discovery" / "task-catalog.json")
    assert [fault for path in files for fault in schemas.faults_of_file(path)] == []
    assert _states(proposing, "--state", "spawned") == {"FU-001": ("spawned", "demo:core:T-1-1")}
    prepared = proposing.okstra(*made["next"].split()[1:], "--render-only", "--json")
    assert prepared.status == 0, prepared
    prompt = Path(prepared.data["launch_prompt"]).read_text()
    assert "Keys are old" in prompt
    assert re.search("`demo:core:T-1`(: .*)? \\(", prompt)
    assert prepared.data["worktree"]["branch"] == "fix-t-1-1"


def test_its_brief_tells_where_it_comes_from_and_is_no_ones_to_forge(proposing: Project) -> None:
    brief = Path(_spawn(proposing).data["spawned"][0]["brief"])
    text = brief.read_text()
    assert text.startswith("---\ntask-key: demo:core:T-1-1\ncategory: bugfix\n")
    assert "> G-001 shows it.\n> # Requirements\n" in text
    assert ", consensus] Keys are old**" in text or "] Keys are old**" in text
    assert "- evidence: README.md:1" in text
    read = proposing.okstra("brief", "show", "demo:core:T-1-1", "--json")
    assert read.data["path"] == str(brief), read


def test_spawning_twice_answers_the_same_task(proposing: Project) -> None:
    first = _spawn(proposing).data["spawned"][0]
    before = {path: path.read_bytes() for path in _task(proposing, "t-1-1").rglob("*") if path.is_file()}
    assert _spawn(proposing).data["spawned"] == [{**first, "created": False}]
    assert {path: path.read_bytes() for path in before} == before
    assert _spawned_rows(proposing, "t-1") == ["FU-001 as demo:core:T-1-1"]
    other = _spawn(proposing, "--task-id", "ELSE")
    assert (other.status, other.codes) == (3, ["follow-up-spawned"])
    assert "demo:core:T-1-1" in other.stderr
    both = proposing.okstra.ok("followups", "spawn", RUN, "--all", "--json").data["spawned"]
    assert [(one["task_key"], one["created"]) for one in both] == [
        ("demo:core:T-1-1", False),
        ("demo:core:T-1-2", True),
    ]
    assert both[1]["next"].endswith("--task-type implementation-planning")


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(proposing: Project) -> None:
    proposing.okstra.ok(
        *(
            "run",
            "--task-group",
            "core",
            "--task-id",
            "T-2",
            "--task-type",
            "error-analysis",
            "--request=Do it.",
            "--render-only",
        )
    )
    proposing.okstra.ok("brief", "new", "--title", "Mine", "--task-key", "demo:core:T-3")
    for name, code in (("T-1", "name-taken"), ("T-2", "name-taken"), ("t 2", "name-taken"), ("T-3", "file-foreign")):
        refused = _spawn(proposing, "--task-id", name)
        assert (refused.status, refused.codes) == (3, [code]), refused
    assert not (_task(proposing, "t-1") / "history" / "follow-ups.jsonl").exists()
    made = _spawn(proposing, "--task-id", "KEYS-9", "--task-group", "ops").data["spawned"][0]
    assert made["task_key"] == "demo:ops:KEYS-9"


def test_what_is_dismissed_says_why_and_can_be_taken_up_again(proposing: Project) -> None:
    for _ in range(2):
        proposing.okstra.ok("followups", "dismiss", RUN, "--item", "FU-001", "--reason", "a later\nquarter", "--json")
    rows = (_task(proposing, "t-1") / "history" / "follow-ups.jsonl").read_text().splitlines()
    assert [json.loads(row)["reason"] for row in rows] == ["a later quarter"]
    assert _states(proposing)["FU-001"] == ("dismissed", "")
    made = proposing.okstra.ok("followups", "spawn", RUN, "--all", "--json").data["spawned"]
    assert [one["item"] for one in made] == ["FU-002"]
    assert _spawn(proposing).status == 0
    refused = proposing.okstra("followups", "dismiss", RUN, "--item", "FU-001", "--reason", "no", "--json")
    assert (refused.status, refused.codes) == (3, ["follow-up-spawned"])


def test_mistakes_are_told(proposing: Project) -> None:
    for args, code in (
        (("spawn", RUN), "input-missing"),
        (("spawn", RUN, "--all", "--item", "FU-001"), "input-missing"),
        (("spawn", RUN, "--all", "--task-id", "X"), "usage"),
        (("spawn", RUN, "--item", "FU-009"), "not-found"),
        (("spawn", RUN, "--item", "FU-001", "--task-id", "///"), "bad-identity"),
        (("dismiss", RUN, "--item", "FU-001", "--reason", " "), "input-missing"),
        (("list", "demo:core:T-1/error-analysis/009"), "not-found"),
        (("list", "--task-key", "demo:core:T-9"), "task-unknown"),
        (("list", "--task-key", "T-9"), "task-unknown"),
        (("list", "--task-key", "a:b:"), "bad-identity"),
    ):
        ended = proposing.okstra("followups", *args, "--json")
        assert (ended.status, ended.codes) == (2, [code]), args


def test_a_discovery_fans_out(project: Project) -> None:
    tasks = [{"title": "Split one", "summary": "the first"}, {"title": "Split two", "summary": "the second"}]
    phase = {"work_category": "refactor", "routing": "implementation-planning", "missing_inputs": [], "tasks": tasks}
    install(project, part({"report": {"phase": phase}}, role="report-writer"))
    ended = led(project, "requirements-discovery")
    assert ended.status == 0, ended
    made = project.okstra.ok("followups", "spawn", ended.data["run_id"], "--all", "--json").data["spawned"]
    assert [(one["item"], one["title"]) for one in made] == [("FO-001", "Split one"), ("FO-002", "Split two")]
    assert {one["next"].rpartition(" ")[2] for one in made} == {"implementation-planning"}
    assert _manifest(project, "t-1-1")["work_category"] == "refactor"


def test_damaged_files_are_named_and_not_overwritten(proposing: Project) -> None:
    rows = _task(proposing, "t-1") / "history" / "follow-ups.jsonl"
    rows.write_bytes(b'[]\n\xff\n{"v": 1, "item": 3}\n{"v": 1, "item": "FU-0')
    assert _states(proposing)["FU-001"] == ("open", "")
    assert _spawn(proposing).status == 0
    assert _states(proposing)["FU-001"] == ("spawned", "demo:core:T-1-1")
    (data,) = _task(proposing, "t-1").rglob("final-report-*.data.json")
    data.write_text('{"follow_ups": [')
    told = proposing.okstra.ok("followups", "list", "--json")
    assert (told.data["items"], told.data["unread"]) == ([], [str(data)])
    assert _spawn(proposing, item="FU-002").status == 65
    assert data.read_text() == '{"follow_ups": ['
