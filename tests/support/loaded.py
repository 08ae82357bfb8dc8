"""What a command loads: modules cost every call their time, and none is to be loaded for what it does not do."""

from __future__ import annotations

import subprocess
import sys

from .okstra import Project
from .sealed import ROOT

_CALL = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
before = set(sys.modules)
from okstra_ctl.__main__ import main
status = main()
sys.stdout.flush()
print("\\n---", status, *sorted(set(sys.modules) - before))
"""


def loaded(project: Project, *words: str, quiet: bool = True, **environment: str) -> set[str]:
    """The modules that the command loads beside those that Python starts with. It must succeed; `quiet`: without a
    message."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CALL, *words],
        cwd=project.repo.path,
        env={**project.okstra.environment, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    status, *modules = done.stdout.rpartition("\n--- ")[2].split()
    assert status == "0" and not (quiet and done.stderr), done
    return set(modules)
