"""The benchmarks can be begun at all: what they import of the tests is where they look for it."""

from __future__ import annotations

import subprocess
import sys

from support.sealed import ROOT


def test_every_row_of_the_benchmarks_can_be_named() -> None:
    listed = subprocess.run([sys.executable, ROOT / "bench" / "run.py", "--list"], capture_output=True, text=True)
    assert listed.returncode == 0, listed.stderr
    assert {"led", "claim", "fleet-2"} <= {line.split()[0] for line in listed.stdout.splitlines()}
