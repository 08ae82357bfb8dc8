"""Words with which every command that changes something can be called, by its label."""

from __future__ import annotations

from .sealed import ROOT

OKSTRA = str(ROOT / "bin" / "okstra")


def words_of(run: str, stage_run: str, plan: str, task_key: str) -> dict[str, list[str]]:
    """`run` is any run, `stage_run` one that holds a stage of the plan."""
    stage = f"{task_key}#stage-1"
    new_run = ["--task-key", task_key, "--task-type", "error-analysis", "--render-only", "--yes"]
    return {
        "setup": ["setup", "--project-id", "other", "--yes"],
        "trust": ["trust", "--yes"],
        "config set": ["config", "set", "convergence.quorum", "1"],
        "config unset": ["config", "unset", "maxParallelWorkers"],
        "memory add": ["memory", "add", "--title", "A note", "--text", "of a worker"],
        "memory remove": ["memory", "remove", "a-note"],
        "brief new": ["brief", "new", "--title", "A task", "--task-key", "demo:core:T-9"],
        "run": ["run", *new_run],
        "wizard init": ["wizard", "init"],
        "wizard step": ["wizard", "step", "--state", "/nowhere", "--answer", "1"],
        "batch": ["batch", "--task-key", task_key, "--with=--render-only --task-type error-analysis"],
        "rerun": ["rerun", stage_run, "--render-only"],
        "resume": ["resume", run],
        "report render": ["report", "render", run],
        "worker exec": ["worker", "exec", "rehearsal", ".", "rehearsal", "/nowhere", ".", "analyst"],
        "followups spawn": ["followups", "spawn", run, "--all"],
        "followups dismiss": ["followups", "dismiss", run, "--item", "FU-001", "--reason", "no"],
        "plan approve": ["plan", "approve", plan, "--yes"],
        "plan adopt": ["plan", "adopt", plan, "--task-key", task_key],
        "stage done": ["stage", "done", "--run", stage_run, "--no-change", "nothing to do"],
        "stage release": ["stage", "release", "--force", "--run", stage_run],
        "integrate": ["integrate", "--task-key", task_key],
        "handoff": ["handoff", task_key, "--yes"],
        "worktree remove": ["worktree", "remove", "--force", stage],
        "worktree restore": ["worktree", "restore", stage],
        "reconcile": ["reconcile", "--apply"],
        "backfill": ["backfill"],
        "gc": ["gc"],
        "install": ["install"],
        "uninstall": ["uninstall", "--purge", "--yes"],
    }
