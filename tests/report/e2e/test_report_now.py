"""A report that is rendered again shows where its task stands now; its data stay those of the run's end."""

from __future__ import annotations

import json
from pathlib import Path

from support import schemas
from support.okstra import Ended, Project
from support.pages import Collector
from support.plans import independent
from support.rehearsal import executed, install, led, part, report_of

ASKED = "A person has to approve this plan before anything is built."


def shown(project: Project, ended: Ended) -> list[str]:
    """The texts of the page, rendered again; and both pages are what their data and the state of now give."""
    run = ended.data["run_id"]
    html = project.okstra.ok("report", "render", run, "--json").data["html"]
    views = project.okstra.ok("report", "views", run, "--json").data["views"]
    assert {view["state"] for view in views} == {"current"}
    return Collector(Path(html).read_text()).data


def test_a_plan_that_was_approved_since_no_longer_asks_for_it(project: Project) -> None:
    ended = led(project, "implementation-planning")
    plan, data = Path(ended.data["report"]), Path(ended.data["report"]).with_suffix(".data.json")
    before = data.read_bytes()
    page = shown(project, ended)
    assert ASKED in page and "Where the task stands now" not in " ".join(page), "nothing came after it"
    project.okstra.ok("plan", "approve", plan, "--yes")
    approved = plan.read_bytes()
    page = shown(project, ended)
    assert ASKED not in page and "approved" in page and "0 / 1" in page
    project.adopt(independent(2))
    assert "replaced by a newer plan" in shown(project, ended)
    project.okstra.ok("drop", project.task_key)
    assert "dropped" in shown(project, ended)
    assert (data.read_bytes(), plan.read_bytes()) == (before, approved)
    events = (Path(ended.data["run_dir"]) / "state").glob("events-*.jsonl")
    rows = [json.loads(line) for path in events for line in path.read_text().splitlines()]
    assert [fault for row in rows for fault in schemas.faults(row, "event-row")] == []


def test_a_stages_report_shows_that_it_was_built_and_merged_since(project: Project) -> None:
    project.adopt(independent(2))
    write = {"write": {"path": "stage-1/it.py", "content": "# stage 1\n"}}
    install(project, part(write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation")
    page = shown(project, ended)
    assert page.count("1 / 2") == 1 and "0 / 2" in page, "built, and not merged yet"
    markdown = Path(ended.data["report"])
    assert "Stages built: 1 / 2; Stages merged: 0 / 2; This stage: done" in markdown.read_text()
    project.okstra.ok("integrate", project.task_key)
    assert shown(project, ended).count("1 / 2") == 2
    assert "Stages built: 1 / 2; Stages merged: 1 / 2; This stage: merged" in markdown.read_text()


def test_the_title_the_request_and_the_date_stand_at_the_top(project: Project) -> None:
    run = ("run", "Sums are off by one", "--task-type", "error-analysis", "--provider", "rehearsal", "--yes", "--json")
    ended = project.okstra.ok(*run)
    data = report_of(ended)
    assert (data["title"], data["request"]) == ("Sums are off by one", "Sums are off by one")
    assert schemas.faults(data, "final-report") == []
    page = Path(ended.data["report"]).with_suffix(".html").read_text()
    head = page[: page.index('id="verdict"')]
    assert '<h1 dir="auto">Sums are off by one</h1>' in head
    assert 'aria-label="Request"' in head and ended.data["run_id"].rpartition("/")[0].rpartition("/")[0] in head
    day = data["at"].partition("T")[0]
    assert f"<dt>Date</dt><dd>{day} " in head
    top = Path(ended.data["report"]).read_text().split("## 1.")[0]
    assert top.startswith("# Error analysis: Sums are off by one\n")
    assert f"- Date: {day} " in top and "- Request: Sums are off by one\n" in top
