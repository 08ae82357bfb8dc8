"""A stage whose run okstra led counts once its gates are passed, or once a person says so and why."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.faults import Preload, Scene, eventually
from support.live_runs import LiveRun
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, finding, install, led, part, report_of, result
from support.sealed import ROOT

_WORK = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
_NO = result(finding("critical", "It does not work"), verdict="fail")


def _failed_by_verifiers(project: Project, *more: dict[str, Any]) -> Ended:
    """A led run of stage 1 whose verifiers both say no. `more` are further steps of its executor."""
    install(
        project,
        part(*_WORK, *more, {"result": executed(1, 2)}, role="executor"),
        part({"result": _NO}, role="verifier"),
    )
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status == 1, ended
    assert report_of(ended)["gates"]["verification"]["gate"] == "failed"
    return ended


def _stages(project: Project, plan: str) -> list[dict[str, Any]]:
    stages: list[dict[str, Any]] = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    return stages


def _done(project: Project, run: str, *more: str) -> Ended:
    return project.okstra("stage", "done", "--run", run, *more, "--json")


def _forge(project: Project, run: str) -> dict[str, Any]:
    """A `done` row as somebody who knows the format appends it: the stage's head, no lead's word."""
    started = next(row for row in project.ledger if row["run_id"] == run)
    head = project.repo.git("rev-parse", "feat-t-1-s1")
    row = {**started, "id": f"{run}@{started['epoch']}:done", "status": "done", "head_commit": head}
    path = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    return row


# After a lead whose gates were not passed


def test_a_stage_that_its_verifiers_fail_is_not_recorded_by_a_plain_stage_done(project: Project) -> None:
    plan = project.adopt(independent(1))
    run = _failed_by_verifiers(project).data["run_id"]
    for more in ((), ("--no-change", "nothing to do"), ("--out-of-plan", "needed")):
        refused = _done(project, run, *more)
        assert (refused.status, refused.codes) == (3, ["gates-not-passed"]), refused
    (error,) = refused.envelope["errors"]
    assert run in error["message"] and "verification failed" in error["message"]
    assert f"okstra resume {run}" in error["try"] and "--overrule" in error["try"]
    assert _stages(project, plan)[0]["status"] != "done"


def test_a_persons_word_overrules_and_stands_in_ledger_list_and_report(project: Project) -> None:
    plan = project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    run, why = ended.data["run_id"], "the finding is about <b>another</b> file"
    done = _done(project, run, "--overrule", why)
    assert done.status == 0, done
    assert done.data["overrule"] == why
    row = project.ledger[-1]
    assert (row["status"], row["overrule"], row["note"]) == ("done", why, "")
    assert schemas.faults(row, "ledger-row") == []
    (stage,) = _stages(project, plan)
    assert (stage["status"], stage["overrule"]) == ("done", why)
    report = report_of(ended)
    assert [one["why"] for one in report["overrules"]] == [why] and schemas.faults(report, "final-report") == []
    markdown, html = Path(ended.data["report"]).read_text(), Path(ended.data["report"]).with_suffix(".html").read_text()
    assert why.replace("<", "\\<") in markdown
    assert "&lt;b&gt;another" in html and "<b>another" not in html
    project.okstra.ok("check", "run", run)
    merged = project.okstra.ok("integrate", "--task-key", project.task_key, "--json")
    assert merged.data["merged"] == [1]


def test_to_overrule_vouches_for_no_report_that_somebody_changed(project: Project) -> None:
    project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    data = Path(ended.data["report"]).with_suffix(".data.json")
    changed = data.read_text().replace('"blocked"', '"done"').replace("A rehearsal", "A triumph")
    data.write_text(changed)
    done = _done(project, ended.data["run_id"], "--overrule", "I read it")
    assert done.status == 0, done
    assert any(f"somebody changed {data}" in warning for warning in done.data["warnings"])
    assert data.read_text() == changed
    check = project.okstra("check", "run", ended.data["run_id"])
    assert check.status == 4 and "result-changed" in check.stdout


@pytest.mark.parametrize("how", ["deleted", "without its lead", "damaged"])
def test_a_run_whose_manifest_can_not_tell_who_led_it_is_not_merged(project: Project, how: str) -> None:
    project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    run, manifest = ended.data["run_id"], Path(ended.data["manifest"])
    _forge(project, run)
    whole = manifest.read_text()
    if how == "deleted":
        manifest.unlink()
    elif how == "damaged":
        manifest.write_text("{")
    else:
        manifest.write_text(json.dumps({name: value for name, value in json.loads(whole).items() if name != "lead"}))
    refused = project.okstra("integrate", "--task-key", project.task_key, "--json")
    assert refused.status != 0, refused
    assert refused.codes == ["state-unreadable" if how == "damaged" else "gates-not-passed"]
    assert refused.envelope["errors"][0]["where"] == str(manifest)
    if how == "deleted":
        assert "backup" in refused.envelope["errors"][0]["try"]
    manifest.write_text(whole)
    assert _done(project, run, "--overrule", "I read it").status == 0
    project.okstra.ok("integrate", "--task-key", project.task_key)


def test_a_run_that_passes_beside_an_edited_plan_says_so_at_its_end_and_in_its_report(project: Project) -> None:
    """A person edits the approved plan while the executor is at work: what was approved counts, and that is said."""
    plan = project.adopt(independent(1))
    edit = f"sed -i.bak 's/^| 1 | [^|]*/&changed /' {shlex.quote(plan)} && rm -f {shlex.quote(plan)}.bak"
    before = Path(plan).read_text()
    install(project, part(*_WORK, {"run": edit}, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation", "--stage", "1")
    assert Path(plan).read_text() != before
    assert ended.status == 0, ended
    note = "the plan is not as it was approved"
    assert any(note in warning for warning in ended.data["warnings"]), ended
    assert note in ended.stderr
    assert note in report_of(ended)["gates"]["stage-done"]["note"]
    for page in (Path(ended.data["report"]), Path(ended.data["report"]).with_suffix(".html")):
        assert note in page.read_text()


def test_to_overrule_opens_no_other_gate(project: Project) -> None:
    project.adopt(independent(1), exit_check="false")
    run = _failed_by_verifiers(project).data["run_id"]
    assert _done(project, run, "--overrule", "because").codes == ["exit-check-failed"]


def test_there_is_nothing_to_overrule_where_nobody_led_or_all_passed(project: Project) -> None:
    project.adopt(independent(2))
    prepared = project.run_stage("2")
    project.work(prepared)
    refused = _done(project, prepared.data["run_id"], "--overrule", "because")
    assert (refused.status, refused.codes) == (2, ["usage"])
    assert _done(project, prepared.data["run_id"]).status == 0
    install(project, part(*_WORK, {"result": executed(1, 2)}, role="executor"))
    passed = led(project, "implementation", "--stage", "1")
    assert passed.status == 0, passed
    assert _done(project, passed.data["run_id"], "--overrule", "because").codes == ["usage"]


def test_backfill_records_no_stage_past_its_gates(project: Project) -> None:
    """An exit check's record is a file that anybody can write."""
    plan = project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    head = project.repo.git("rev-parse", "feat-t-1-s1")
    record = {
        "schema": "exit-check/1",
        "command": "true",
        "commit": head,
        "exit": 0,
        "log": "/x",
        "reasons": {"no_change": "", "out_of_plan": ""},
    }
    manifest = Path(ended.data["manifest"])
    seq = manifest.stem.rpartition("-")[2]
    (path,) = {p.parent for p in manifest.parent.parent.glob("state/*")}
    (path / f"exit-check-{seq}.json").write_text(json.dumps(record))
    project.okstra("backfill")
    assert _stages(project, plan)[0]["status"] != "done"


# A row that the lead did not write


def test_a_row_that_an_executor_forged_does_not_get_past_the_verifiers(project: Project, tmp_path: Path) -> None:
    plan = project.adopt(independent(1))
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    forge = tmp_path / "forge.py"
    forge.write_text(
        "import json, os, subprocess\n"
        f"path = {str(ledger)!r}\n"
        "row = json.loads(open(path).read().splitlines()[-1])\n"
        "head = subprocess.check_output(['git', 'rev-parse', 'HEAD'], text=True).strip()\n"
        "row.update(id=row['id'].replace('started', 'done'), status='done', head_commit=head)\n"
        "if os.environ['OKSTRA_ROUND'] == '': open(path, 'a').write(json.dumps(row) + '\\n')\n"
    )
    run = _failed_by_verifiers(project, {"run": f"python3 {shlex.quote(str(forge))}"}).data["run_id"]
    assert _stages(project, plan)[0]["status"] == "done"  # the file says so
    refused = project.okstra("integrate", "--task-key", project.task_key, "--json")
    assert (refused.status, refused.codes) == (3, ["gates-not-passed"]), refused
    assert run in refused.envelope["errors"][0]["message"]


def test_a_lead_that_finds_its_stage_recorded_checks_it_all_the_same(project: Project) -> None:
    """The row came before the lead: red exit check, so no gate of its own is passed by it."""
    project.adopt(independent(1), exit_check="test -e stage-1/missing")
    prepared = project.run_stage("1", "--provider", "rehearsal")
    run = prepared.data["run_id"]
    project.work(prepared)
    _forge(project, run)
    install(project, part({"result": executed(1, 2)}, role="executor"))
    ended = project.okstra("resume", run, "--json")
    assert ended.status == 1, ended
    assert "exit check" in report_of(prepared)["gates"]["stage-done"]["note"]
    refused = project.okstra("integrate", "--task-key", project.task_key, "--json")
    assert refused.codes == ["gates-not-passed"]


def test_a_recorded_stage_whose_head_moved_on_is_not_the_one_that_was_recorded(project: Project) -> None:
    project.adopt(independent(1))
    prepared = project.run_stage("1", "--provider", "rehearsal")
    run = prepared.data["run_id"]
    project.work(prepared)
    _forge(project, run)
    later = ({"write": {"path": "stage-1/late.py", "content": "# late\n"}}, {"commit": "feat: late"})
    install(project, part(*later, {"result": executed(1, 2)}, role="executor"))
    ended = project.okstra("resume", run, "--json")
    assert ended.status == 1, ended
    assert "was recorded as done at" in report_of(prepared)["gates"]["stage-done"]["note"]


def test_a_stage_recorded_before_its_lead_counts_once_the_lead_has_checked_it(project: Project) -> None:
    project.adopt(independent(1))
    prepared = project.run_stage("1", "--provider", "rehearsal")
    assert project.finish(prepared).status == 0
    install(project, part({"result": executed(1, 2)}, role="executor"))
    ended = project.okstra("resume", prepared.data["run_id"], "--json")
    assert ended.status == 0, ended
    project.okstra.ok("integrate", "--task-key", project.task_key)


def test_a_recorded_stage_is_overruled_by_a_second_row(project: Project) -> None:
    plan = project.adopt(independent(1))
    run = _failed_by_verifiers(project).data["run_id"]
    _forge(project, run)
    assert _done(project, run, "--overrule", "I read it").status == 0
    assert [row["id"].rpartition(":")[2] for row in project.ledger] == ["started", "done", "done-overruled"]
    assert all(schemas.faults(row, "ledger-row") == [] for row in project.ledger)
    assert _stages(project, plan)[0]["overrule"] == "I read it"
    assert _done(project, run, "--overrule", "I read it").status == 0  # once more: no further row
    assert len(project.ledger) == 3
    project.okstra.ok("integrate", "--task-key", project.task_key)


def test_every_reason_to_overrule_stands_in_ledger_and_report_in_order(project: Project) -> None:
    project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    run, whys = ended.data["run_id"], ["the first reason", "the second", "the third"]
    for why in (*whys, whys[1]):
        assert _done(project, run, "--overrule", why).status == 0
    assert [row["overrule"] for row in project.ledger if row.get("overrule")] == whys
    assert len({row["id"] for row in project.ledger}) == len(project.ledger)
    assert all(schemas.faults(row, "ledger-row") == [] for row in project.ledger)
    report = report_of(ended)
    assert [one["why"] for one in report["overrules"]] == whys and schemas.faults(report, "final-report") == []
    for page in (Path(ended.data["report"]), Path(ended.data["report"]).with_suffix(".html")):
        found = [page.read_text().find(why) for why in whys]
        assert -1 not in found and found == sorted(found)
    project.okstra.ok("check", "run", run)


def test_a_report_of_an_earlier_okstra_keeps_its_one_reason(project: Project) -> None:
    project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    assert _done(project, ended.data["run_id"], "--overrule", "long ago").status == 0
    data = Path(ended.data["report"]).with_suffix(".data.json")
    report = json.loads(data.read_text())
    (report["overrule"],) = report.pop("overrules")
    data.write_text(json.dumps(report))
    assert schemas.faults(report, "final-report") == []
    project.okstra.ok("report", "render", ended.data["run_id"])
    assert "long ago" in Path(ended.data["report"]).read_text()


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.stress)])
def test_to_overrule_again_after_a_kill_ends_in_the_same_state(project: Project, tmp_path: Path, every: int) -> None:
    """The points at which a record of the run changes: ledger, registry, events, the report's data and pages."""
    preload = Preload.build(tmp_path)
    project.adopt(independent(1))
    ended = _failed_by_verifiers(project)
    run = ended.data["run_id"]
    line = ("stage", "done", "--run", run, "--overrule", "I read it", "--json")
    scene = Scene(project.repo.path.parent)
    scene.keep()
    whole, points = preload.points(project.okstra, *line)
    assert whole.status == 0, whole
    wanted = [
        point
        for point in points
        if point.operation.startswith(("rename", "write"))
        and re.search(r"consumers|registry\.json|/events-|final-report", point.path)
    ]
    assert len(wanted) >= 8, points
    for point in wanted[::every]:
        scene.restore()
        preload.strike(project.okstra, line, at=point.number, do="kill")
        again = project.okstra(*line)
        assert again.status == 0, (point, again)
        assert [row["overrule"] for row in project.ledger if row.get("overrule")] == ["I read it"], point
        assert [one["why"] for one in report_of(ended)["overrules"]] == ["I read it"], point
        assert "I read it" in Path(ended.data["report"]).read_text(), point
        assert project.registry["stages"][f"{project.task_key}#stage-1"]["status"] == "done", point
        project.okstra.ok("check", "run", run)


# While it is led


def test_while_a_run_is_led_nobody_else_finishes_gives_back_or_resumes_it(project: Project) -> None:
    project.adopt(independent(1))
    install(project, part(*_WORK, {"wait": 60}, role="executor"))
    live = LiveRun.start(project, "implementation")
    live.wait_for_event("dispatched")
    run = live.run
    for line in (
        ("stage", "done", "--run", run),
        ("stage", "done", "--run", run, "--overrule", "because"),
        ("stage", "release", "--run", run),
        ("resume", run),
    ):
        refused = project.okstra(*line, "--json")
        assert (refused.status, refused.codes) == (3, ["run-is-led"]), (line, refused)
        assert str(live.process.pid) in refused.envelope["errors"][0]["message"]
    live.process.terminate()
    live.ended()
    assert _done(project, run).codes == ["gates-not-passed"]
    project.okstra.ok("stage", "release", "--run", run, "--force")


@pytest.fixture
def session(project: Project, tmp_path: Path) -> Any:
    """A program that is called claude, prepares stage 1, and does what it is told by a file until it is ended."""
    project.adopt(independent(1))
    client = tmp_path / "claude"
    client.symlink_to("/bin/sh")
    okstra = shlex.quote(str(ROOT / "bin" / "okstra"))
    args = " ".join(map(shlex.quote, project.run_args("1")))
    script = (
        f"{okstra} {args} >prepared.json; "
        f"while :; do if [ -e go ]; then sh ./go >said.part 2>&1; rm go; mv said.part said; fi; sleep 0.05; done"
    )
    folder = tmp_path / "session"
    folder.mkdir()
    environment = {**project.okstra.environment, "PROJECT": str(project.repo.path)}
    with subprocess.Popen(
        [str(client), "-c", script.replace(args, f"{args} --project-root {shlex.quote(str(project.repo.path))}")],
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as process:
        prepared_at = folder / "prepared.json"
        eventually(lambda: prepared_at.exists() and prepared_at.read_text().endswith("\n"), 60)
        prepared = json.loads(prepared_at.read_text())["data"]
        yield process, folder, prepared
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)


def test_a_session_that_leads_finishes_its_run_and_nobody_else_does(project: Project, session: Any) -> None:
    process, folder, prepared = session
    run, at = prepared["run_id"], Path(prepared["worktree"]["path"])
    project.repo.commit({"stage-1/it.py": "# it\n"}, "feat: it", at=at)
    refused = _done(project, run)
    assert (refused.status, refused.codes) == (3, ["run-is-led"]), refused
    assert str(process.pid) in refused.envelope["errors"][0]["message"]
    part_file = folder / "go.part"
    part_file.write_text(f"{shlex.quote(str(ROOT / 'bin' / 'okstra'))} stage done --run {shlex.quote(run)}\n")
    part_file.rename(folder / "go")
    eventually((folder / "said").exists, 60)
    assert "done" in (folder / "said").read_text()
    assert project.ledger[-1]["status"] == "done"


def test_what_a_session_left_a_person_finishes(project: Project, session: Any) -> None:
    process, _, prepared = session
    project.repo.commit({"stage-1/it.py": "# it\n"}, "feat: it", at=Path(prepared["worktree"]["path"]))
    os.killpg(process.pid, 9)
    process.wait()
    assert _done(project, prepared["run_id"]).status == 0
