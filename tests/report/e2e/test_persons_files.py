"""What a person wrote or edited at a place where okstra writes its own is never written over."""

from __future__ import annotations

import json
import os
import shlex
import signal
from pathlib import Path

from support.approvals import approve
from support.live_runs import LiveRun
from support.okstra import Ended, Project
from support.plans import independent, plan_text
from support.rehearsal import install, led, part

PLANNING = "implementation-planning"


def reports(project: Project) -> Path:
    return project.task_root / "runs" / PLANNING / "reports"


def plan_at(project: Project, number: int) -> Path:
    return reports(project) / f"final-report-{PLANNING}-{number:03d}.md"


def put(project: Project, text: str, number: int = 1) -> bytes:
    reports(project).mkdir(parents=True, exist_ok=True)
    plan_at(project, number).write_text(text, encoding="utf-8")
    return plan_at(project, number).read_bytes()


def prepared(project: Project) -> str:
    run: str = project.run_phase(PLANNING, "--provider", "rehearsal").data["run_id"]
    return run


def next_of(project: Project, run: str) -> str:
    rows = project.okstra.ok("status", "--json").data["runs"]
    (step,) = [row["next"] for row in rows if row["run_id"] == run]
    return str(step)


def test_a_persons_approved_plan_at_the_reports_place_stays_the_plan(project: Project) -> None:
    run = prepared(project)
    put(project, plan_text(independent(2)))
    approve(plan_at(project, 1), project.okstra.environment)
    theirs = plan_at(project, 1).read_bytes()
    stage = project.run_stage()
    assert stage.status == 0
    ended = project.okstra.ok("resume", run, "--json")
    assert plan_at(project, 1).read_bytes() == theirs
    assert ended.data["report"] == str(plan_at(project, 2))
    told = f"the plan {plan_at(project, 1)} is yours, and stays the plan; okstra's own is {plan_at(project, 2)}"
    assert told in ended.data["warnings"] and told in ended.stderr
    assert project.okstra.ok("check", "run", run, "--json")
    assert project.finish(stage).status == 0
    second = project.run_stage()
    assert second.data["stage"] == 2, "the task's plan is still theirs"


def test_okstras_own_plan_beside_a_persons_counts_once_it_is_approved(project: Project) -> None:
    run = prepared(project)
    put(project, plan_text(independent(2), approved=False))
    ended = project.okstra.ok("resume", run, "--json")
    assert ended.data["next_step"].endswith(shlex.quote(str(plan_at(project, 2))))
    assert project.run_stage().envelope["errors"][0]["where"].startswith(str(plan_at(project, 1)))
    approve(plan_at(project, 2), project.okstra.environment)
    assert json.loads(Path(_manifest_of(project.run_stage())).read_text())["plan"]["path"] == str(plan_at(project, 2))


def _manifest_of(ended: Ended) -> str:
    assert ended.status == 0, ended
    return str(ended.data["manifest"])


def failed_planning(project: Project) -> str:
    """A planning run with a report of okstra's own, that can go on."""
    install(project, part({"fault": "crash"}, worker="rehearsal-b"))
    ended = led(project, PLANNING)
    assert ended.status == 1, ended
    install(project)
    return f"{project.task_key}/{PLANNING}/001"


def test_okstras_own_report_is_made_anew_when_the_run_goes_on(project: Project) -> None:
    run = failed_planning(project)
    before = plan_at(project, 1).read_bytes()
    assert next_of(project, run) == f"okstra resume {run}"
    ended = project.okstra.ok("resume", run, "--json")
    assert ended.data["report"] == str(plan_at(project, 1))
    assert plan_at(project, 1).read_bytes() != before
    assert not plan_at(project, 2).exists()


def test_a_plan_of_okstras_that_a_person_edited_is_theirs_when_the_run_goes_on(project: Project) -> None:
    run = failed_planning(project)
    theirs = plan_at(project, 1).read_bytes() + b"my words\n"
    plan_at(project, 1).write_bytes(theirs)
    ended = project.okstra.ok("resume", run, "--json")
    assert ended.data["report"] == str(plan_at(project, 2))
    assert plan_at(project, 1).read_bytes() == theirs


def test_a_plan_that_was_put_there_while_the_workers_worked_is_not_written_over(project: Project) -> None:
    theirs = plan_text(independent(2))
    text = json.dumps(theirs)
    reports(project).mkdir(parents=True)
    script = project.repo.path.parent / "put.py"
    script.write_text(f"open({str(plan_at(project, 1))!r}, 'w').write({text})\n")
    install(project, part({"run": f"python3 {script}"}, {"report": {}}, role="report-writer", phase=PLANNING))
    ended = led(project, PLANNING)
    assert plan_at(project, 1).read_text() == theirs, ended
    assert plan_at(project, 2).exists()


def test_the_next_step_of_a_planning_run_whose_plan_a_person_wrote_is_the_plan(project: Project) -> None:
    run = prepared(project)
    assert next_of(project, run) == f"okstra resume {run}"
    plan = shlex.quote(str(plan_at(project, 1)))
    put(project, plan_text({1: (2,), 2: (1,)}))
    assert next_of(project, run) == f"okstra plan check {plan}"
    put(project, plan_text(independent(1)))
    assert next_of(project, run) == f"okstra plan approve {plan}"
    rounds = project.okstra.ok("schedule", "--json").data["rounds"]
    units = [unit for one in rounds for unit in one]
    assert [unit["command"] for unit in units if unit["name"] == "approval"] == [f"okstra plan approve {plan}"]
    approve(plan_at(project, 1), project.okstra.environment)
    assert next_of(project, run) == f"okstra run --task-key {project.task_key} --task-type implementation"


def test_a_plan_put_under_a_free_number_is_no_new_runs_place(project: Project) -> None:
    theirs = put(project, plan_text(independent(1)))
    adopted = project.adopt(independent(2))
    assert adopted == str(plan_at(project, 2))
    put(project, plan_text(independent(1)), 3)
    ended = led(project, PLANNING)
    assert ended.data["report"] == str(plan_at(project, 4))
    assert plan_at(project, 1).read_bytes() == theirs


def test_rendering_again_keeps_what_somebody_wrote_into_a_page(project: Project) -> None:
    ended = led(project, "error-analysis")
    run, page = ended.data["run_id"], Path(ended.data["report"])
    made, html = page.read_bytes(), page.with_suffix(".html")
    kept = []
    for note in ("my note\n", "another note\n"):
        page.write_bytes(made + note.encode())
        html.write_bytes(html.read_bytes() + note.encode())
        rendered = project.okstra.ok("report", "render", run, "--json")
        assert page.read_bytes() == made
        kept += [rendered.data["earlier"], rendered.data["earlier_html"]]
    assert [Path(one).name for one in kept] == [
        f"{page.name}.before-render",
        f"{html.name}.before-render",
        f"{page.name}.before-render-2",
        f"{html.name}.before-render-2",
    ]
    assert [Path(one).read_bytes().endswith(b"my note\n") for one in kept] == [True, True, False, False]
    again = project.okstra.ok("report", "render", run, "--json")
    assert (again.data["earlier"], again.data["earlier_html"]) == ("", "")


def test_folders_that_are_not_there_yet_are_made(project: Project) -> None:
    folder = project.repo.path / "not" / "there"
    project.okstra.ok("brief", "new", "--title", "A bug", "--output", folder / "a" / "brief.md")
    assert (folder / "a" / "brief.md").exists()
    project.okstra.ok("board", "--html", folder / "b" / "board.html", "--once")
    assert (folder / "b" / "board.html").exists()
    (project.repo.path / "file").write_text("x\n")
    for command in (("brief", "new", "--title", "A bug", "--output"), ("board", "--once", "--html")):
        refused = project.okstra(*command, project.repo.path / "file" / "out.md", "--json")
        assert (refused.status, refused.codes) == (1, ["write-failed"])
        assert "director" in refused.envelope["errors"][0]["message"] or "exists" in refused.stderr


def test_the_place_of_the_report_is_there_once_a_run_is_prepared(project: Project) -> None:
    prepared(project)
    assert reports(project).is_dir()
    assert list(reports(project).iterdir()) == []


def test_a_plan_approved_in_a_prepared_runs_place_ends_the_run(project: Project) -> None:
    run = prepared(project)
    put(project, plan_text(independent(2)))
    assert status_of(project, run) == "prepared"
    project.okstra.ok("plan", "approve", plan_at(project, 1), "--yes")
    assert status_of(project, run) == "released"
    assert run not in [row["run_id"] for row in project.okstra.ok("status", "--json").data["runs"]]
    assert first_round(project) == ["stage 1", "stage 2"]
    gone = project.okstra.ok("worktree", "remove", project.task_key, "--json")
    assert gone.status == 0, "nothing holds it"


def test_a_plan_adopted_beside_a_prepared_run_ends_it_once_it_is_approved(project: Project, tmp_path: Path) -> None:
    run = prepared(project)
    written = tmp_path / "mine.md"
    written.write_text(plan_text(independent(2)), encoding="utf-8")
    plan = project.okstra.ok("plan", "adopt", written, "--task-key", project.task_key, "--json").data["plan"]
    assert status_of(project, run) == "prepared"
    project.okstra.ok("plan", "approve", plan, "--yes")
    assert status_of(project, run) == "released"
    assert first_round(project) == ["stage 1", "stage 2"]


def test_a_led_run_goes_on_when_a_plan_is_approved_in_its_place(project: Project) -> None:
    install(project, part({"fault": "hang"}, role="analyst"))
    live = LiveRun.start(project, PLANNING)
    live.wait_for_processes(1)
    put(project, plan_text(independent(1)))
    project.okstra.ok("plan", "approve", plan_at(project, 1), "--yes")
    assert status_of(project, live.run) == "running"
    os.kill(live.process.pid, signal.SIGTERM)
    live.ended()


def first_round(project: Project) -> list[str]:
    return [unit["name"] for unit in project.okstra.ok("schedule", "--json").data["rounds"][0]]


def status_of(project: Project, run: str) -> str:
    rows = project.okstra.ok("list", "--all", "--json").data["runs"]
    return str(next(row["status"] for row in rows if row["run_id"] == run))
