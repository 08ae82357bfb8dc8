"""The registry file: read without a lock, changed inside a transaction."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from okstra_ctl.claims.registry import Registry
from okstra_ctl.claims.registry_document import TaskClaim
from okstra_ctl.errors import Missing, Unreadable
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.names import TaskKey
from okstra_ctl.services import ensure_home, locate_home
from okstra_ctl.status import ClaimStatus
from okstra_ctl.system.locks import LockKind, locked_kinds

_KEY = TaskKey("p", "g", "1")
_CLAIM = TaskClaim("/wt", "feat-1", "c", "/p", ClaimStatus.ACTIVE, "2026-01-01T00:00:00Z")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    home = HomePaths(str(tmp_path))
    ensure_home(home)
    return Registry(home)


def test_no_file_is_an_empty_registry(registry: Registry) -> None:
    assert list(registry.read().tasks()) == []
    assert not Path(registry.path).exists()


def test_a_transaction_is_written_when_it_ends(registry: Registry) -> None:
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
        assert registry.read().task(_KEY) is None
        assert locked_kinds() == (LockKind.REGISTRY,)
    assert registry.read().task(_KEY) == _CLAIM
    assert locked_kinds() == ()


def test_a_transaction_that_fails_writes_nothing(registry: Registry) -> None:
    with pytest.raises(ZeroDivisionError):
        with registry.transaction() as doc:
            doc.put_task(_KEY, _CLAIM)
            raise ZeroDivisionError
    assert registry.read().task(_KEY) is None


def test_a_transaction_without_a_change_does_not_touch_the_file(registry: Registry) -> None:
    with registry.transaction():
        pass
    assert not Path(registry.path).exists()
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    before = Path(registry.path).stat()
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    after = Path(registry.path).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_hand_edited_layout_stays_until_something_changes(registry: Registry) -> None:
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    path = Path(registry.path)
    lined = path.read_bytes()
    path.write_text(json.dumps(json.loads(lined), indent=4))
    edited = path.read_bytes()
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    assert path.read_bytes() == edited
    with registry.transaction() as doc:
        doc.remove_task(_KEY)
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    assert path.read_bytes() == lined


def test_two_processes_registries_see_each_others_changes(registry: Registry, tmp_path: Path) -> None:
    """Each keeps what it read: never longer than the file stands."""
    ours, theirs = registry, Registry(HomePaths(str(tmp_path)))
    for number in range(50):
        claim = _CLAIM._replace(created_at=f"{number:02d}")
        writer, reader = (ours, theirs) if number % 2 else (theirs, ours)
        with writer.transaction() as doc:
            before = doc.task(_KEY)
            assert before is None or before.created_at == f"{number - 1:02d}"
            doc.put_task(_KEY, claim)
        assert reader.read().task(_KEY) == writer.read().task(_KEY) == claim


def test_a_registry_that_became_unreadable_is_never_taken_for_what_it_was(registry: Registry) -> None:
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    path = Path(registry.path)
    path.unlink()
    path.mkdir()
    for _ in range(2):
        with pytest.raises(Unreadable):
            registry.read()
        with pytest.raises(Unreadable), registry.transaction():
            pass


def test_what_a_reader_does_to_its_copy_is_its_own_affair(registry: Registry) -> None:
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    registry.read().remove_task(_KEY)
    doc.remove_task(_KEY)
    assert registry.read().task(_KEY) == _CLAIM


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"schema": "worktree-registry/2", "tasks": {}, "stages": {}}', b"\xff" * 100]
)
def test_a_registry_that_cant_be_read_is_never_overwritten(registry: Registry, data: bytes) -> None:
    Path(registry.path).write_bytes(data)
    with pytest.raises(Unreadable) as read:
        registry.read()
    with pytest.raises(Unreadable) as changed:
        with registry.transaction() as doc:
            doc.put_task(_KEY, _CLAIM)
    for refused in (read.value, changed.value):
        assert (refused.code, refused.where) == ("registry-unreadable", registry.path)
        assert "okstra reconcile --rebuild" in refused.hint
    assert Path(registry.path).read_bytes() == data


def test_a_damaged_entry_met_inside_a_transaction_writes_nothing(registry: Registry) -> None:
    with registry.transaction() as doc:
        doc.put_task(_KEY, _CLAIM)
    damaged = Path(registry.path).read_bytes().replace(b'"active"', b'"activ"')
    Path(registry.path).write_bytes(damaged)
    with pytest.raises(Unreadable) as refused:
        with registry.transaction() as doc:
            doc.put_task(TaskKey("p", "g", "2"), _CLAIM)
            doc.task(_KEY)
    assert refused.value.code == "registry-unreadable"
    assert Path(registry.path).read_bytes() == damaged


# The home that it stands in


def test_the_home_is_where_the_environment_says(tmp_path: Path) -> None:
    assert locate_home({"OKSTRA_HOME": str(tmp_path), "HOME": "/h"}).root == str(tmp_path)
    assert locate_home({"OKSTRA_HOME": "", "HOME": "/h"}).root == "/h/.okstra"
    with pytest.raises(Missing, match="neither OKSTRA_HOME nor HOME"):
        locate_home({})


def test_a_home_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Missing) as missing:
        ensure_home(HomePaths(str(tmp_path / "file" / "home")))
    assert (missing.value.code, missing.value.where) == ("home-not-writable", str(tmp_path / "file" / "home"))
