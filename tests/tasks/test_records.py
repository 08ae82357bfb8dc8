"""A task's own records: manifest, page, time line, catalog; and the index of all runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from okstra_ctl.errors import Refused, Unreadable
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index
from okstra_ctl.index.run_index import IndexRow
from okstra_ctl.names import RunId, TaskKey
from okstra_ctl.paths import ProjectFiles
from okstra_ctl.tasks.records import RunNews, ensure_task, read_manifest, read_task_identity, record, try_record
from support import schemas

_AT = "2026-01-01T00:00:00Z"
_KEY = TaskKey("demo", "Core", "T-1")


@pytest.fixture
def project(tmp_path: Path) -> ProjectFiles:
    return ProjectFiles(str(tmp_path))


def _ensure(project: ProjectFiles, key: TaskKey = _KEY, category: str = "bugfix") -> dict[str, object]:
    return ensure_task(project, key, category=category, brief="/b.md", at=_AT)


def _news(seq: int = 1, event: str = "prepared", key: TaskKey = _KEY) -> RunNews:
    return RunNews(RunId(key, "error-analysis", None, seq), event, _AT, "okstra show it")


def _manifest(project: ProjectFiles) -> Path:
    return Path(project.task(_KEY).manifest)


def test_a_task_is_made_once(project: ProjectFiles) -> None:
    made = _ensure(project)
    assert _ensure(project, category="feature") == made
    assert made["work_category"] == "bugfix"
    assert read_task_identity(project.task(_KEY).root) == _KEY
    assert Path(project.gitignore).read_text().splitlines()[-2:] == ["*", "!project.json"]


def test_two_tasks_never_share_a_folder(project: ProjectFiles) -> None:
    _ensure(project)
    with pytest.raises(Refused) as refused:
        _ensure(project, TaskKey("demo", "core", "t 1"))
    assert refused.value.code == "name-taken"
    assert "demo:Core:T-1" in refused.value.message


def test_runs_are_counted_and_the_newest_is_kept(project: ProjectFiles) -> None:
    _ensure(project)
    for news in (_news(1), _news(2), _news(1, "done")):
        record(project, news, worktree="/wt")
    manifest = json.loads(_manifest(project).read_text())
    assert manifest["phases"]["error-analysis"] == {
        "runs": 2,
        "last_run": "demo:Core:T-1/error-analysis/001",
        "last_event": "done",
        "last_at": _AT,
    }
    assert len(Path(project.task(_KEY).timeline).read_text().splitlines()) == 3
    assert "| error-analysis | 2 |" in Path(project.task(_KEY).page).read_text()


def test_the_catalog_has_every_task_and_the_latest_is_named(project: ProjectFiles) -> None:
    other = TaskKey("demo", "core", "로그인")
    for key in (_KEY, other, _KEY):
        record(project, _news(key=key))
    assert list(json.loads(Path(project.task_catalog).read_text())["tasks"]) == ["demo:Core:T-1", "demo:core:로그인"]
    assert json.loads(Path(project.latest_task).read_text())["task_key"] == "demo:Core:T-1"
    assert schemas.faults_of_file(Path(project.task_catalog)) == []


@pytest.mark.parametrize(
    "change",
    [
        *(
            {name: None}
            for name in ("task_key", "project_id", "task_group", "task_id", "work_category", "brief", "phases")
        ),
        {"phases": []},
        {"phases": {"error-analysis": 3}},
        {"phases": {"error-analysis": {}}},
        {"phases": {"error-analysis": {"runs": "2", "last_run": "", "last_at": ""}}},
        {"project_id": 3},
        {"schema": "task-manifest/2"},
    ],
    ids=str,
)
def test_a_damaged_manifest_is_refused_and_stays(project: ProjectFiles, change: dict[str, object]) -> None:
    fields = _ensure(project) | change
    _manifest(project).write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))
    before = _manifest(project).read_bytes()
    with pytest.raises(Unreadable) as refused:
        read_manifest(project.task(_KEY))
    assert (refused.value.code, refused.value.where) == ("state-unreadable", str(_manifest(project)))
    with pytest.raises(Unreadable):
        _ensure(project)
    assert str(_manifest(project)) in try_record(project, _news())
    assert _manifest(project).read_bytes() == before


def test_a_damaged_catalog_is_told_and_not_overwritten(project: ProjectFiles) -> None:
    record(project, _news())
    Path(project.task_catalog).write_text("{")
    assert "task catalog can't be read" in try_record(project, _news(2))
    assert Path(project.task_catalog).read_text() == "{"


def test_good_news_gives_no_warning(project: ProjectFiles) -> None:
    assert try_record(project, _news()) == ""


# The index of all runs


def _row(number: int, event: str = "prepared") -> IndexRow:
    return IndexRow(f"p:g:1/error-analysis/{number:03d}", event, _AT, "error-analysis", None, "/p", "/m")


def test_the_newest_row_of_each_run_in_the_order_of_the_runs(tmp_path: Path) -> None:
    home = HomePaths(str(tmp_path))
    assert run_index.newest_rows(home) == []
    for row in (_row(1), _row(2), _row(1, "done")):
        run_index.append(home, row)
    rows = run_index.newest_rows(home)
    assert [(row["run_id"], row["event"]) for row in rows] == [(_row(1).run_id, "done"), (_row(2).run_id, "prepared")]
    assert all(schemas.faults(row, "index-row") == [] for row in rows)


def test_an_index_that_cant_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite3").mkdir()
    assert "run index could not be updated" in run_index.try_append(HomePaths(str(tmp_path)), _row(1))
