"""`okstra report`: the pages of real runs of every phase, made anew, compared, found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import schemas
from support.led_phases import analysed, led_phase
from support.okstra import Ended, Project
from support.pages import Collector
from support.phases import TASK_TYPES
from support.plans import independent
from support.rehearsal import led, report_of


def reports(ended: Ended) -> Path:
    return Path(ended.data["report"])


def html_of(ended: Ended) -> Path:
    return reports(ended).with_suffix(".html")


@pytest.mark.parametrize("task_type", [one for one in TASK_TYPES if one != "review"])  # it has a command of its own
def test_every_phase_leaves_a_page_that_is_made_alike_again(project: Project, task_type: str) -> None:
    ended = led_phase(project, task_type)
    assert ended.status == 0, ended
    html, markdown = html_of(ended), reports(ended)
    if task_type in ("implementation", "release-handoff"):  # rendered again, they show what became of the task
        project.okstra.ok("report", "render", ended.data["run_id"])
    before = html.read_bytes(), markdown.read_bytes()
    assert 'id="verdict"' in html.read_text()
    assert project.okstra.ok("report", "views", ended.data["run_id"], "--json").data["views"] == [
        {"kind": "markdown", "path": str(markdown), "state": "current"},
        {"kind": "html", "path": str(html), "state": "current"},
    ]
    project.okstra.ok("report", "render", ended.data["run_id"])
    assert (html.read_bytes(), markdown.read_bytes()) == before


def test_the_page_shows_the_cited_lines_as_they_stood_at_the_runs_commit(project: Project) -> None:
    ended = analysed(project)
    page = html_of(ended).read_text()
    assert '<span class="cited"><span class="number">5</span>    return time.time() &lt; session.expires\n' in page
    project.repo.commit({"src/session.py": "gone\n"}, "fix: another file now")
    project.okstra.ok("report", "render", ended.data["run_id"])
    assert html_of(ended).read_text() == page


def test_the_page_tells_who_said_what(project: Project) -> None:
    read = Collector(html_of(analysed(project)).read_text())
    assert "b" not in {name for name, attributes in read.elements if attributes.get("class") == "never"}
    assert "It never <b>expires</b>" in read.data
    assert "Raised by: rehearsal-a (F-001, high)" in read.data
    assert read.data.count("disagrees") >= 3
    assert "rehearsal-b · round-2" in read.data


def test_a_korean_report_is_korean(project: Project) -> None:
    ended = analysed(project, "--report-language", "ko")
    page = html_of(ended).read_text()
    assert '<html lang="ko">' in page
    assert "리허설" in page
    assert "이견" in page
    assert "### 증상" in reports(ended).read_text()


def test_a_page_that_was_edited_or_lost_is_told_and_made_anew(project: Project) -> None:
    ended = analysed(project)
    run, page = ended.data["run_id"], html_of(ended)
    whole = page.read_text()
    page.write_text(whole.replace("disagrees", "agrees"))
    reports(ended).unlink()
    views = project.okstra("report", "views", run, "--json")
    assert (views.status, views.codes) == (4, ["report-stale", "report-stale"])
    assert [view["state"] for view in views.data["views"]] == ["missing", "changed"]
    project.okstra.ok("report", "render", run)
    assert page.read_text() == whole
    project.okstra.ok("report", "views", run)


def test_a_page_of_other_data_is_stale(project: Project) -> None:
    ended = analysed(project)
    data = reports(ended).with_suffix(".data.json")
    document = json.loads(data.read_text())
    document["verdict"]["conclusion"] = "Something else."
    data.write_text(json.dumps(document))
    views = project.okstra("report", "views", ended.data["run_id"], "--json")
    assert [view["state"] for view in views.data["views"]] == ["changed", "stale"]
    project.okstra.ok("report", "render", ended.data["run_id"])
    assert "Something else." in html_of(ended).read_text()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ('{"schema": "final-report/1"}', "report-invalid"),
        ("{", "state-unreadable"),
        ('{"schema": "final-report/9"}', "state-unreadable"),
    ],
)
def test_data_that_is_no_report_is_told_and_nothing_is_written(project: Project, fault: str, code: str) -> None:
    ended = analysed(project)
    before = html_of(ended).read_bytes()
    reports(ended).with_suffix(".data.json").write_text(fault)
    refused = project.okstra("report", "render", ended.data["run_id"], "--json")
    assert refused.codes == [code], refused
    assert html_of(ended).read_bytes() == before


def test_a_run_without_a_report_is_told_how_to_go_on(project: Project) -> None:
    run = project.run_phase().data["run_id"]
    refused = project.okstra("report", "render", run, "--json")
    assert (refused.status, refused.codes) == (2, ["not-found"])


def test_a_plans_approval_outlives_its_rendering(project: Project) -> None:
    ended = led(project, "implementation-planning")
    plan, run = reports(ended), ended.data["run_id"]
    project.okstra.ok("plan", "approve", plan, "--yes")
    approved = plan.read_text()
    assert project.okstra.ok("report", "views", run, "--json").data["views"][0]["state"] == "current"
    project.okstra.ok("report", "render", run)
    assert plan.read_text() == approved
    plan.write_text(approved.replace("## 4. Risks", "## 4. Risks that I see"))
    rendered = project.okstra.ok("report", "render", run, "--json")
    assert plan.read_text() == approved
    assert "Risks that I see" in Path(rendered.data["earlier"]).read_text()


def test_stages_that_a_person_changed_are_not_changed_back(project: Project) -> None:
    ended = led(project, "implementation-planning")
    plan = reports(ended)
    changed = plan.read_text().replace("test -f rehearsal.txt", "test -s rehearsal.txt")
    plan.write_text(changed)
    rendered = project.okstra.ok("report", "render", ended.data["run_id"], "--json")
    assert rendered.data["markdown_kept"] is True
    assert plan.read_text() == changed
    assert html_of(ended).exists()


def test_reports_are_found_by_task_and_type(project: Project) -> None:
    first = analysed(project)
    second = led(project, "implementation-planning")
    project.adopt(independent(1))
    found = project.okstra.ok("report", "find", "--json").data["reports"]
    assert {one["run_id"] for one in found} == {first.data["run_id"], second.data["run_id"], ""}
    assert {one["task_key"] for one in found} == {project.task_key}
    (one,) = project.okstra.ok("report", "find", "--type", "error-analysis", "--json").data["reports"]
    assert (one["verdict"], one["outcome"]) == (report_of(first)["verdict"]["token"], "completed")
    assert one["html"] == str(html_of(first))
    assert project.okstra("report", "find", "--task-key", "demo:core:OTHER", "--json").codes == ["task-unknown"]
    assert project.okstra("report", "find", "--task-key", "x", "--json").codes == ["task-unknown"]
    assert str(html_of(first)) in project.okstra.ok("report", "find").stdout


def test_a_run_without_git_has_its_page_without_cited_lines(project: Project) -> None:
    ended = analysed(project)
    (project.repo.path / ".git").rename(project.repo.path / "git-is-away")
    project.okstra.ok("report", "render", ended.data["run_id"])
    page = html_of(ended).read_text()
    assert "src/session.py:5" in page
    assert 'class="excerpt"' not in page
    assert schemas.faults(report_of(ended), "final-report") == []
