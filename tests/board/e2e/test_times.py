"""Times on the board are the person's own, at the terminal and on the page; JSON keeps UTC."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.board.terminal import drawn_once
from okstra_ctl.commands.board import write_page
from okstra_ctl.home_paths import HomePaths
from support.boards import board, run, worker
from support.okstra import Project


@pytest.fixture
def in_seoul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "KST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_every_time_is_local_and_the_boards_own_names_the_zone(in_seoul: None, tmp_path: Path) -> None:
    stalled = worker("claude", state="running", attempt=1, stalled_since="2026-11-23T15:19:00Z")
    waiting = worker("codex", state="quota", attempt=1, again_at="2026-11-23T18:00:00Z")
    made = board("text", run()._replace(workers=(stalled, waiting)))
    path = tmp_path / "board.html"
    write_page(str(path), made, HomePaths(str(tmp_path / "home")), language="en", every=0)
    drawn = drawn_once(made, io.TextIOWrapper(io.BytesIO(), "utf-8"), {"COLUMNS": "160", "NO_COLOR": "1"})
    for shown in (path.read_text(), drawn):
        assert "2026-11-24 00:20 KST" in shown
        assert "2026-11-24 00:19" in shown and "2026-11-24 03:00" in shown
    assert "T15:19:00Z" not in path.read_text() and "T18:00:00Z" not in path.read_text()
    assert made.to_json()["projects"][0]["tasks"][0]["runs"][0]["workers"][1]["again_at"] == "2026-11-23T18:00:00Z"


def test_the_page_is_written_in_the_zone_of_who_calls(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "board.html"
    at = project.okstra.ok("board", "--html", path, "--json", TZ="XYZ-9").data["at"]
    page = path.read_text()
    assert f'<time datetime="{at}">' in page and " XYZ</time>" in page
