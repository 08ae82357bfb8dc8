"""Who uses one machine pays nothing for claims between machines: nothing of it is loaded, asked or written."""

from __future__ import annotations

from support.loaded import loaded
from support.okstra import Project

_OF_SHARING = ("okstra_ctl.remote", "okstra_ctl.sharing.claims", "okstra_ctl.sharing.view")


def test_without_claims_nothing_of_them_is_loaded_or_written(project: Project) -> None:
    plan = project.adopt({1: (), 2: ()})
    started = project.run_stage()
    run = started.data["run_id"]
    project.work(started)
    for command, needed in (
        (project.run_args(), "okstra_ctl.stages.claim"),
        (("stage", "list", "--plan", plan), "okstra_ctl.stages.select"),
        (("stage", "list", project.task_key), "okstra_ctl.stages.select"),
        (("next",), "okstra_ctl.history.schedule"),
        (("stage", "done", "--run", run), "okstra_ctl.stages.done"),
        (("integrate", "--task-key", project.task_key), "okstra_ctl.stages.shared_integration"),
        (("reconcile",), "okstra_ctl.recovery.survey"),
        (("gc", "--dry-run"), "okstra_ctl.gc.sweep"),
    ):
        modules = loaded(project, *command, quiet=False, OKSTRA_TRUST="")
        assert needed in modules, command
        assert [name for name in modules if name.startswith(_OF_SHARING)] == [], command
    assert not (project.home / "machine-id").exists() and not (project.home / "remotes").exists()
