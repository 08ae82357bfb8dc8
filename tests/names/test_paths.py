"""`compute_run_paths` and the paths behind it."""

from __future__ import annotations

import posixpath

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.names import RunId, TaskKey
from okstra_ctl.paths import ProjectFiles, compute_run_paths, seq_claim_name

_TASK = "/p/.okstra/tasks/core/t-1"
_NAMED_BY_SPEC = [
    "RUN_DIR",
    "RUN_REPORTS_DIR",
    "RUN_STATE_DIR",
    "RUN_PROMPTS_DIR",
    "RUN_WORKER_RESULTS_DIR",
    "RUN_MANIFESTS_DIR",
    "RUN_STAGE",
    "RUN_SEQ",
    "TASK_KEY",
    "TASK_ROOT",
]
_NOT_OF_THE_TASK = {"PROJECT_ROOT", "WORKSPACE_ROOT", "PROJECT_JSON_PATH", "TASK_CATALOG_PATH", "LATEST_TASK_PATH"}


def _paths(task_type: str = "implementation", stage: int | None = None, seq: int | None = None) -> dict[str, str]:
    return compute_run_paths(
        project_root="/p",
        workspace_root="/w",
        project_id="demo",
        task_group="Core",
        task_id="T-1",
        task_type=task_type,
        run_seq_override=seq,
        stage=stage,
    )


def test_a_stage_has_a_run_folder_of_its_own() -> None:
    paths = _paths(stage=3, seq=2)
    assert paths["RUN_DIR"] == f"{_TASK}/runs/implementation/stage-3"
    assert paths["RUN_STAGE"] == "3"
    assert paths["RUN_ID"] == "demo:Core:T-1/implementation/stage-3/002"
    assert paths["FINAL_REPORT_PATH"] == f"{paths['RUN_DIR']}/reports/final-report-implementation-002.md"


def test_without_a_stage_the_run_folder_is_flat() -> None:
    paths = _paths()
    assert paths["RUN_DIR"] == f"{_TASK}/runs/implementation"
    assert (paths["RUN_STAGE"], paths["RUN_SEQ"]) == ("", "001")


@pytest.mark.parametrize("task_type", ["implementation-planning", "final-verification", "error-analysis"])
def test_every_other_task_type_ignores_the_stage(task_type: str) -> None:
    assert _paths(task_type, stage=3) == _paths(task_type)
    assert _paths(task_type, stage=3)["RUN_DIR"] == f"{_TASK}/runs/{task_type}"


@pytest.mark.parametrize("stage", [None, 3])
def test_every_name_is_text_and_only_the_stage_may_be_empty(stage: int | None) -> None:
    paths = _paths(stage=stage)
    assert set(_NAMED_BY_SPEC) <= paths.keys()
    assert all(isinstance(value, str) for value in paths.values())
    assert {name for name, value in paths.items() if not value} == ({"RUN_STAGE"} if stage is None else set())


@pytest.mark.parametrize("stage", [None, 3])
def test_all_paths_of_a_run_lie_below_the_task(stage: int | None) -> None:
    for name, value in _paths(stage=stage).items():
        if name.endswith(("_PATH", "_DIR", "_ROOT")) and name not in _NOT_OF_THE_TASK:
            assert value == _TASK or value.startswith(f"{_TASK}/"), name
            assert posixpath.normpath(value) == value, name
        if name.startswith("RUN_") and name.endswith(("_PATH", "_DIR")):
            assert value.startswith(_paths(stage=stage)["RUN_DIR"]), name


def test_the_ledger_is_shared_by_all_stages() -> None:
    ledger = f"{_TASK}/runs/implementation-planning/consumers.jsonl"
    assert {_paths(stage=stage)["CONSUMERS_PATH"] for stage in (None, 1, 2)} == {ledger}


@pytest.mark.parametrize("name", ["../../etc", "/etc", "a/../../..", "..a"])
def test_no_name_of_a_task_leads_out_of_the_project(name: str) -> None:
    key = TaskKey.make("demo", name, name)
    root = ProjectFiles("/p").task(key).root
    assert posixpath.normpath(root) == root
    assert posixpath.dirname(posixpath.dirname(root)) == "/p/.okstra/tasks"


def test_a_name_without_letters_is_refused() -> None:
    with pytest.raises(UsageError):
        compute_run_paths(
            project_root="/p", workspace_root="/w", project_id="d", task_group="../..", task_id="x", task_type="t"
        )


def test_files_of_a_run() -> None:
    key = TaskKey("demo", "core", "T-1")
    run = ProjectFiles("/p").task(key).run_of(RunId(key, "implementation", 2, 12))
    assert run.manifest == f"{_TASK}/runs/implementation/stage-2/manifests/run-manifest-implementation-012.json"
    assert run.worker_result("codex").endswith("/worker-results/codex-worker-implementation-012.md")
    assert run.worker_audit("codex").endswith("/worker-results/codex-worker-audit-implementation-012.md")
    assert run.worker_prompt("codex").endswith("/prompts/codex-prompt-implementation-012.md")
    assert run.log("codex").endswith("/logs/codex-012.log")
    assert seq_claim_name("012") == "seq-012"


def test_home_paths() -> None:
    home, key = HomePaths("/h"), TaskKey("My Demo", "core", "T-1")
    assert home.registry == "/h/worktrees/registry.json"
    assert home.registry_lock == "/h/worktrees/registry.lock"
    assert (home.run_index, home.index_aside) == ("/h/index.sqlite3", "/h/index-aside")
    assert home.active_index == "/h/active.jsonl"
    assert (home.recent_index, home.index_archive) == ("/h/recent.jsonl", "/h/archive")
    assert home.task_worktree(key) == "/h/worktrees/my-demo/core/t-1/task"
    assert home.stage_worktree(key, 4) == "/h/worktrees/my-demo/core/t-1/stage-4"


def test_stage_worktrees_stand_beside_the_task_worktree() -> None:
    home, key = HomePaths("/h"), TaskKey("demo", "core", "T-1")
    assert not home.stage_worktree(key, 1).startswith(home.task_worktree(key) + "/")
    assert posixpath.dirname(home.stage_worktree(key, 1)) == posixpath.dirname(home.task_worktree(key))
