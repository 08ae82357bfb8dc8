"""The public names, called with the keywords that callers know them by."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.claims import ledger_file
from okstra_ctl.claims.ledger_rows import fold
from okstra_ctl.consumers import append_consumer, read_consumers
from okstra_ctl.errors import OkstraError
from okstra_ctl.run import PrepareInputs, prepare_task_bundle
from okstra_ctl.worktree import provision_stage_worktree
from okstra_ctl.worktree_registry import list_active_stage_numbers
from support.okstra import Project
from support.plans import independent


@pytest.fixture
def called_here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The names are called in this process: it has the test's home."""
    for name in list(os.environ):
        if name.startswith(("OKSTRA", "CLAUDE", "CODEX", "GEMINI", "GIT_")):
            monkeypatch.delenv(name)
    for name, value in project.okstra.environment.items():
        monkeypatch.setenv(name, value)
    return project


def wanted(project: Project, stage: int) -> dict[str, Any]:
    return {
        "project_root": project.repo.path,
        "project_id": "demo",
        "task_group_segment": "core",
        "task_id_segment": "T-1",
        "work_category": "feature",
        "stage_number": stage,
        "base_commit": project.repo.git("rev-parse", "HEAD"),
    }


def test_a_row_of_the_ledger_is_appended_once_under_the_newest_plan(called_here: Project) -> None:
    plan = called_here.adopt(independent(2))
    root = Path(plan).parents[1]
    facts: dict[str, Any] = {
        "impl_task_key": called_here.task_key,
        "stage": 2,
        "status": "done",
        "started_at": "2026-01-02T03:04:05Z",
        "head_commit": "a" * 40,
    }
    assert append_consumer(root, **facts) is True
    assert append_consumer(root, **facts) is False
    (row,) = read_consumers(root)
    assert {name: row[name] for name in ("impl_task_key", "stage", "status", "head_commit")} == {
        name: facts[name] for name in ("impl_task_key", "stage", "status", "head_commit")
    }
    stages = called_here.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert [stage["status"] for stage in stages] == ["ready", "done"]
    lines = ledger_file.read_lines(os.fspath(root / "consumers.jsonl"))
    assert fold(lines, task_key=called_here.task_key, plan_digest=str(row["plan_digest"])).unreadable == ()


def test_a_status_that_is_none_is_refused(called_here: Project) -> None:
    plan = called_here.adopt(independent(1))
    with pytest.raises(OkstraError, match="finished"):
        append_consumer(
            Path(plan).parents[1],
            impl_task_key=called_here.task_key,
            stage=1,
            status="finished",
            started_at="2026-01-02T03:04:05Z",
            head_commit="",
        )
    assert read_consumers(Path(plan).parents[1]) == []


def test_a_stage_worktree_is_reserved_and_made_from_the_commit_and_a_second_call_is_refused(
    called_here: Project,
) -> None:
    called_here.adopt(independent(2))
    first = called_here.run_stage("1")
    assert first.status == 0, first
    made = provision_stage_worktree(**wanted(called_here, 2))
    assert (made.status, made.branch) == ("created", "feat-t-1-s2")
    assert called_here.repo.git("-C", made.path, "rev-parse", "HEAD") == made.base_ref
    assert list_active_stage_numbers("demo", "core", "T-1") == {1, 2}
    with pytest.raises(OkstraError) as refused:
        provision_stage_worktree(**wanted(called_here, 2))
    assert refused.value.code == "stage-reserved"
    assert called_here.run_stage().codes == ["no-stage-ready"]


def test_a_stage_worktree_that_can_not_be_made_leaves_nothing(called_here: Project) -> None:
    called_here.adopt(independent(2))
    assert called_here.run_stage("1").status == 0
    with pytest.raises(OkstraError):
        provision_stage_worktree(**{**wanted(called_here, 2), "base_commit": "f" * 40})
    assert list_active_stage_numbers("demo", "core", "T-1") == {1}
    assert "feat-t-1-s2" not in called_here.repo.branches()
    assert called_here.run_stage("2").status == 0


def test_a_prepared_stage_is_known_by_its_selection_and_the_names_in_its_context(called_here: Project) -> None:
    plan = called_here.adopt(independent(2))
    inputs = PrepareInputs(
        project_root=str(called_here.repo.path),
        project_id="demo",
        task_group="core",
        task_id="T-1",
        task_type="implementation",
        approved_plan_path=plan,
        stage="2",
    )
    prepared = prepare_task_bundle(inputs)
    chosen = prepared.selection
    assert chosen is not None
    assert (chosen.stage, chosen.worktree_path) == (2, prepared.worktree.path)
    assert prepared.ctx["EFFECTIVE_STAGES"] == "2"
    assert prepared.ctx["EXECUTOR_WORKTREE_PATH"] == chosen.worktree_path
    assert prepared.ctx["EXECUTOR_WORKTREE_BRANCH"] == chosen.worktree_branch == "feat-t-1-s2"
    assert prepared.ctx["EXECUTOR_WORKTREE_BASE_REF"] == chosen.worktree_base_ref
    assert prepared.ctx["EXECUTOR_WORKTREE_STATUS"] == "created"
    assert prepared.ctx["EXECUTOR_WORKTREE_NOTE"] == ""
    assert "stage 2" in prepared.ctx["STAGE_BATCH_DIRECTIVE"]
