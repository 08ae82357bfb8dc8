"""One browser for each test of a page. Where there is none the tests are skipped, and say how to get it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.chromium import Chromium, find
from support.reports import page

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def program() -> str:
    found = find()
    if found is None:
        told = "no Chromium: install one (Debian: apt-get install chromium), or name it with OKSTRA_CHROMIUM"
        if os.environ.get("OKSTRA_NEED_CHROMIUM"):
            pytest.fail(told)
        pytest.skip(told)
    return found


@pytest.fixture(scope="module")
def chromium(program: str) -> Iterator[Chromium]:
    browser = Chromium(program)
    yield browser
    browser.close()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the page of a report's data."""

    def written(data: dict[str, Any], **options: Any) -> Path:
        path = tmp_path / "report.html"
        path.write_text(page(data, **options), encoding="utf-8")
        return path

    return written


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Said at the end too: what was not looked at must not look like what was."""
    if find() is None:
        terminalreporter.write_line("browser tests were skipped: no Chromium on the PATH", yellow=True)
