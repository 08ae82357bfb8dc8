"""`stage release` and `worktree remove`: each refusal, and that nothing that was made is ever lost."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from okstra_ctl.system.locks import LockKind, locked
from support.faults import eventually
from support.okstra import Ended, Project
from support.plans import independent
from support.removals import STAGE, TASK, Place
from support.repos import Repo
from support.sealed import ROOT


@pytest.fixture(params=["held", "task"])
def place(project: Project, request: pytest.FixtureRequest) -> Place:
    """What `stage release` takes down, and what `worktree remove` does."""
    return Place(project, request.param)


@pytest.fixture(params=["held", "done", "task"])
def any_place(project: Project, request: pytest.FixtureRequest) -> Place:
    return Place(project, request.param)


def test_a_clean_worktree_goes_and_its_branch_stays(any_place: Place) -> None:
    head = any_place.at.git("rev-parse", "HEAD")
    assert any_place.gone(any_place.save_and_remove()) == ""
    assert any_place.project.repo.git("rev-parse", any_place.branch) == head


@pytest.mark.parametrize("name", ["new.txt", "tracked.txt", '한글 "new"\tfile.txt', "deep/er/new.txt"])
def test_untracked_and_changed_files_are_refused(place: Place, name: str) -> None:
    path = place.at.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("unsaved\n")
    place.refused("worktree-dirty", says=name.split("\t")[0])
    place.at.git("add", "--all")
    place.refused("worktree-dirty")


def test_a_deleted_file_is_refused(any_place: Place) -> None:
    (any_place.at.path / "tracked.txt").unlink()
    any_place.refused("worktree-dirty", says="tracked.txt")


def test_ignored_files_do_not_hold_it_and_are_named(any_place: Place) -> None:
    (any_place.at.path / "build.log").write_text("made by a tool\n")
    ended = any_place.save_and_remove()
    assert any_place.gone(ended) == ""
    assert ended.data["ignored"] == ["build.log"]


@pytest.mark.parametrize("kind", ["held", "task"])
def test_a_person_reads_which_ignored_files_went(project: Project, kind: str) -> None:
    place = Place(project, kind)
    for number in range(7):
        (place.at.path / f"{number}.log").write_text("made by a tool\n")
    words = ("stage", "release", "--run", place.run.data["run_id"]) if kind == "held" else ("worktree", "remove", TASK)
    shown = project.okstra.ok(*words).stdout
    assert "ignored, not kept" in shown and "0.log, 1.log, 2.log, 3.log, 4.log and 2 more" in shown


def test_commits_on_a_detached_head_are_refused(place: Place) -> None:
    place.at.git("checkout", "--quiet", "--detach")
    place.at.commit({"detached.txt": "x\n"})
    place.refused("commits-unreachable", says="1 commit(s)")
    place.at.git("checkout", "--quiet", place.branch)
    assert place.gone(place.save_and_remove()) == ""


def test_a_detached_head_on_a_branchs_commit_is_no_loss(place: Place) -> None:
    place.at.git("checkout", "--quiet", "--detach")
    assert place.gone(place.save_and_remove()) == ""


def test_forced_every_unsaved_file_is_kept_by_a_ref(any_place: Place) -> None:
    head = any_place.at.git("rev-parse", "HEAD")
    files = {
        "tracked.txt": "changed\n",
        "new.txt": "new\n",
        "deep/er/한글.txt": "untracked\n",
        "staged.txt": "staged\n",
    }
    for name, text in files.items():
        (any_place.at.path / name).parent.mkdir(parents=True, exist_ok=True)
        (any_place.at.path / name).write_text(text)
    (any_place.at.path / "link").symlink_to("new.txt")
    (any_place.at.path / "run.sh").write_text("#!/bin/sh\n")
    (any_place.at.path / "run.sh").chmod(0o755)
    (any_place.at.path / "README.md").unlink()
    any_place.at.git("add", "staged.txt")
    kept = any_place.gone(any_place.save_and_remove("--force"))
    assert kept.startswith("refs/okstra/kept/")
    git = any_place.project.repo.git
    for name, text in files.items():
        assert git("show", f"{kept}:{name}") + "\n" == text
    assert git("show", f"{kept}:link") == "new.txt"
    assert git("ls-tree", kept, "link", "run.sh").split()[::4] == ["120000", "100755"]
    assert "README.md" not in git("ls-tree", "--name-only", kept).split()
    assert git("rev-parse", f"{kept}^") == head == git("rev-parse", any_place.branch)


def test_forced_commits_on_a_detached_head_are_kept_by_a_ref(place: Place) -> None:
    place.at.git("checkout", "--quiet", "--detach")
    first = place.at.commit({"detached.txt": "1\n"})
    second = place.at.commit({"detached.txt": "2\n"})
    kept = place.gone(place.save_and_remove("--force"))
    assert place.project.repo.git("rev-list", kept, f"^{place.branch}").split() == [second, first]


def test_forced_both_are_kept(place: Place) -> None:
    place.at.git("checkout", "--quiet", "--detach")
    commit = place.at.commit({"detached.txt": "1\n"})
    (place.at.path / "unsaved.txt").write_text("unsaved\n")
    kept = place.gone(place.save_and_remove("--force"))
    assert place.project.repo.git("show", f"{kept}:unsaved.txt") == "unsaved"
    assert place.project.repo.git("rev-parse", f"{kept}^") == commit


def test_forced_in_the_middle_of_a_merge_what_stands_there_is_kept(place: Place) -> None:
    place.at.git("checkout", "--quiet", "-b", "other", "HEAD~1" if place.kind != "task" else "HEAD")
    place.at.commit({"tracked.txt": "theirs\n"})
    place.at.git("checkout", "--quiet", place.branch)
    place.at.commit({"tracked.txt": "ours\n"})
    place.at.git("merge", "other", check=False)
    assert "<<<<<<<" in (place.at.path / "tracked.txt").read_text()
    if place.kind != "held":
        place.refused("worktree-dirty", says="tracked.txt")
    ended = place.save_and_remove("--force")
    assert ended.status == 0, ended
    assert "<<<<<<<" in place.project.repo.git("show", f"{ended.data['kept']}:tracked.txt")


def test_forced_a_repository_inside_is_never_thrown_away_unkept(place: Place) -> None:
    """git keeps an embedded repository as a mere link to a commit: its files and commits would be gone."""
    inner = Repo.init(place.at.path / "inner", place.project.repo.environment)
    commit = inner.commit({"precious.txt": "precious\n"})
    place.refused("worktree-dirty", "--force", says="inner")
    assert inner.git("show", f"{commit}:precious.txt") == "precious"


def test_a_folder_that_was_deleted_by_hand_does_not_take_detached_commits_along(place: Place) -> None:
    place.at.git("checkout", "--quiet", "--detach")
    commit = place.at.commit({"detached.txt": "x\n"})
    shutil.rmtree(place.at.path)
    ended = place.save_and_remove()
    assert (ended.status, ended.codes) == (3, ["commits-unreachable"]), ended
    forced = place.save_and_remove("--force")
    assert forced.status == 0, forced
    assert commit in place.project.repo.git("rev-list", forced.data["kept"]).split()


def test_a_folder_that_was_deleted_by_hand_is_forgotten(place: Place) -> None:
    head = place.at.git("rev-parse", "HEAD")
    shutil.rmtree(place.at.path)
    assert place.gone(place.save_and_remove()) == ""
    assert place.project.repo.git("rev-parse", place.branch) == head


def test_a_worktree_that_a_person_unlocked_or_moved_git_about_still_goes(place: Place) -> None:
    place.project.repo.git("worktree", "unlock", str(place.at.path))
    assert place.gone(place.save_and_remove()) == ""


def test_a_removal_waits_for_the_repository(place: Place) -> None:
    """git's records of worktrees are shared: while another command of okstra's changes them, nothing is taken away."""
    lock = Path(place.project.repo.git("rev-parse", "--absolute-git-dir")) / "okstra.lock"
    words = (
        ["stage", "release", "--run", place.run.data["run_id"]]
        if place.kind == "held"
        else ["worktree", "remove", TASK]
    )
    with locked(LockKind.REPOSITORY, str(lock)):
        removing = place.project.okstra.start(*words, "--json")
        key = STAGE if place.kind == "held" else TASK
        section = "stages" if place.kind == "held" else "tasks"
        eventually(lambda: place.project.registry[section][key]["status"] == "provisioning")
        with pytest.raises(subprocess.TimeoutExpired):
            removing.wait(0.5)
        assert place.at.path.is_dir()
        assert str(place.at.path) in place.project.repo.worktree_paths()
    assert removing.wait(30) == 0
    assert not place.at.path.exists()


# Held


def test_a_stage_in_work_is_not_removed(project: Project) -> None:
    place = Place(project, "held")
    for more in ((), ("--force",)):
        before = place.state
        for key in (STAGE, TASK):
            refused = project.okstra("worktree", "remove", key, *more, "--json")
            assert (refused.status, refused.codes) == (3, ["worktree-held"]), refused
            assert "stage release" in refused.stdout or "release them first" in refused.stdout
        assert place.state == before


def test_a_live_agents_stage_is_not_released_without_force(project: Project, tmp_path: Path) -> None:
    """A client named `claude` prepares the run, as an agent's session does, and stays."""
    project.adopt(independent(1))
    client, out = tmp_path / "claude", tmp_path / "out"
    shutil.copy("/bin/sh", client)
    process = subprocess.Popen(
        [
            str(client),
            "-c",
            '"$@" > "$OUT" 2>&1; read -r stop',
            "claude",
            str(ROOT / "bin/okstra"),
            *project.run_args(),
        ],
        cwd=project.repo.path,
        env={**project.okstra.environment, "OUT": str(out)},
        stdin=subprocess.PIPE,
    )
    try:
        eventually(lambda: out.exists() and out.read_text().endswith("}\n"), seconds=20)
        run = Ended(0, out.read_text(), "")
        assert project.registry["stages"][STAGE]["owner"]["pid"] == process.pid
        release = ("stage", "release", "--run", run.data["run_id"], "--json")
        refused = project.okstra(*release)
        assert (refused.status, refused.codes) == (3, ["run-is-led"]), refused
        assert f"process {process.pid}" in refused.envelope["errors"][0]["message"]
        assert Path(run.data["worktree"]["path"]).is_dir()
        assert project.run_stage("1").codes == ["stage-running"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert project.run_stage("1").codes == ["stage-interrupted"]
    assert project.okstra(*release).status == 0
    assert project.run_stage("1").status == 0


@pytest.mark.parametrize("key", ["demo:core:T-9", "demo:core:T-1#stage-9"])
def test_an_unknown_key(project: Project, key: str) -> None:
    assert project.run_phase().status == 0
    ended = project.okstra("worktree", "remove", key, "--json")
    assert (ended.status, ended.codes) == (2, ["not-found"])


# Release


def test_a_released_stage_is_ready_again_and_the_ledger_says_why(project: Project) -> None:
    place = Place(project, "held")
    plan = next(project.task_root.glob("runs/implementation-planning/reports/*.md"))
    place.gone(place.save_and_remove("--note", "taken over by hand"))
    row = project.ledger[-1]
    assert (row["status"], row["note"], row["head_commit"]) == ("released", "taken over by hand", place.commit_id)
    listed = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert listed[0]["status"] == "ready"
    again = place.save_and_remove()
    assert (again.status, again.codes) == (3, ["stage-not-held"])


def test_a_release_of_a_run_that_is_no_stages(project: Project) -> None:
    run = project.run_phase()
    ended = project.okstra("stage", "release", "--run", run.data["run_id"], "--json")
    assert (ended.status, ended.codes) == (3, ["stage-not-held"])
