"""`project.json` as checked values, and the schema that says the same."""

from __future__ import annotations

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.project import ProjectConfig, new_project_document, project_config
from okstra_ctl.settings.sync_list import SyncEntry
from support import schemas

_LEAST: dict[str, object] = {"schema": "project/1", "projectId": "demo"}


def _read(document: object, **environment: str) -> ProjectConfig:
    return project_config(document, where="project.json", environment=environment)


def test_what_setup_writes_is_read_and_fits_the_schema() -> None:
    document = new_project_document("demo", "ko")
    assert _read(document) == ProjectConfig("demo", report_language="ko")
    assert schemas.faults(document, "project") == []


def test_the_least_that_will_do() -> None:
    assert _read(_LEAST) == ProjectConfig("demo")


def test_all_fields() -> None:
    document = _LEAST | {
        "worktreeSyncDirs": [".env", {"path": "node_modules", "mode": "copy"}, {"path": "data"}],
        "worktreeSetup": ["npm ci"],
        "qaCommands": ["pytest -q"],
        "reportLanguage": "ko",
        "prTemplatePath": "docs/pr.md",
        "aFieldOfALaterVersion": {"is": "left alone"},
    }
    assert schemas.faults(document, "project") == []
    assert _read(document) == ProjectConfig(
        "demo",
        (SyncEntry(".env", ""), SyncEntry("node_modules", "copy"), SyncEntry("data", "")),
        ("npm ci",),
        ("pytest -q",),
        "ko",
        "docs/pr.md",
        {"worktreeSetup": ["npm ci"], "qaCommands": ["pytest -q"]},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "project/2"},
        {"schema": None},
        {"projectId": ""},
        {"projectId": 3},
        {"reportLanguage": "fr"},
        {"worktreeSyncDirs": ".env"},
        {"worktreeSyncDirs": [3]},
        {"worktreeSyncDirs": [{"mode": "copy"}]},
        {"worktreeSyncDirs": [{"path": "x", "mode": "move"}]},
        {"worktreeSetup": "npm ci"},
        {"worktreeSetup": [" "]},
        {"qaCommands": [1]},
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_here_and_by_the_schema(change: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        _read(_LEAST | change)
    assert (refused.value.code, refused.value.where) == ("bad-config", "project.json")
    (field,) = change
    assert field in refused.value.message
    assert schemas.faults(_LEAST | change, "project") != []


@pytest.mark.parametrize("document", [None, [], "x", 3])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(UsageError, match="not a JSON object"):
        _read(document)


def test_a_sync_path_out_of_the_tree_names_the_file() -> None:
    with pytest.raises(UsageError) as refused:
        _read(_LEAST | {"worktreeSyncDirs": ["../secrets"]})
    assert (refused.value.code, refused.value.where) == ("bad-sync-path", "project.json")


def test_the_environments_list_goes_before_the_files() -> None:
    document = _LEAST | {"worktreeSyncDirs": [".env"]}
    assert _read(document, OKSTRA_WORKTREE_SYNC_DIRS="a:b/c").sync == (SyncEntry("a", ""), SyncEntry("b/c", ""))
    assert _read(document, OKSTRA_WORKTREE_SYNC_DIRS="").sync == ()
    assert _read(document).sync == (SyncEntry(".env", ""),)


def test_a_bad_path_in_the_environment_names_the_variable() -> None:
    with pytest.raises(UsageError) as refused:
        _read(_LEAST, OKSTRA_WORKTREE_SYNC_DIRS="a:/etc")
    assert (refused.value.code, refused.value.where) == ("bad-sync-path", "OKSTRA_WORKTREE_SYNC_DIRS")
