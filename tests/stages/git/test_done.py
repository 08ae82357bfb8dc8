"""`okstra stage done`: each gate, by its code, and that a closed gate changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import invariants
from support.faults import eventually
from support.okstra import Ended, Okstra, Project
from support.plans import independent, plan_text
from support.repos import Repo

STAGE = f"{Project.task_key}#stage-1"


class Prepared:
    """A prepared run of stage 1 and its worktree."""

    def __init__(self, project: Project, **plan: Any) -> None:
        self.project = project
        project.adopt(independent(2), **plan)
        self.run = project.run_stage()
        assert self.run.status == 0, self.run
        self.run_id: str = self.run.data["run_id"]
        self.at = Repo(Path(self.run.data["worktree"]["path"]), project.repo.environment)

    def write(self, name: str, text: str = "x\n") -> None:
        path = self.at.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, name: str = "stage-1/it.py", text: str = "x\n") -> str:
        return self.at.commit({name: text}, f"feat: {name}")

    def done(self, *more: str) -> Ended:
        return self.project.okstra("stage", "done", "--run", self.run_id, *more, "--json")

    @property
    def state(self) -> tuple[object, ...]:
        """All that a refusal must leave as it is."""
        return (
            self.project.ledger,
            self.project.registry,
            self.project.repo.git("for-each-ref"),
            self.at.git("status", "--porcelain", "--untracked-files=all"),
            self.at.git("rev-parse", "HEAD"),
        )

    def refused(self, code: str, *more: str, says: str = "") -> None:
        before = self.state
        ended = self.done(*more)
        assert (ended.status, ended.codes) == (3, [code]), ended
        assert says in ended.envelope["errors"][0]["message"]
        assert self.state == before

    @property
    def log(self) -> Path:
        return Path(self.run.data["run_dir"]) / "logs" / "exit-check-001.log"


@pytest.fixture
def prepared(project: Project) -> Prepared:
    project.repo.commit({"README.md": "# Read me\n", ".gitignore": "*.log\n"})
    return Prepared(project)


def check_done(prepared: Prepared, ended: Ended, commit: str) -> dict[str, Any]:
    assert ended.status == 0, ended
    assert ended.data["head_commit"] == commit
    (row,) = (row for row in prepared.project.ledger if row["status"] == "done")
    assert (row["stage"], row["run_id"], row["epoch"]) == (1, prepared.run_id, 1)
    assert row["head_commit"] == commit
    assert prepared.project.registry["stages"][STAGE]["status"] == "done"
    invariants.check(prepared.project, worked_in={STAGE}, commits=[commit])
    return row


def test_a_planned_commit_and_a_green_check_are_recorded(prepared: Prepared) -> None:
    commit = prepared.commit()
    ended = prepared.done()
    check_done(prepared, ended, commit)
    assert ended.data["commits"] == 1
    record = json.loads((Path(prepared.run.data["run_dir"]) / "state" / "exit-check-001.json").read_text())
    assert (record["command"], record["commit"], record["exit"]) == ("true", commit, 0)


@pytest.mark.parametrize(
    ("name", "track"), [("stage-1/new.py", False), ("README.md", True), ('stage-1/한글 "q".py', False)]
)
def test_uncommitted_and_untracked_files_are_refused(prepared: Prepared, name: str, track: bool) -> None:
    prepared.commit()
    prepared.write(name, "not committed\n")
    prepared.refused("worktree-dirty", says=name)
    prepared.at.git("add", "--all")
    prepared.refused("worktree-dirty", says=name)


def test_ignored_files_are_no_dirt(prepared: Prepared) -> None:
    commit = prepared.commit()
    prepared.write("build.log")
    check_done(prepared, prepared.done(), commit)


def test_without_a_commit_it_wants_a_reason(prepared: Prepared) -> None:
    prepared.refused("no-commit")
    ended = prepared.done("--no-change", "the code was right already")
    row = check_done(prepared, ended, prepared.at.git("rev-parse", "HEAD"))
    assert row["note"] == "the code was right already"
    assert row["head_commit"] == prepared.run.data["worktree"]["base_commit"]


def test_files_outside_the_plan_want_a_reason(prepared: Prepared) -> None:
    prepared.commit()
    commit = prepared.commit("elsewhere/x.py")
    prepared.refused("out-of-plan", says="elsewhere/x.py")
    ended = prepared.done("--out-of-plan", "a helper moved")
    row = check_done(prepared, ended, commit)
    assert row["note"] == "a helper moved"
    assert ended.data["out_of_plan"] == ["elsewhere/x.py"]


@pytest.mark.parametrize("by", ["delete", "rename", "mode", "undone"])
def test_every_kind_of_change_outside_the_plan_is_seen(prepared: Prepared, by: str) -> None:
    """`undone`: changed in one commit, put back in the next: no file differs in the end, so nothing is out of plan."""
    prepared.commit()
    readme = prepared.at.path / "README.md"
    if by == "delete":
        readme.unlink()
    elif by == "rename":
        readme.rename(prepared.at.path / "stage-1" / "README.md")
    elif by == "mode":
        readme.chmod(0o755)
    else:
        prepared.commit("README.md", "other\n")
        readme.write_text("# Read me\n")
    commit = prepared.at.commit({}, by)
    if by == "undone":
        check_done(prepared, prepared.done(), commit)
    else:
        prepared.refused("out-of-plan", says="README.md")


def test_a_history_that_does_not_stem_from_the_base_is_refused(prepared: Prepared) -> None:
    tree = prepared.at.git("rev-parse", "HEAD^{tree}")
    orphan = prepared.at.git("commit-tree", tree, "-m", "orphan")
    prepared.at.git("reset", "--quiet", "--hard", orphan)
    prepared.refused("head-moved")


def test_a_red_check_fails_and_keeps_its_log(project: Project) -> None:
    prepared = Prepared(project, exit_check="echo to stdout; echo to stderr >&2; exit 3")
    commit = prepared.commit()
    before = prepared.state
    failed = prepared.done()
    assert (failed.status, failed.codes) == (1, ["exit-check-failed"])
    assert "ended with 3" in failed.envelope["errors"][0]["message"]
    assert Path(failed.envelope["errors"][0]["where"]) == prepared.log
    assert prepared.log.read_text().splitlines() == [
        f"$ echo to stdout; echo to stderr >&2; exit 3    (at {commit[:12]})",
        *("to stdout", "to stderr"),
    ]
    assert prepared.state == before
    invariants.check(project, worked_in={STAGE}, commits=[commit])


def test_the_check_runs_in_a_checkout_of_its_own_at_the_stages_commit(project: Project) -> None:
    prepared = Prepared(project, exit_check="pwd; cat stage-1/it.py; test -e stage-1/green")
    prepared.commit(text="worked\n")
    assert prepared.done().codes == ["exit-check-failed"]
    commit = prepared.commit("stage-1/green")
    check_done(prepared, prepared.done(), commit)
    assert prepared.log.read_text().splitlines()[1:] == [str(prepared.at.path.parent / "proof" / "head"), "worked"]


def test_the_check_gets_the_persons_locale_and_not_gits_own_variables(project: Project, tmp_path: Path) -> None:
    (tmp_path / "check.sh").write_text("echo $LC_ALL; env | grep ^GIT_DIR= || echo none\n")
    prepared = Prepared(project, exit_check=f"sh {tmp_path}/check.sh")
    prepared.commit()
    ended = project.okstra("stage", "done", "--run", prepared.run_id, LC_ALL="POSIX", GIT_DIR="/nowhere")
    assert ended.status == 0, ended
    assert prepared.log.read_text().splitlines()[1:] == ["POSIX", "none"]


def test_a_check_that_changes_tracked_files_or_head_changes_its_own_checkout_alone(project: Project) -> None:
    sneaky = "test -e stage-1/it.py && echo more >> stage-1/it.py && git -c user.name=T -c user.email=t@e commit -qam T"
    prepared = Prepared(project, exit_check=f"{sneaky} && rm stage-1/it.py && git checkout -q --detach HEAD~2")
    commit = prepared.commit()
    check_done(prepared, prepared.done(), commit)
    assert prepared.at.git("rev-parse", "HEAD") == commit
    assert prepared.at.git("status", "--porcelain") == ""
    assert project.okstra.ok("integrate", "--task-key", project.task_key, "--json").data["merged"] == [1]


@pytest.mark.parametrize("act", ["commit -q --allow-empty -m later", "rm -q --cached stage-1/it.py"])
def test_what_changes_in_the_stages_worktree_meanwhile_does_not_count(project: Project, act: str) -> None:
    at = project.home / "worktrees" / "demo" / "core" / "t-1" / "stage-1"
    prepared = Prepared(project, exit_check=f"git -C {at} -c user.name=T -c user.email=t@e {act}")
    commit = prepared.commit()
    before = project.ledger, project.registry
    refused = prepared.done()
    assert (refused.status, refused.codes) == (3, ["head-moved"]), refused
    assert (project.ledger, project.registry) == before
    assert commit in project.repo.git("rev-list", "--all", "--reflog").split()


def test_a_check_may_leave_files_behind(project: Project) -> None:
    prepared = Prepared(project, exit_check="touch made-by-the-check")
    commit = prepared.commit()
    ended = prepared.done()
    assert ended.status == 0, ended
    assert [row["head_commit"] for row in project.ledger if row["status"] == "done"] == [commit]


def test_a_stage_is_done_once(prepared: Prepared) -> None:
    prepared.commit()
    assert prepared.done().status == 0
    prepared.refused("stage-done")


def test_a_done_stage_can_not_be_released(prepared: Prepared) -> None:
    prepared.commit()
    assert prepared.done().status == 0
    before = prepared.state
    refused = prepared.project.okstra("stage", "release", "--run", prepared.run_id, "--force", "--json")
    assert (refused.status, refused.codes) == (3, ["stage-done"])
    assert prepared.state == before


def test_a_worktree_that_is_gone(prepared: Prepared) -> None:
    prepared.commit()
    prepared.at.path.rename(prepared.at.path.with_name("moved"))
    ended = prepared.done()
    assert (ended.status, ended.codes) == (2, ["not-found"])
    prepared.at.path.with_name("moved").rename(prepared.at.path)
    assert prepared.done().status == 0


@pytest.mark.parametrize("run", ["demo:core:T-1/implementation/stage-1/009", "demo:core:T-1/error-analysis/001"])
def test_a_run_that_holds_no_stage(prepared: Prepared, run: str) -> None:
    prepared.project.run_phase()
    before = prepared.state
    ended = prepared.project.okstra("stage", "done", "--run", run, "--json")
    assert ended.codes == ["not-found"]
    assert prepared.state == before


# Degraded: no worktree, the ledger row alone marks the stage


@pytest.fixture
def plain(tmp_path: Path, environment: dict[str, str]) -> Project:
    folder = tmp_path / "plain"
    folder.mkdir()
    okstra = Okstra(environment, folder)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    return Project(Repo(folder, environment), okstra)


def test_degraded_the_check_runs_in_the_folder(plain: Project) -> None:
    plain.adopt(independent(1), exit_check="test -e green")
    run = plain.run_stage()
    done = ("stage", "done", "--run", run.data["run_id"], "--json")
    assert plain.okstra(*done).codes == ["exit-check-failed"]
    (plain.repo.path / "green").touch()
    assert plain.okstra(*done).status == 0
    assert plain.okstra(*done).status == 3
    assert [row["status"] for row in plain.ledger] == ["started", "done"]


def test_degraded_a_done_stage_can_not_be_released(plain: Project) -> None:
    plan = plain.adopt(independent(1))
    run = plain.run_stage()
    plain.okstra.ok("stage", "done", "--run", run.data["run_id"])
    refused = plain.okstra("stage", "release", "--run", run.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["stage-done"]), refused
    assert [row["status"] for row in plain.ledger] == ["started", "done"]
    assert plain.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"][0]["status"] == "done"


def test_degraded_a_run_that_was_released_can_not_finish_nor_release_again(plain: Project) -> None:
    plain.adopt(independent(1))
    first = plain.run_stage()
    plain.okstra.ok("stage", "release", "--run", first.data["run_id"])
    second = plain.run_stage()
    assert second.data["epoch"] == 2
    for action in ("done", "release"):
        late = plain.okstra("stage", action, "--run", first.data["run_id"], "--json")
        assert (late.status, late.codes) == (3, ["stage-not-held"]), (action, late)
    assert [row["status"] for row in plain.ledger] == ["started", "released", "started"]
    events = Path(first.data["run_dir"]) / "state" / "events-001.jsonl"
    assert "done-refused" in [json.loads(line)["event"] for line in events.read_text().splitlines()]


def test_degraded_a_stage_taken_again_during_the_exit_check_is_not_recorded(plain: Project, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    plain.adopt(independent(1), exit_check=f"touch {begun}; while [ ! -e {go} ]; do sleep 0.02; done")
    first = plain.run_stage()
    process = plain.okstra.start("stage", "done", "--run", first.data["run_id"], "--json")
    eventually(begun.exists)
    plain.okstra.ok("stage", "release", "--run", first.data["run_id"])
    assert plain.run_stage().data["epoch"] == 2
    go.touch()
    stdout, stderr = process.communicate(timeout=60)
    late = Ended(process.returncode, stdout, stderr)
    assert (late.status, late.codes) == (3, ["stage-not-held"]), late
    assert [row["status"] for row in plain.ledger] == ["started", "released", "started"]


def test_a_check_is_red_when_any_command_of_its_pipe_is(project: Project) -> None:
    red = Prepared(project, exit_check="pytest_nope \\| tail -1")
    red.commit()
    ended = red.done()
    assert (ended.status, ended.codes) == (1, ["exit-check-failed"]), ended
    assert "ended with 127" in ended.envelope["errors"][0]["message"]


def test_a_check_whose_reader_has_read_enough_is_green(project: Project) -> None:
    green = Prepared(project, exit_check="yes \\| head -1 && test -e stage-1/it.py")
    green.commit()
    assert green.done().status == 0


def test_a_token_that_the_check_prints_is_not_in_its_log(project: Project, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    (tmp_path / "token").write_text(f"{token}\n")
    prepared = Prepared(project, exit_check=f"echo before; cat {tmp_path / 'token'}; echo after")
    prepared.commit()
    assert prepared.done().status == 0
    log = Path(prepared.run.data["run_dir"], "logs", "exit-check-001.log").read_text()
    assert token not in log
    assert "before" in log and "after" in log and "[hidden" in log


def test_okstras_own_folder_is_in_no_plan_whatever_its_globs_match(project: Project) -> None:
    project.adopt_text(plan_text(independent(1)).replace("`stage-1/**`", "`**`"))
    prepared = project.run_stage()
    at = Path(prepared.data["worktree"]["path"])
    (at / ".okstra").mkdir(exist_ok=True)
    (at / ".okstra" / "project.json").write_text("{}\n")
    for path, message in ((".okstra/project.json", "feat: settings"), ("it.py", "feat: it")):
        (at / path).write_text("{}\n")
        project.repo.git("-C", str(at), "add", "--force", path)
        project.repo.git("-C", str(at), "commit", "--quiet", "-m", message)
    refused = project.okstra("stage", "done", "--run", prepared.data["run_id"], "--json")
    assert (refused.status, refused.codes) == (3, ["out-of-plan"])
    assert refused.envelope["errors"][0]["message"].endswith(": .okstra/project.json")
