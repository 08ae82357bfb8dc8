"""Every path inside a project's `.okstra`, in one place (docs/formats.md)."""

from __future__ import annotations

import os
from typing import NamedTuple

from .names import IMPLEMENTATION, PLANNING, RunId, TaskKey, format_seq

OKSTRA_DIR = ".okstra"


class ProjectFiles(NamedTuple):
    """What lies in `<project>/.okstra` and belongs to no single task."""

    root: str

    @property
    def okstra_dir(self) -> str:
        return os.path.join(self.root, OKSTRA_DIR)

    @property
    def config(self) -> str:
        return os.path.join(self.okstra_dir, "project.json")

    @property
    def local_config(self) -> str:
        """What holds for this clone alone; git does not see it."""
        return os.path.join(self.okstra_dir, "project.local.json")

    @property
    def gitignore(self) -> str:
        return os.path.join(self.okstra_dir, ".gitignore")

    @property
    def task_catalog(self) -> str:
        return os.path.join(self.okstra_dir, "discovery", "task-catalog.json")

    @property
    def latest_task(self) -> str:
        return os.path.join(self.okstra_dir, "discovery", "latest-task.json")

    @property
    def runs(self) -> str:
        """The project's own copy of its rows of the index."""
        return os.path.join(self.okstra_dir, "discovery", "runs.jsonl")

    @property
    def lock(self) -> str:
        return os.path.join(self.okstra_dir, "discovery", ".lock")

    @property
    def tasks_dir(self) -> str:
        return os.path.join(self.okstra_dir, "tasks")

    def task(self, key: TaskKey) -> TaskFiles:
        return TaskFiles(os.path.join(self.tasks_dir, key.group_segment, key.id_segment))


class TaskFiles(NamedTuple):
    """What belongs to one task; `root` is `tasks/<group>/<id>`."""

    root: str

    def plan_here(self, path: str) -> str:
        """A plan of the task by where the task stands now: a record may name the place from which it was moved."""
        return os.path.join(self.plans_dir, os.path.basename(path)) if path else ""

    @property
    def manifest(self) -> str:
        return os.path.join(self.root, "task-manifest.json")

    @property
    def page(self) -> str:
        return os.path.join(self.root, "task-index.md")

    @property
    def timeline(self) -> str:
        return os.path.join(self.root, "history", "timeline.jsonl")

    @property
    def follow_ups(self) -> str:
        return os.path.join(self.root, "history", "follow-ups.jsonl")

    @property
    def brief(self) -> str:
        """The request of a task that okstra made itself."""
        return os.path.join(self.root, "brief.md")

    @property
    def fix_cycles(self) -> str:
        return os.path.join(self.root, "history", "fix-cycles.jsonl")

    @property
    def pull_request(self) -> str:
        """What was taken of the task's pull request, and answered there."""
        return os.path.join(self.root, "history", "pull-request.jsonl")

    def review_brief(self, number: int) -> str:
        """The brief of what a pull request asks for."""
        return os.path.join(self.root, "pull-request", f"review-{number:03d}.md")

    @property
    def instruction_set(self) -> str:
        return os.path.join(self.root, "instruction-set")

    @property
    def consumers(self) -> str:
        """The ledger of the task's plans."""
        return os.path.join(self.run_dir(PLANNING), "consumers.jsonl")

    @property
    def plans_dir(self) -> str:
        return os.path.join(self.run_dir(PLANNING), "reports")

    def fetched(self, run: str) -> str:
        """The folder of a run's records that came from another machine, for reading."""
        return os.path.join(self.root, "fetched", run)

    def run_dir(self, task_type: str, stage: int | None = None) -> str:
        """`runs/<task-type>`, and for an implementation stage `runs/implementation/stage-<N>`."""
        base = os.path.join(self.root, "runs", task_type)
        return os.path.join(base, f"stage-{stage}") if task_type == IMPLEMENTATION and stage is not None else base

    def run(self, task_type: str, seq: int, stage: int | None = None) -> RunFiles:
        return RunFiles(self.run_dir(task_type, stage), task_type, format_seq(seq))

    def run_of(self, run: RunId) -> RunFiles:
        return self.run(run.task_type, run.seq, run.stage)


class RunFiles(NamedTuple):
    """What one run writes; `dir` is shared by the runs of one phase (and stage), told apart by `seq`."""

    dir: str
    task_type: str
    seq: str

    def folder(self, name: str) -> str:
        return os.path.join(self.dir, name)

    def _named(self, folder: str, stem: str, suffix: str) -> str:
        return os.path.join(self.dir, folder, f"{stem}-{self.task_type}-{self.seq}{suffix}")

    @property
    def manifest(self) -> str:
        return self._named("manifests", "run-manifest", ".json")

    @property
    def launch_prompt(self) -> str:
        return self._named("prompts", "launch", ".md")

    @property
    def run_context(self) -> str:
        return os.path.join(self.dir, "state", f"run-context-{self.seq}.json")

    @property
    def team_state(self) -> str:
        return os.path.join(self.dir, "state", f"team-state-{self.seq}.json")

    @property
    def convergence(self) -> str:
        return os.path.join(self.dir, "state", f"convergence-{self.seq}.json")

    @property
    def events(self) -> str:
        return os.path.join(self.dir, "state", f"events-{self.seq}.jsonl")

    @property
    def report_draft(self) -> str:
        return os.path.join(self.dir, "state", f"report-draft-{self.seq}.json")

    @property
    def isolation(self) -> str:
        return os.path.join(self.dir, "state", f"isolation-{self.seq}.json")

    @property
    def guard_rules(self) -> str:
        return os.path.join(self.dir, "state", f"guard-{self.seq}.json")

    @property
    def guard_hooks(self) -> str:
        """The folder of git hooks that the run's agents get."""
        return os.path.join(self.dir, "state", f"guard-hooks-{self.seq}")

    @property
    def drops(self) -> str:
        """Where the run's workers leave their results, each in a folder of its own."""
        return os.path.join(self.dir, f"drops-{self.seq}")

    @property
    def qa(self) -> str:
        return os.path.join(self.dir, "state", f"qa-{self.seq}.json")

    @property
    def evidence(self) -> str:
        """The commands that workers cited, as okstra ran them."""
        return os.path.join(self.dir, "state", f"evidence-{self.seq}.json")

    @property
    def exit_check(self) -> str:
        return os.path.join(self.dir, "state", f"exit-check-{self.seq}.json")

    @property
    def report_data(self) -> str:
        return self._named("reports", "final-report", ".data.json")

    @property
    def report(self) -> str:
        return self._named("reports", "final-report", ".md")

    @property
    def report_html(self) -> str:
        return self._named("reports", "final-report", ".html")

    @property
    def user_response(self) -> str:
        return self._named("user-responses", "user-response", ".md")

    def worker_prompt(self, worker: str) -> str:
        return self._named("prompts", f"{worker}-prompt", ".md")

    def worker_result(self, worker: str) -> str:
        return self._named("worker-results", f"{worker}-worker", ".md")

    def worker_answers(self, worker: str, label: str) -> str:
        """What a worker answers after its result: `label` is `round-<N>` or `plan-check`."""
        return self._named("worker-results", f"{worker}-{label}", ".md")

    def extra_prompt(self, worker: str, label: str) -> str:
        return self._named("prompts", f"{worker}-{label}", ".md")

    def repair_prompt(self, worker: str, label: str, attempt: int) -> str:
        """What follows on an invalid result of that attempt; there only if a repair follows."""
        return self.extra_prompt(worker, f"{label}-repair-{attempt}" if label else f"repair-{attempt}")

    def worker_audit(self, worker: str) -> str:
        return self._named("worker-results", f"{worker}-worker-audit", ".md")

    def log(self, name: str) -> str:
        return os.path.join(self.dir, "logs", f"{name}-{self.seq}.log")

    def worker_log(self, worker: str, label: str, attempt: int) -> str:
        """What a worker's client printed in one dispatch; `label` is empty for its own result."""
        return self.log("-".join(filter(None, [worker, label, str(attempt) if attempt > 1 else ""])))

    def git_trace(self, worker: str) -> str:
        """The folder of what git traced of a worker's commands."""
        return os.path.join(self.dir, "logs", f"git-{worker}-{self.seq}")

    @property
    def errors(self) -> str:
        return os.path.join(self.dir, "logs", f"errors-{self.seq}.jsonl")


def seq_claim_name(seq: str) -> str:
    """The file whose exclusive creation gives a run its number."""
    return f"seq-{seq}"


def compute_run_paths(
    *,
    project_root: str | os.PathLike[str],
    workspace_root: str | os.PathLike[str],
    project_id: str,
    task_group: str,
    task_id: str,
    task_type: str,
    run_seq_override: int | None = None,
    stage: int | None = None,
) -> dict[str, str]:
    """Names of a run's paths to strings. Pure: without `run_seq_override` the number is 001.

    `workspace_root` is the folder of okstra's own prompts and templates. `stage` counts for
    `implementation` alone. Raises UsageError (`bad-identity`).
    """
    key = TaskKey.make(project_id, task_group, task_id)
    run = RunId(key, task_type, stage if task_type == IMPLEMENTATION else None, run_seq_override or 1)
    project = ProjectFiles(os.fspath(project_root))
    task = project.task(key)
    return {
        "PROJECT_ROOT": project.root,
        "PROJECT_ID": project_id,
        "WORKSPACE_ROOT": os.fspath(workspace_root),
        "PROJECT_JSON_PATH": project.config,
        "TASK_CATALOG_PATH": project.task_catalog,
        "LATEST_TASK_PATH": project.latest_task,
        "TASK_KEY": str(key),
        "TASK_GROUP": task_group,
        "TASK_ID": task_id,
        "TASK_GROUP_SEGMENT": key.group_segment,
        "TASK_ID_SEGMENT": key.id_segment,
        "TASK_TYPE": task_type,
        "TASK_ROOT": task.root,
        "TASK_MANIFEST_PATH": task.manifest,
        "TASK_INDEX_PATH": task.page,
        "TIMELINE_PATH": task.timeline,
        "FIX_CYCLES_PATH": task.fix_cycles,
        "INSTRUCTION_SET_DIR": task.instruction_set,
        "CONSUMERS_PATH": task.consumers,
        "RUN_ID": str(run),
        "RUN_STAGE": str(run.stage) if run.stage is not None else "",
        **_names_of_run(task.run_of(run)),
    }


def _names_of_run(run: RunFiles) -> dict[str, str]:
    return {
        "RUN_SEQ": run.seq,
        "RUN_DIR": run.dir,
        "RUN_MANIFESTS_DIR": run.folder("manifests"),
        "RUN_PROMPTS_DIR": run.folder("prompts"),
        "RUN_STATE_DIR": run.folder("state"),
        "RUN_WORKER_RESULTS_DIR": run.folder("worker-results"),
        "RUN_LOGS_DIR": run.folder("logs"),
        "RUN_REPORTS_DIR": run.folder("reports"),
        "RUN_USER_RESPONSES_DIR": run.folder("user-responses"),
        "RUN_MANIFEST_PATH": run.manifest,
        "LAUNCH_PROMPT_PATH": run.launch_prompt,
        "RUN_CONTEXT_PATH": run.run_context,
        "TEAM_STATE_PATH": run.team_state,
        "CONVERGENCE_PATH": run.convergence,
        "EVENTS_PATH": run.events,
        "ERRORS_PATH": run.errors,
        "QA_PATH": run.qa,
        "REPORT_DRAFT_PATH": run.report_draft,
        "FINAL_REPORT_DATA_PATH": run.report_data,
        "FINAL_REPORT_PATH": run.report,
        "FINAL_REPORT_HTML_PATH": run.report_html,
        "USER_RESPONSE_PATH": run.user_response,
    }
