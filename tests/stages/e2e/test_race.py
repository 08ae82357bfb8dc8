"""Many commands at one instant: each gets what it may have, nobody fails for another's sake."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from support import invariants
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.repos import Repo

_WAIT = 120


def at_once(okstra: Okstra, calls: Sequence[Sequence[str]]) -> list[Ended]:
    """Starts all the commands before it waits for any."""
    return ended([okstra.start(*call) for call in calls])


def ended(processes: Sequence[subprocess.Popen[str]]) -> list[Ended]:
    results = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=_WAIT)
        results.append(Ended(process.returncode, stdout, stderr))
    return results


def check_one_to_one(project: Project, runs: Sequence[Ended]) -> None:
    """Answers, registry, ledger, git's list, branches and run folders tell the same."""
    stages = sorted(run.data["stage"] for run in runs)
    assert len(set(stages)) == len(stages), f"a stage was given out twice: {stages}"
    by_stage = {run.data["stage"]: run.data for run in runs}
    claims = {int(key.rsplit("-", 1)[1]): claim for key, claim in project.registry["stages"].items()}
    rows = [row for row in project.ledger if row["status"] == "started"]
    assert sorted(claims) == stages
    assert sorted(row["stage"] for row in rows) == stages
    assert {row["stage"]: row["run_id"] for row in rows} == {n: claim["run_id"] for n, claim in claims.items()}
    for stage, data in by_stage.items():
        assert data["run_id"] == claims[stage]["run_id"]
        assert data["worktree"]["path"] == claims[stage]["path"]
        assert data["worktree"]["branch"] == claims[stage]["branch"]
        assert Path(data["manifest"]).is_file()
    folders = project.task_root.glob("runs/implementation/stage-*")
    assert sorted(int(folder.name.split("-")[1]) for folder in folders) == stages
    branch = project.registry["tasks"][project.task_key]["branch"]
    assert project.repo.branches() == {"main", branch, *(f"{branch}-s{stage}" for stage in stages)}
    expected = {data["worktree"]["path"] for data in by_stage.values()}
    assert set(project.repo.worktree_paths()[1:]) - expected == {project.registry["tasks"][project.task_key]["path"]}
    invariants.check(project)


def test_32_runs_on_32_independent_stages_take_32_different_ones(project: Project) -> None:
    project.adopt(independent(32))
    runs = at_once(project.okstra, [project.run_args()] * 32)
    assert [run.status for run in runs] == [0] * 32, [run for run in runs if run.status]
    check_one_to_one(project, runs)


def test_of_32_runs_on_4_stages_28_are_told_why_for_each_stage(project: Project) -> None:
    project.adopt(independent(4))
    runs = at_once(project.okstra, [project.run_args()] * 32)
    assert Counter(run.status for run in runs) == {0: 4, 3: 28}, [run for run in runs if run.status not in (0, 3)]
    for refused in (run for run in runs if run.status == 3):
        assert refused.codes == ["no-stage-ready"]
        message = refused.envelope["errors"][0]["message"]
        for stage in range(1, 5):
            run_id = f"demo:core:T-1/implementation/stage-{stage}/001"
            assert f"stage {stage} is running: run {run_id}" in message or (
                f"stage {stage} is reserved by run {run_id}" in message
            ), message
    check_one_to_one(project, [run for run in runs if run.status == 0])


@pytest.mark.parametrize("worktree_is_there", [True, False])
def test_of_two_runs_that_want_one_stage_one_gets_it(project: Project, worktree_is_there: bool) -> None:
    project.adopt(independent(2))
    if worktree_is_there:
        assert project.run_phase().status == 0
    runs = at_once(project.okstra, [project.run_args("1")] * 2)
    assert sorted(run.status for run in runs) == [0, 3], runs
    (refused,) = (run for run in runs if run.status == 3)
    # Which of the two depends on the moment: it is provisioned by a process that lives, or waits for its lead.
    words = {"stage-running": "running:", "stage-reserved": "reserved by"}
    (error,) = refused.envelope["errors"]
    assert f"stage 1 is {words[error['code']]} run demo:core:T-1/implementation/stage-1/001" in error["message"]
    check_one_to_one(project, [run for run in runs if run.status == 0])


def test_8_first_runs_at_once_make_one_task_worktree(project: Project) -> None:
    project.adopt(independent(4))
    phases = ("error-analysis", "requirements-discovery")
    analyses = [
        (
            "run",
            "--task-key",
            project.task_key,
            "--task-type",
            phases[n % 2],
            "--request=Do it.",
            "--render-only",
            "--json",
        )
        for n in range(4)
    ]
    runs = at_once(project.okstra, [*analyses, *[project.run_args()] * 4])
    assert [run.status for run in runs] == [0] * 8, [run for run in runs if run.status]
    task_worktrees = {run.data["worktree"]["path"] for run in runs[:4]}
    assert task_worktrees == {project.registry["tasks"][project.task_key]["path"]}
    made = [run.data["worktree"]["status"] for run in runs[:4]]
    assert made.count("created") <= 1 and set(made) <= {"created", "reused"}
    assert len({run.data["run_id"] for run in runs}) == 8
    check_one_to_one(project, runs[4:])


def test_8_runs_of_one_phase_get_8_numbers(project: Project) -> None:
    args = (
        "run",
        "--task-key",
        project.task_key,
        "--task-type",
        "error-analysis",
        "--request=Do it.",
        "--render-only",
        "--json",
    )
    runs = at_once(project.okstra, [args] * 8)
    assert [run.status for run in runs] == [0] * 8, runs
    assert sorted(run.data["seq"] for run in runs) == list(range(1, 9))
    assert len({run.data["manifest"] for run in runs}) == 8
    assert len(project.repo.worktree_paths()) == 2
    catalog = project.repo.path / ".okstra" / "tasks" / "core" / "t-1" / "history" / "timeline.jsonl"
    assert len(catalog.read_text().splitlines()) == 8
    invariants.check(project)


def test_of_two_tasks_that_slug_to_one_folder_one_is_refused(project: Project) -> None:
    keys = ("demo:core:A-b", "demo:core:a-B")
    calls = [
        ("run", "--task-key", key, "--task-type", "error-analysis", "--request=Do it.", "--render-only", "--json")
        for key in keys
    ]
    runs = at_once(project.okstra, calls)
    assert sorted(run.status for run in runs) == [0, 3], runs
    (taken,) = (run for run in runs if run.status == 3)
    (winner,) = (run for run in runs if run.status == 0)
    assert taken.codes == ["name-taken"]
    assert winner.data["task_key"] in taken.envelope["errors"][0]["message"]
    assert list(project.registry["tasks"]) == [winner.data["task_key"]]
    invariants.check(project)


def test_of_two_clones_with_one_project_id_one_is_refused(project: Project, environment: dict[str, str]) -> None:
    clone = Repo(project.repo.path.parent / "clone", environment)
    shutil.copytree(project.repo.path, clone.path, symlinks=True)
    both = (project, Project(clone, Okstra(environment, clone.path)))
    args = (
        "run",
        "--task-key",
        project.task_key,
        "--task-type",
        "error-analysis",
        "--request=Do it.",
        "--render-only",
        "--json",
    )
    runs = ended([one.okstra.start(*args) for one in both])
    assert sorted(run.status for run in runs) == [0, 3], runs
    (loser,) = (one for one, run in zip(both, runs, strict=True) if run.status == 3)
    (winner,) = (one for one, run in zip(both, runs, strict=True) if run.status == 0)
    (refused,) = (run for run in runs if run.status == 3)
    assert refused.codes == ["name-taken"]
    assert str(winner.repo.path) in refused.envelope["errors"][0]["message"]
    assert len(loser.repo.worktree_paths()) == 1
    assert loser.repo.branches() == {"main"}
    invariants.check(winner)


@pytest.mark.stress
@pytest.mark.parametrize("round_", range(20))
def test_32_at_one_instant_again_and_again(project: Project, round_: int) -> None:
    project.adopt(independent(32))
    project.repo.commit({f"src/{number}.txt": f"{number} {round_}\n" for number in range(200)})
    runs = at_once(project.okstra, [project.run_args()] * 32)
    assert [run.status for run in runs] == [0] * 32, [run for run in runs if run.status]
    check_one_to_one(project, runs)


@pytest.mark.stress
def test_8_processes_take_and_give_back_until_each_did_it_50_times(project: Project, tmp_path: Path) -> None:
    """8 loops of run and release at once: every turn succeeds, no epoch is given out twice."""
    project.adopt(independent(8))
    loop = (
        'for i in $(seq 50); do id=$("$1" run --task-key "$2" --task-type implementation --render-only --json'
        ' | sed \'s/.*"run_id": "\\([^"]*\\)".*/\\1/\') && "$1" stage release --run "$id" --json'
        ' || { echo "FAILED turn $i: $id"; exit 1; }; done'
    )
    okstra = project.okstra
    from support.sealed import ROOT

    processes = [
        subprocess.Popen(
            ["sh", "-c", loop, "sh", str(ROOT / "bin" / "okstra"), project.task_key],
            cwd=project.repo.path,
            env=okstra.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(8)
    ]
    for process in processes:
        said = process.communicate(timeout=900)[0]
        assert process.returncode == 0, said[-2000:]
    started = [(row["stage"], row["epoch"]) for row in project.ledger if row["status"] == "started"]
    assert len(started) == 400
    assert len(set(started)) == 400, "an epoch was given out twice"
    assert project.registry["stages"] == {}
    left = {branch for branch in project.repo.branches() if branch.startswith("feat-t-1-s")}
    invariants.check(project, left_branches=left)
