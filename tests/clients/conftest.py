"""The real clients, each in a laboratory of its own; `make clients` fetches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .install import NAMES, installed
from .lab import Lab


@pytest.fixture(params=NAMES)
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    return Lab(tmp_path, str(request.param))
