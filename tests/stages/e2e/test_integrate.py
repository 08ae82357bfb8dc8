"""Done stages become one task branch: whole, checked, or not at all."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from support.okstra import Ended, Project
from support.plans import independent


def _task(project: Project) -> Path:
    return Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())


def _integrate(project: Project, *more: str) -> Ended:
    return project.okstra("integrate", "--task-key", project.task_key, "--json", *more)


def test_done_stages_are_merged_in_order_and_checked(project: Project) -> None:
    project.adopt({1: (), 2: (), 3: (1, 2)}, exit_check="ls -d stage-*")
    for run in (project.run_stage(), project.run_stage()):
        assert project.finish(run).status == 0
    merged = _integrate(project)
    assert merged.status == 0, merged
    assert merged.data["merged"] == [1, 2]
    assert [check["status"] for check in merged.data["checks"]] == [0, 0]
    assert {path.name for path in _task(project).glob("stage-*")} == {"stage-1", "stage-2"}
    assert project.run_stage().data["stage"] == 3
    again = _integrate(project)
    assert (again.status, again.codes) == (3, ["nothing-to-integrate"])


def test_a_conflict_merges_nothing_and_names_stage_and_file(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    first, second = project.run_stage(), project.run_stage()
    for run, text in ((first, "one\n"), (second, "two\n")):
        stage = run.data["stage"]
        at = Path(run.data["worktree"]["path"])
        project.repo.commit({"README.md": text, f"stage-{stage}/it.py": ""}, "feat: clash", at=at)
        done = project.okstra("stage", "done", "--run", run.data["run_id"], "--out-of-plan", "to test", "--json")
        assert done.status == 0, done
    task = _task(project)
    before = project.repo.git("-C", str(task), "rev-parse", "HEAD")
    forecast = _integrate(project, "--forecast")
    assert [pair for pair in forecast.data["pairs"] if pair["conflicts"]] == [
        {"first": 1, "second": 2, "conflicts": ["README.md"]}
    ]
    refused = _integrate(project)
    assert (refused.status, refused.codes) == (3, ["merge-conflict"])
    assert "stage 2 conflicts" in refused.envelope["errors"][0]["message"]
    assert project.repo.git("-C", str(task), "rev-parse", "HEAD") == before
    assert project.repo.git("-C", str(task), "status", "--porcelain") == ""


def test_two_green_stages_that_break_together_are_named_as_a_pair(project: Project) -> None:
    check = "! test -e stage-1/it.py -a -e stage-3/it.py"
    project.adopt({1: (), 2: (), 3: ()}, exit_check=check)
    for _ in range(3):
        assert project.finish(project.run_stage()).status == 0
    task = _task(project)
    before = project.repo.git("-C", str(task), "rev-parse", "HEAD")
    red = _integrate(project)
    assert (red.status, red.codes) == (1, ["integration-red"])
    assert sorted(red.data["stages"]) == [1, 3]
    assert project.repo.git("-C", str(task), "rev-parse", "HEAD") == before
    assert not [path for path in task.parent.iterdir() if path.name.startswith("integrate-")]


def test_a_check_on_the_merged_stages_is_red_when_any_command_of_its_pipe_is(project: Project) -> None:
    """Green while the program is there, and not on the merged commit."""
    program = project.repo.path.parent / "only-now.sh"
    program.write_text("true\n")
    project.adopt({1: ()}, exit_check=f"sh {program} \\| cat")
    assert project.finish(project.run_stage()).status == 0
    program.unlink()
    red = _integrate(project)
    assert (red.status, red.codes) == (1, ["integration-red"])


def _head(project: Project, at: Path) -> str:
    return project.repo.git("-C", str(at), "rev-parse", "HEAD")


def test_a_task_branch_that_moves_while_the_checks_run_gets_nothing_merged(project: Project) -> None:
    """The exit check itself stands for the person who commits meanwhile."""
    moves = project.repo.path.parent / "moves"
    task = project.home / "worktrees" / "demo" / "core" / "t-1" / "task"
    moves.write_text(
        f"#!/bin/sh\ncase $(git log -1 --format=%s) in Merge*) git -C {shlex.quote(str(task))} -c user.name=P "
        "-c user.email=p@e commit -q --allow-empty -m meanwhile ;; esac\n"
    )
    moves.chmod(0o755)
    project.adopt(independent(1), exit_check=str(moves))
    done = project.finish(project.run_stage())
    assert done.status == 0, done
    refused = _integrate(project)
    assert (refused.status, refused.codes) == (3, ["head-moved"]), refused
    assert project.repo.git("-C", str(task), "log", "-1", "--format=%s") == "meanwhile"
    assert not (task / "stage-1").exists()
    holders = project.repo.git("branch", "--contains", done.data["head_commit"], "--format=%(refname)")
    assert holders == "refs/heads/feat-t-1-s1"


@pytest.mark.parametrize("staged", [True, False])
def test_a_dirty_task_worktree_gets_nothing_merged(project: Project, staged: bool) -> None:
    project.adopt(independent(1))
    assert project.finish(project.run_stage()).status == 0
    task = _task(project)
    before = _head(project, task)
    (task / "README.md").write_text("a person's edit\n")
    if staged:
        project.repo.git("-C", str(task), "add", "README.md")
    refused = _integrate(project)
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"])
    assert (_head(project, task), (task / "README.md").read_text()) == (before, "a person's edit\n")


def test_a_forecast_pairs_what_is_in_work_or_done_and_leaves_out_what_is_merged(project: Project) -> None:
    project.adopt(independent(4))
    merged, done, working, untouched = (project.run_stage() for _ in range(4))
    assert project.finish(merged).status == 0
    assert _integrate(project).status == 0
    assert project.finish(done).status == 0
    both = f"stage-{done.data['stage']}/it.py"
    at = Path(working.data["worktree"]["path"])
    project.repo.commit({both: "another text\n"}, "feat: the same file", at=at)
    heads = {name: project.repo.git("rev-parse", name) for name in project.repo.branches()}
    assert _integrate(project, "--forecast").data["pairs"] == [
        {"first": 0, "second": 2, "conflicts": []},
        {"first": 0, "second": 3, "conflicts": []},
        {"first": 2, "second": 3, "conflicts": [both]},
    ]
    assert untouched.data["stage"] == 4
    assert {name: project.repo.git("rev-parse", name) for name in project.repo.branches()} == heads


def test_what_is_missing_is_said_where_nothing_can_be_merged(project: Project) -> None:
    project.adopt({1: (), 2: (1,)})
    first = project.run_stage()
    none = _integrate(project).envelope["errors"][0]
    assert none["message"] == "no stage of the plan is done yet: stage 1 is reserved, stage 2 is blocked"
    assert none["try"] == f"okstra stage done --run {first.data['run_id']}"
    assert project.finish(first).status == 0
    assert _integrate(project).status == 0
    some = _integrate(project).envelope["errors"][0]
    assert some["message"] == "stage 1 of 2 is merged already; stage 2 is ready"
    assert project.finish(project.run_stage()).status == 0
    assert _integrate(project).status == 0
    everything = _integrate(project).envelope["errors"][0]
    assert everything["message"] == "all 2 stage(s) of the plan are merged into feat-t-1 already"
    assert everything["try"] == f"okstra run --task-key {project.task_key} --task-type final-verification"


def test_after_the_last_stage_is_merged_the_whole_is_verified_next(project: Project) -> None:
    project.adopt(independent(2))
    for _ in range(2):
        assert project.finish(project.run_stage()).status == 0
    last = _integrate(project)
    assert last.data["next_step"] == f"okstra run --task-key {project.task_key} --task-type final-verification"
    assert last.data["warnings"] == []
    catalog = project.repo.path / ".okstra" / "discovery" / "task-catalog.json"
    assert last.data["next_step"] in catalog.read_text()
    prepared = project.okstra.ok(*shlex.split(last.data["next_step"])[1:], "--render-only", "--json")
    assert prepared.data["run_id"] == f"{project.task_key}/final-verification/001"


class TestSignatures:
    """`merge.verifySignatures`: a person's policy, which okstra's merges keep to."""

    @pytest.fixture(autouse=True)
    def signing(self, project: Project) -> None:
        if shutil.which("ssh-keygen") is None:
            pytest.skip("signing needs ssh-keygen")
        folder = project.repo.path.parent
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
        signers = folder / "signers"
        signers.write_text(f"* {(folder / 'key.pub').read_text()}")
        for name, value in {
            "gpg.format": "ssh",
            "user.signingKey": str(folder / "key"),
            "gpg.ssh.allowedSignersFile": str(signers),
            "merge.verifySignatures": "true",
        }.items():
            project.repo.git("config", name, value)

    def test_a_stage_that_is_not_signed_is_named_with_the_setting(self, project: Project) -> None:
        project.adopt(independent(1))
        done = project.finish(project.run_stage())
        assert done.status == 0, done
        before = _head(project, _task(project))
        refused = _integrate(project)
        assert (refused.status, refused.codes) == (3, ["signature-missing"])
        error = refused.envelope["errors"][0]
        assert error["message"].startswith("merge.verifySignatures is set, and the last commit of stage 1")
        assert refused.data["commits"] == [done.data["head_commit"]]
        assert _head(project, _task(project)) == before

    def test_signed_stages_are_merged(self, project: Project) -> None:
        project.adopt(independent(2))
        project.repo.git("config", "commit.gpgSign", "true")
        for _ in range(2):
            assert project.finish(project.run_stage()).status == 0
        merged = _integrate(project)
        assert (merged.status, merged.data["merged"]) == (0, [1, 2]), merged
        assert _head(project, _task(project)) == merged.data["commit"]


@pytest.mark.parametrize("ends", [0, 1])
def test_a_token_that_a_check_prints_is_not_in_the_log_of_the_merge(project: Project, ends: int) -> None:
    token = "ghp_" + "a1B2" * 9
    secret = project.repo.path.parent / "secret.sh"
    secret.write_text("exit 0\n")
    project.adopt({1: ()}, exit_check=f"sh {secret}")
    assert project.finish(project.run_stage()).status == 0
    secret.write_text(f"echo begun {token}\nexit {ends}\n")
    assert _integrate(project).status == ends
    (log,) = project.task_root.glob("runs/implementation/logs/integrate-*.log")
    assert token not in log.read_text()
    assert "begun [hidden" in log.read_text()
