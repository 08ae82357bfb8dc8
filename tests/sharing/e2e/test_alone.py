"""Whoever shares nothing pays nothing: no import of `remote/`, no folder for it, no machine id."""

from __future__ import annotations

import subprocess
import sys

from support.okstra import Project
from support.sealed import ROOT

_CALL = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
from okstra_ctl.__main__ import main
status = main()
print("\\n---", status, *sorted(name for name in sys.modules if name.startswith("okstra_ctl.")))
"""


def _loaded(project: Project, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CALL, *words],
        cwd=project.repo.path,
        env=project.okstra.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    status, *modules = done.stdout.rpartition("\n--- ")[2].split()
    assert status == "0", done
    return modules


def test_a_project_that_shares_nothing_loads_nothing_of_remotes(project: Project) -> None:
    project.adopt({1: ()})
    for words, expected in (
        (project.run_args(), "okstra_ctl.stages.claim"),
        (("stage", "list", project.task_key), "okstra_ctl.stages.select"),
        (("integrate", project.task_key, "--forecast"), "okstra_ctl.stages.shared_integration"),
    ):
        loaded = _loaded(project, *words)
        assert expected in loaded
        heavy = ("okstra_ctl.remote", "okstra_ctl.sharing.claims", "okstra_ctl.sharing.view")
        assert [name for name in loaded if name.startswith(heavy)] == []
    assert not (project.home / "remotes").exists()
    assert not (project.home / "machine-id").exists()
