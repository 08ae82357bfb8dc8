"""A plan is built from only as a person approved it, whatever somebody writes into it or into what is remembered."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.system import process_identity
from support.approvals import PERSON
from support.okstra import Okstra, Project
from support.plans import independent, plan_text
from support.repos import Repo
from support.sealed import ROOT, sealed_environment
from support.terminal import Terminal

PLAN_NAME = "final-report-implementation-planning-001.md"


def approvals(project: Project) -> list[dict[str, Any]]:
    path = project.home / "approvals" / "demo" / "approvals.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def replace_in(path: Path | str, old: str, new: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


def at_terminal(project: Project, *args: str) -> Terminal:
    command = [str(ROOT / "bin" / "okstra"), *args]
    return Terminal(command, project.repo.path, {**project.okstra.environment, "TERM": "dumb"}, columns=200)


def by_hand(project: Project, text: str, name: str = PLAN_NAME) -> Path:
    """Puts a plan into the task's planning folder as a person would."""
    folder = project.task_root / "runs" / "implementation-planning" / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_without_a_terminal_a_plan_is_approved_with_yes_alone(project: Project) -> None:
    plan = project.adopt(independent(1), approved=False)
    before = Path(plan).read_bytes()
    refused = project.okstra("plan", "approve", plan, "--json")
    assert (refused.status, refused.codes) == (2, ["input-missing"])
    assert refused.envelope["errors"][0]["try"].endswith(f"okstra plan approve {shlex.quote(plan)} --yes")
    assert (Path(plan).read_bytes(), approvals(project)) == (before, [])
    approved = project.okstra.ok("plan", "approve", plan, "--yes", "--json")
    assert approved.data["next"] == [f"okstra run --task-key {project.task_key} --task-type implementation"]
    assert project.run_stage().status == 0


def test_what_was_approved_is_kept_with_who_approved_it(project: Project) -> None:
    plan = project.adopt(independent(2), approved=False)
    project.okstra.ok("plan", "approve", plan, "--yes")
    (row,) = approvals(project)
    here = "session" if process_identity.nearest_client() else "script"
    assert {name: row[name] for name in ("task", "plan", "person", "where")} == {
        "task": "core/t-1",
        "plan": PLAN_NAME,
        "person": "Test <test@example.invalid>",
        "where": here,
    }
    kept = project.home / "approvals" / "demo" / f"{row['digest']}.md"
    assert kept.read_bytes() == Path(plan).read_bytes()
    prepared = project.run_stage()
    assert row["digest"] == project.ledger[0]["plan_digest"], prepared
    project.okstra.ok("plan", "approve", plan, "--yes")
    assert approvals(project) == [row], "approved already"


def test_at_a_terminal_the_stages_are_shown_and_asked_about(project: Project) -> None:
    plan = project.adopt(independent(2), approved=False, exit_check="make check-it")
    terminal = at_terminal(project, "plan", "approve", plan)
    terminal.then("approve 2 stage(s)? [y/N]", "nope\n")
    terminal.then("approve 2 stage(s)? [y/N]", "n\n")
    assert terminal.end() == 3
    assert "make check-it" in terminal.all_shown
    assert approvals(project) == []
    terminal = at_terminal(project, "plan", "approve", plan)
    terminal.then("approve 2 stage(s)? [y/N]", "y\n")
    assert terminal.end() == 0
    assert [row["where"] for row in approvals(project)] in (["terminal"], ["session"])


@pytest.mark.parametrize("where", ["project", "home"])
def test_an_edited_cache_of_the_exit_check_has_no_effect(project: Project, where: str) -> None:
    plan = project.adopt(independent(1), exit_check="false")
    prepared = project.run_stage()
    project.work(prepared)
    if where == "home":
        (cache,) = (project.home / "approvals" / "demo").glob("*.json")
        replace_in(cache, '"exit_check": "false"', '"exit_check": "true"')
    else:  # where okstra kept it before
        cache = Path(plan).parent.parent / "state" / "stage-map-001.json"
        (kept,) = (project.home / "approvals" / "demo").glob("*.json")
        cache.write_text(kept.read_text().replace('"exit_check": "false"', '"exit_check": "true"'))
    red = project.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
    assert (red.status, red.codes) == (1, ["exit-check-failed"])


def test_an_edited_plan_has_no_effect_on_a_stage_in_work_and_is_named(project: Project) -> None:
    plan = project.adopt(independent(2), exit_check="false")
    prepared = project.run_stage()
    project.work(prepared)
    replace_in(plan, "`false`", "`true`")
    red = project.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
    assert (red.status, red.codes) == (1, ["exit-check-failed"])
    assert "exit check `false` is now `true`" in red.envelope["errors"][0]["message"]
    refused = project.run_stage()
    assert (refused.status, refused.codes) == (3, ["plan-changed"])
    (error,) = refused.envelope["errors"]
    assert "stage 1: exit check `false` is now `true`" in error["message"]
    assert PERSON in error["message"]
    assert error["try"].endswith(f"okstra plan approve {shlex.quote(plan)} --yes")


def test_files_that_the_plan_names_only_since_it_was_approved_are_out_of_plan(project: Project) -> None:
    plan = project.adopt(independent(1))
    prepared = project.run_stage()
    project.repo.commit({"other.py": "1\n", "stage-1/it.py": "1\n"}, at=Path(prepared.data["worktree"]["path"]))
    replace_in(plan, "`stage-1/**`", "`**`")
    refused = project.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["out-of-plan"])


def test_a_plan_that_is_approved_anew_counts_for_the_stage_in_work(project: Project) -> None:
    plan = project.adopt(independent(2), exit_check="false")
    prepared = project.run_stage()
    project.work(prepared)
    replace_in(plan, "`false`", "`true`")
    project.okstra.ok("plan", "approve", plan, "--yes")
    project.okstra.ok("stage", "done", "--run", prepared.data["run_id"])
    stages = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert [(one["stage"], one["status"]) for one in stages] == [(1, "done"), (2, "ready")]
    assert project.okstra.ok("integrate", "--task-key", project.task_key, "--json").data["merged"] == [1]
    assert project.okstra("stage", "done", "--run", prepared.data["run_id"], "--json").codes == ["stage-done"]
    assert project.okstra.ok("backfill", "--json").data["runs"] == []
    assert project.run_stage().status == 0


def test_integrate_runs_the_exit_checks_that_were_approved(project: Project) -> None:
    plan = project.adopt(independent(1), exit_check="test -e stage-1/it.py")
    assert project.finish(project.run_stage()).status == 0
    replace_in(plan, "`test -e stage-1/it.py`", "`true`")
    merged = project.okstra.ok("integrate", "--task-key", project.task_key, "--json")
    assert [check["command"] for check in merged.data["checks"]] == ["test -e stage-1/it.py"]
    assert any("is now `true`" in warning for warning in merged.data["warnings"])


def test_an_earlier_version_of_a_plan_is_not_approved_any_more(project: Project) -> None:
    plan = project.adopt(independent(1), exit_check="true")
    first = Path(plan).read_text()
    replace_in(plan, "`true`", "`test -e stage-1/it.py`")
    project.okstra.ok("plan", "approve", plan, "--yes")
    Path(plan).write_text(first)
    assert project.run_stage().codes == ["plan-changed"]


def test_an_approval_is_of_one_task_and_one_plan(project: Project) -> None:
    text = Path(project.adopt(independent(1))).read_text()
    by_hand(project, text, PLAN_NAME.replace("001", "002"))
    assert project.run_stage().codes == ["plan-not-approved"]


def test_an_approved_text_that_was_changed_since_is_found_out(project: Project) -> None:
    project.adopt(independent(1), exit_check="false")
    prepared = project.run_stage()
    project.work(prepared)
    (kept,) = (project.home / "approvals" / "demo").glob("*.md")
    replace_in(kept, "`false`", "`true`")
    refused = project.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (65, ["state-unreadable"])


def test_a_text_whose_row_a_kill_prevented_approves_nothing(project: Project) -> None:
    plan = project.adopt(independent(1))
    (project.home / "approvals" / "demo" / "approvals.jsonl").unlink()
    assert project.run_stage().codes == ["plan-not-approved"]
    project.okstra.ok("plan", "approve", plan, "--yes")
    assert project.run_stage().status == 0


def test_a_row_whose_mark_in_the_plan_a_kill_prevented_is_made_whole_by_approving_again(project: Project) -> None:
    plan = project.adopt(independent(1))
    replace_in(plan, "approved: true", "approved: false")
    assert project.run_stage().codes == ["plan-not-approved"]
    project.okstra.ok("plan", "approve", plan, "--yes")
    assert len(approvals(project)) == 1
    assert project.run_stage().status == 0


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_what_only_the_plan_itself_says_is_no_approval(project: Project, more: tuple[str, ...]) -> None:
    plan = by_hand(project, plan_text(independent(1)))
    refused = project.run_stage("auto", *more)
    assert (refused.status, refused.codes) == (3, ["plan-not-approved"])
    assert refused.envelope["errors"][0]["try"].endswith(f"okstra plan approve {shlex.quote(str(plan))} --yes")
    assert project.repo.worktree_paths() == [str(project.repo.path)]
    for command in (("integrate", "--task-key", project.task_key), ("batch",)):
        assert project.okstra(*command, "--json").status != 0
    assert approvals(project) == []


def test_at_a_terminal_a_plan_that_only_says_so_is_asked_about(project: Project) -> None:
    by_hand(project, plan_text(independent(1), exit_check="make check-it"))
    flags = ("run", "--task-key", project.task_key, "--task-type", "implementation", "--provider", "rehearsal")
    terminal = at_terminal(project, *flags)
    terminal.then("[Y/n]", "y\n")
    terminal.then("approve 1 stage(s)? [y/N]", "\n")
    assert terminal.end() == 3
    assert "make check-it" in terminal.all_shown
    assert approvals(project) == []
    terminal = at_terminal(project, *flags)
    terminal.then("[Y/n]", "y\n")
    terminal.then("approve 1 stage(s)? [y/N]", "yes\n")
    terminal.end()
    assert len(approvals(project)) == 1
    assert len(project.ledger) > 0, "the run went on"


def test_a_strangers_committed_plan_is_not_approved_here(project: Project, tmp_path: Path) -> None:
    """With all that okstra keeps in a project, ledger included, on another machine."""
    project.adopt(independent(2))
    assert project.finish(project.run_stage()).status == 0
    (tmp_path / "there").mkdir()
    environment = sealed_environment(tmp_path / "there")
    clone = Repo(tmp_path / "clone", environment)
    project.repo.git("add", "--force", ".okstra")
    project.repo.git("commit", "--quiet", "-m", "everything")
    project.repo.git("clone", "--quiet", str(project.repo.path), str(clone.path))
    clone.git("config", "user.name", "Another")
    clone.git("config", "user.email", "another@example.invalid")
    here = Project(clone, Okstra(environment, clone.path))
    refused = here.run_stage()
    assert (refused.status, refused.codes) == (3, ["plan-not-approved"])
    assert not (here.home / "approvals").exists()


def test_a_plan_with_runs_from_before_approvals_were_kept_counts_once(project: Project) -> None:
    plan = project.adopt(independent(3), exit_check="test -e stage-1/it.py")
    first = project.run_stage()
    for path in (project.home / "approvals" / "demo").iterdir():
        path.unlink()
    looked = project.okstra.ok(*project.run_args(), "--dry-run")
    assert approvals(project) == [], looked
    done = project.finish(first)
    assert done.status == 0, done
    assert any("before okstra kept approvals" in warning for warning in done.data["warnings"])
    (row,) = approvals(project)
    assert (row["where"], row["person"]) == ("earlier", "")
    again = project.run_stage()
    assert again.data["warnings"] == []
    replace_in(plan, "`test -e stage-1/it.py`", "`true`")
    assert project.run_stage().codes == ["plan-changed"]
    assert approvals(project) == [row]


def test_a_ledger_alone_is_no_approval(project: Project) -> None:
    """A task that was never run here: whoever writes its plan can write its ledger."""
    plan = by_hand(project, plan_text(independent(1)))
    digest = project.okstra.ok("plan", "show", plan, "--json").data["digest"]
    row = {"v": 1, "id": "x@1:started", "impl_task_key": project.task_key, "stage": 1, "status": "started"}
    row |= {"at": "2026-01-01T00:00:00Z", "run_id": f"{project.task_key}/implementation/stage-1/001", "epoch": 1}
    row |= {"plan_digest": digest, "head_commit": "", "note": "", "owner": None}
    (plan.parent.parent / "consumers.jsonl").write_text(json.dumps(row) + "\n")
    assert project.run_stage().codes == ["plan-not-approved"]
    assert approvals(project) == []


def test_a_plan_in_no_tasks_folder_is_not_approved(project: Project, tmp_path: Path) -> None:
    plan = tmp_path / "a plan.md"
    plan.write_text(plan_text(independent(1), approved=False))
    refused = project.okstra("plan", "approve", plan, "--yes", "--json")
    assert (refused.status, refused.codes) == (3, ["plan-not-the-tasks"])
    assert refused.envelope["errors"][0]["try"] == f"okstra plan adopt '{plan}' --task-key KEY"
    assert "approved: false" in plan.read_text()


def test_an_adopted_plan_is_approved_anew(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "plan.md"
    source.write_text(plan_text(independent(1), approved=True))
    for number in ("001", "002"):
        adopted = project.okstra.ok("plan", "adopt", source, "--task-key", project.task_key, "--json")
        plan = Path(adopted.data["plan"])
        assert plan.name.endswith(f"{number}.md")
        assert adopted.data["next"] == [f"okstra plan approve {shlex.quote(str(plan))}"]
        assert "approved: false" in plan.read_text()
        assert project.run_stage().codes == ["plan-not-approved"]
        project.okstra.ok("plan", "approve", plan, "--yes")
    assert "approved: true" in source.read_text()


def test_a_plan_that_breaks_rules_is_not_adopted(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "plan.md"
    source.write_text(plan_text({1: (2,), 2: (1,)}))
    refused = project.okstra("plan", "adopt", source, "--task-key", project.task_key, "--json")
    assert (refused.status, refused.codes) == (4, ["plan-invalid"])
    assert [one["rule"] for one in refused.data["findings"] if one["severity"] == "error"] == ["S3"]
    assert not project.task_root.exists(), "nothing was written"


def test_a_plan_put_into_a_folder_made_by_hand_can_be_approved_and_run(project: Project) -> None:
    plan = by_hand(project, plan_text(independent(1), approved=False))
    project.okstra.ok("plan", "approve", plan, "--yes")
    listed = project.okstra.ok("stage", "list", "--plan", plan, "--json")
    assert [one["status"] for one in listed.data["stages"]] == ["ready"]
    assert project.finish(project.run_stage()).status == 0


def test_a_new_plan_is_a_template_that_says_what_it_lacks(project: Project) -> None:
    unknown = project.okstra("plan", "new", "demo:core:typo", "--json")
    assert (unknown.status, unknown.codes) == (2, ["task-unknown"])
    assert not (project.repo.path / ".okstra" / "tasks").exists()
    project.run_phase()
    begun = project.okstra.ok("plan", "new", "T-1", "--json").data
    plan = Path(begun["plan"])
    assert begun["next"] == [f"okstra plan check {project.task_key}"]
    lacks = project.okstra("plan", "check", "T-1", "--json")
    assert lacks.status == 4
    assert {row["rule"] for row in lacks.data["findings"] if row["severity"] == "error"} <= {
        "S2",
        "S5",
        "S6",
        "S7",
        "S11",
    }
    assert project.okstra("plan", "approve", "T-1", "--yes", "--json").codes == ["plan-invalid"]
    filled = plan.read_text().replace(
        "| 1 |  | (none) |  | 2 |  |", "| 1 | Cut | (none) | `src/**` | 2 | `make test` |"
    )
    filled = filled.replace("Stage 1:\n", "Stage 1: Cut\n").replace("\n2.\n", "\n2. Cut in `src/cut.py`.\n")
    plan.write_text(filled)
    project.okstra.ok("plan", "approve", "T-1", "--yes")
    approved = plan.read_text()
    second = project.okstra.ok("plan", "new", project.task_key, "--json").data["plan"]
    assert second.endswith("002.md")
    assert plan.read_text() == approved
