"""gc: what lies beside the records of runs, and no run can need any more, goes; what one may need, or nobody was given,
stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.live_runs import LiveRun
from support.okstra import Project
from support.rehearsal import install, led, part, result

A, B = "rehearsal-a", "rehearsal-b"


def notes(project: Project) -> list[Path]:
    folder = project.home / "receipts"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def drops(project: Project) -> list[Path]:
    return sorted(project.task_root.glob("runs/error-analysis/drops-*/*"))


def swept(project: Project, *more: str) -> set[str]:
    return set(project.okstra.ok("gc", "--json", *more).data["leftovers"])


def test_a_completed_run_leaves_no_note_in_the_home(project: Project) -> None:
    assert led(project, "error-analysis").status == 0
    assert notes(project) == []


def test_the_note_of_a_run_that_can_go_on_stays_and_goes_with_its_records(project: Project) -> None:
    install(project, part({"fault": "crash"}, role="analyst"))
    ended = led(project, "error-analysis")
    assert ended.status == 1, ended
    (note,) = notes(project)
    assert swept(project) == set()
    assert notes(project) == [note]
    shutil.rmtree(project.task_root)
    assert swept(project, "--dry-run") == {str(note)}
    assert notes(project) == [note]
    assert swept(project) == {str(note)}
    assert notes(project) == []


@pytest.mark.parametrize("older", [False, True], ids=["with its manifest's path", "of an earlier okstra"])
def test_a_note_that_a_kill_left_of_a_completed_run_goes(project: Project, older: bool) -> None:
    install(project, part({"fault": "crash"}, role="analyst"))
    ended = led(project, "error-analysis")
    (note,) = notes(project)
    document = json.loads(note.read_text())
    if older:
        del document["manifest"]
        note.write_text(json.dumps(document))
    manifest = Path(ended.data["manifest"])
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "outcome": "completed"}))
    assert swept(project) == {str(note)}


def test_a_note_stays_where_the_projects_folder_itself_is_away(project: Project) -> None:
    """As on a disk that is not mounted now."""
    install(project, part({"fault": "crash"}, role="analyst"))
    assert led(project, "error-analysis").status == 1
    away = project.repo.path.with_name("away")
    project.repo.path.rename(away)
    assert project.okstra.ok("gc", "--json", cwd=project.home).data["leftovers"] == []
    assert len(notes(project)) == 1


def test_a_workers_own_folder_goes_after_its_end_and_a_persons_beside_it_stays(project: Project) -> None:
    """What okstra did not take over: a folder that stands where the result should, and whatever else a worker made."""
    odd = 'mkdir -p "$OKSTRA_RESULT"/deep && mkfifo "$OKSTRA_RESULT"/pipe && ln -s "$HOME" "$OKSTRA_RESULT"/home'
    install(project, part({"run": odd}, worker=A, round=""), part({"result": result()}, worker=B, round=""))
    ended = led(project, "error-analysis")
    left = drops(project)
    assert left, ended
    mine = left[0].parent / "mine"
    mine.mkdir()
    (mine / "note.txt").write_text("of a person\n")
    kept = project.home.parent / "kept"
    kept.write_text("beyond the link\n")
    assert swept(project) == {str(path) for path in left}
    assert drops(project) == [mine]
    assert (mine / "note.txt").read_text() == "of a person\n"
    assert kept.exists()
    shutil.rmtree(mine)
    swept(project)


def test_what_a_living_run_or_a_resume_may_need_stays(project: Project) -> None:
    """The lead is alive; then it is killed before it could record its worker's end."""
    install(project, part({"result": result()}, {"wait": 60}, role="analyst", round=""))
    live = LiveRun.start(project, "error-analysis")
    live.wait_for_event("dispatched")
    live.wait_for_processes(2)
    standing = drops(project)
    assert standing
    assert swept(project) == set()
    live.process.kill()
    live.process.wait()
    live.wait_until_nothing_is_left()
    assert swept(project) == set()
    assert set(standing) <= set(drops(project))
