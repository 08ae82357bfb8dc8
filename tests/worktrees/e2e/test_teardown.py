"""`worktreeTeardown` runs before a worktree is removed; when it fails, the worktree stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from okstra_ctl.claims.registry_document import TaskClaim
from okstra_ctl.errors import WorkFailed
from okstra_ctl.names import REVIEW, TaskKey, parse_place_key, task_branch
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.services import open_services
from okstra_ctl.status import ClaimStatus
from okstra_ctl.worktrees import teardown
from support.contained_lab import can_contain
from support.faults import eventually
from support.okstra import Project
from support.removals import STAGE, Place


def _tears_down(project: Project, *commands: str, **more: object) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "worktreeTeardown": list(commands), **more}))


@pytest.mark.parametrize("kind", ["held", "done"])
def test_a_failing_command_is_reported_and_the_worktree_stays(project: Project, kind: str) -> None:
    place = Place(project, kind)
    _tears_down(project, "pwd; echo it is still running >&2; exit 7", "touch never")
    before = place.state
    ended = place.save_and_remove()
    assert (ended.status, ended.codes) == (1, ["worktree-teardown-failed"]), ended
    (error,) = ended.envelope["errors"]
    assert "ended with 7" in error["message"]
    assert Path(error["where"]).read_text().splitlines()[1:] == [str(place.at.path), "it is still running"]
    assert place.state == before
    if kind == "done":
        place.project.repo.git("merge", "--quiet", place.branch)
        collected = project.okstra.ok("gc", "--json").data
        assert "ended with 7" in collected["removed"][0]["failed"]
    command = error["try"].rpartition(": okstra ")[2].split()
    assert command[-1] == "--skip-teardown"
    project.okstra.ok(*(word.strip("'") for word in command))
    assert not place.at.path.exists()


@pytest.mark.contained
def test_it_runs_contained_after_unsaved_work_was_refused(project: Project, tmp_path: Path) -> None:
    place, ran = Place(project, "done"), tmp_path / "ran"
    cache = tmp_path / "cache"
    cache.mkdir()
    project.okstra.ok("config", "set", "sandboxWritable", str(cache))
    _tears_down(project, f"cat tracked.txt > {cache}/down; touch {ran} || true")
    (place.at.path / "new.txt").write_text("mine\n")
    place.refused("worktree-dirty")
    assert not (cache / "down").exists()
    (place.at.path / "new.txt").unlink()
    assert place.gone(place.save_and_remove()) == ""
    assert (cache / "down").read_text() == "1\n"
    assert ran.exists() is not can_contain(Kind.BWRAP)
    assert list((project.home / "logs").glob("worktree-teardown*")) == [], "a log is kept for a failure alone"


def test_a_worktree_whose_folder_is_gone_keeps_its_claim_until_somebody_ended_what_it_began(project: Project) -> None:
    _tears_down(project, 'docker compose -p "app-$PORT" down', worktreePorts=["PORT"])
    place = Place(project, "done")
    before = project.registry
    number = before["ports"][STAGE]["PORT"]
    shutil.rmtree(place.at.path)
    ended = place.save_and_remove()
    assert (ended.status, ended.codes) == (1, ["worktree-teardown-failed"]), ended
    (error,) = ended.envelope["errors"]
    assert """`docker compose -p "app-$PORT" down`""" in error["message"]
    assert f"PORT={number}, then: okstra worktree remove" in error["try"]
    assert project.registry == before
    place.project.repo.git("merge", "--quiet", place.branch)
    project.okstra("gc", "--json")
    (found,) = project.okstra("reconcile", "--apply", "--json").data["findings"]
    assert (found["kind"], found["can_apply"]) == ("folder-gone", False) and found["try"] == error["try"]
    assert project.registry == before
    place.gone(place.save_and_remove("--skip-teardown"))
    assert STAGE not in project.registry["ports"]


def test_settings_that_nobody_trusts_tear_nothing_down(project: Project, tmp_path: Path) -> None:
    place = Place(project, "done")
    _tears_down(project, f"touch {tmp_path}/ran")
    untrusted = project.okstra("worktree", "remove", STAGE, "--json", OKSTRA_TRUST="")
    assert untrusted.codes == ["not-trusted"]
    assert place.at.path.exists() and not (tmp_path / "ran").exists()


def test_a_kill_in_it_loses_nothing_and_the_next_removal_runs_it_again(project: Project, tmp_path: Path) -> None:
    place = Place(project, "done")
    begun = tmp_path / "begun"
    _tears_down(project, f"echo x >> {begun}; test -e {begun}.fast || sleep 60")
    before = place.state
    removing = project.okstra.start(*place.words)
    eventually(begun.exists)
    os.kill(removing.pid, signal.SIGKILL)
    removing.communicate()
    assert place.state == before
    Path(f"{begun}.fast").touch()
    assert place.gone(place.save_and_remove()) == ""
    assert begun.read_text() == "x\nx\n"


def test_nothing_runs_over_what_strangers_wrote(project: Project) -> None:
    """No set-up did: the worktree of a review has their files."""
    _tears_down(project, "make down")
    key = TaskKey.parse("demo:core:T-1")
    claim = TaskClaim(
        path="/w",
        branch=task_branch("feature", key),
        base_commit="0" * 40,
        project_root=str(project.repo.path),
        status=ClaimStatus.ACTIVE,
        created_at="",
        owner=None,
        token="",
        users=(),
    )
    assert teardown.commands_for(key, claim) == ("make down",)
    assert teardown.commands_for(key, claim._replace(branch=task_branch(REVIEW, key))) == ()


def test_a_command_that_does_not_end_is_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:

    place = Place(project, "done")
    monkeypatch.setattr(teardown, "LIMIT_SECONDS", 0.5)
    services = open_services(project.okstra.environment)
    key = parse_place_key(STAGE)
    claim = services.registry.read().claim_of(key)
    assert claim is not None
    with pytest.raises(WorkFailed, match=r"took longer than 0\.5 s"):
        teardown.tear_down(key, claim, ("sleep 60",), services)
    assert place.at.path.exists()


def test_what_a_failed_set_up_began_is_ended_before_its_worktree_goes(project: Project, tmp_path: Path) -> None:
    done = tmp_path / "done"
    begin = [f'echo "up $PORT" >> {done}', "exit 9", "touch never"]
    down = f'echo "down $PORT" >> {done}; exit $(cat {tmp_path}/status)'
    _tears_down(project, down, worktreeSetup=begin, worktreePorts=["PORT"])
    words = ("run", "--task-key", project.task_key, "--task-type", "error-analysis", "--render-only", "--yes", "--json")
    for status, also in ((0, ""), (3, "worktreeTeardown failed too")):
        (tmp_path / "status").write_text(str(status))
        failed = project.okstra(*words, *project.brief_for("error-analysis"))
        assert failed.codes == ["worktree-setup-failed"], failed
        message = failed.envelope["errors"][0]["message"]
        assert "`exit 9` ended with 9" in message and also in message
        up, ended = done.read_text().splitlines()[-2:]
        assert up.partition(" ")[2] and (up.partition(" ")[0], ended) == ("up", f"down {up.partition(' ')[2]}")
        assert project.registry.get("tasks", {}) == {}


@pytest.mark.parametrize("status", [0, 3])
def test_what_a_killed_set_up_began_is_ended_when_its_worktree_is_undone(
    project: Project, tmp_path: Path, status: int
) -> None:
    done, begun = tmp_path / "done", tmp_path / "begun"
    down = f'echo "down $PORT" >> {done}; exit {status}'
    begin = [f'echo "up $PORT" >> {done}; touch {begun}; sleep 60']
    _tears_down(project, down, worktreeSetup=begin, worktreePorts=["PORT"])
    words = ("run", "--task-key", project.task_key, "--task-type", "error-analysis", "--render-only", "--yes", "--json")
    brief = project.brief_for("error-analysis")
    making = project.okstra.start(*words, *brief)
    eventually(begun.exists)
    os.kill(making.pid, signal.SIGKILL)
    making.communicate()
    _tears_down(project, down, worktreeSetup=[], worktreePorts=["PORT"])
    again = project.okstra.ok(*words, *brief)
    up, ended = done.read_text().splitlines()
    assert (up.partition(" ")[0], ended) == ("up", f"down {up.partition(' ')[2]}")
    notes = json.dumps(again.envelope)
    assert ("worktreeTeardown failed" in notes) is bool(status), again
    assert Path(again.data["worktree"]["path"]).is_dir()
