"""Who uses one machine pays nothing for claims between machines: nothing of it is loaded, asked or written."""

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
sys.stdout.flush()
print("\\n---", status, *sorted(name for name in sys.modules if name.startswith("okstra_ctl.remote")))
"""


def _loaded(project: Project, *args: str) -> list[str]:
    environment = {**project.okstra.environment, "OKSTRA_TRUST": ""}
    words = [sys.executable, "-I", "-c", _CALL, *args]
    done = subprocess.run(words, cwd=project.repo.path, env=environment, capture_output=True, text=True, timeout=60)
    status, *modules = done.stdout.rpartition("\n--- ")[2].split()
    assert status == "0", done
    return modules


def test_without_claims_nothing_of_them_is_loaded_or_written(project: Project) -> None:
    plan = project.adopt({1: (), 2: ()})
    started = project.run_stage()
    run = started.data["run_id"]
    project.work(started)
    for command in (
        project.run_args(),
        ("stage", "list", "--plan", plan),
        ("next",),
        ("stage", "done", "--run", run),
        ("integrate", "--task-key", project.task_key),
        ("reconcile",),
        ("gc", "--dry-run"),
    ):
        assert _loaded(project, *command) == [], command
    assert not (project.home / "machine-id").exists() and not (project.home / "remotes").exists()
