"""What is written in a worktree between the saving of its work and its removal is never lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from okstra_ctl.system.locks import LockKind, locked
from support.faults import eventually
from support.gated_git import stopped_at
from support.okstra import Project
from support.removals import STAGE, TASK, Place
from support.repos import Repo

_LOOKED = "--ignored=matching"  # the question to git after which the unsaved work is known
_KEPT = "update-ref refs/okstra/kept/"


@pytest.fixture(params=["held", "task"])
def place(project: Project, request: pytest.FixtureRequest) -> Place:
    return Place(project, request.param)


def _kept_files(project: Project, name: str) -> set[str]:
    """What the file holds in each ref of kept work that has it."""
    git = project.repo.git
    refs = git("for-each-ref", "--format=%(refname)", "refs/okstra/kept/").split()
    return {git("show", f"{ref}:{name}") for ref in refs if git("ls-tree", ref, name)}


@pytest.mark.parametrize("kind", ["held", "done", "task"])
def test_a_file_written_after_the_look_at_a_clean_worktree_is_kept(project: Project, kind: str, tmp_path: Path) -> None:
    place = Place(project, kind)
    with stopped_at(project.okstra, tmp_path / "gate", _LOOKED, *place.words, answered=True) as gate:
        (place.at.path / "late.txt").write_text("late\n")
        (place.at.path / "tracked.txt").write_text("2\n")
        ended = gate.open()
    kept = place.gone(ended)
    assert project.repo.git("show", f"{kept}:late.txt") == "late"
    assert project.repo.git("show", f"{kept}:tracked.txt") == "2"


def test_a_file_that_changed_after_it_was_kept_is_kept_in_both_states(place: Place, tmp_path: Path) -> None:
    notes = place.at.path / "notes.txt"
    notes.write_text("early\n")
    with stopped_at(place.project.okstra, tmp_path / "gate", _KEPT, *place.words, "--force", answered=True) as gate:
        notes.write_text("later\n")
        ended = gate.open()
    kept = place.gone(ended)
    assert place.project.repo.git("show", f"{kept}:notes.txt") == "later"
    assert _kept_files(place.project, "notes.txt") == {"early", "later"}


def test_gc_keeps_a_file_that_was_written_after_its_look(project: Project, tmp_path: Path) -> None:
    place = Place(project, "done")
    project.repo.git("merge", "--quiet", place.branch)
    with stopped_at(project.okstra, tmp_path / "gate", _LOOKED, "gc", "--json", answered=True) as gate:
        (place.at.path / "late.txt").write_text("late\n")
        ended = gate.open()
    assert [one["failed"] for one in ended.data["removed"] if one["key"] == STAGE] == [""], ended
    assert not place.at.path.exists()
    assert _kept_files(project, "late.txt") == {"late"}


def test_reconcile_keeps_a_file_that_was_written_after_its_look(project: Project, tmp_path: Path) -> None:
    place = Place(project, "task")
    (project.home / "worktrees" / "registry.json").unlink()
    with stopped_at(
        project.okstra, tmp_path / "gate", _LOOKED, "reconcile", "--apply", "--json", answered=True
    ) as gate:
        (place.at.path / "late.txt").write_text("late\n")
        ended = gate.open()
    assert not place.at.path.exists(), ended
    assert _kept_files(project, "late.txt") == {"late"}


def test_what_no_ref_can_keep_puts_the_worktree_back(place: Place, tmp_path: Path) -> None:
    registry = place.project.registry
    with stopped_at(place.project.okstra, tmp_path / "gate", _LOOKED, *place.words, answered=True) as gate:
        Repo.init(place.at.path / "inner", place.project.repo.environment).commit({"precious.txt": "precious\n"})
        ended = gate.open()
    assert (ended.status, ended.codes) == (3, ["worktree-dirty"]), ended
    assert (place.at.path / "inner" / "precious.txt").read_text() == "precious\n"
    assert place.project.registry == registry
    shutil.rmtree(place.at.path / "inner")
    assert place.gone(place.save_and_remove()) == ""


def test_work_in_a_submodule_after_the_look_is_kept(project: Project, tmp_path: Path) -> None:
    library = Repo.init(tmp_path / "library", project.repo.environment)
    library.commit({"lib.txt": "1\n"})
    project.repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "lib")
    project.repo.git("commit", "--quiet", "-m", "Add lib")
    place = Place(project, "task")
    with stopped_at(project.okstra, tmp_path / "gate", _LOOKED, *place.words, answered=True) as gate:
        (place.at.path / "lib" / "late.txt").write_text("late\n")
        ended = gate.open()
    assert place.gone(ended), ended
    refs = project.repo.git("-C", "lib", "for-each-ref", "--format=%(refname)", "refs/okstra/kept/").split()
    assert [project.repo.git("-C", "lib", "show", f"{ref}:late.txt") for ref in refs] == ["late"]


def test_what_is_written_after_a_killed_removal_is_kept_by_whoever_finishes_it(place: Place) -> None:
    lock = Path(place.project.repo.git("rev-parse", "--absolute-git-dir")) / "okstra.lock"
    section, key = ("stages", STAGE) if place.kind == "held" else ("tasks", TASK)
    with locked(LockKind.REPOSITORY, str(lock)):
        removing = place.project.okstra.start(*place.words)
        eventually(lambda: place.project.registry[section][key]["status"] == "provisioning")
        removing.kill()
        removing.wait()
    (place.at.path / "late.txt").write_text("late\n")
    place.project.okstra.ok("gc", "--json")
    assert not place.at.path.exists()
    assert _kept_files(place.project, "late.txt") == {"late"}
