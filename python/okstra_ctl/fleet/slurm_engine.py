"""Slurm as an engine, by its own commands. Its licenses may serve as tokens: `Licenses=claude:4` in slurm.conf.

The controller forgets a job some minutes after its end (`MinJobAge`); after that, `sacct` is asked, where there is one.
"""

from __future__ import annotations

import os

from ..errors import WorkFailed
from ..quoting import quote
from ..system import files, processes
from .fleet_file import SlurmSettings
from .job import Job, JobState, state_at_end

_TIMEOUT_SECONDS = 60
_MOST_OUTPUT = 64 * 1024
_WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"})
_RUNNING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING", "RESIZING"})
_UNKNOWN_JOB = "Invalid job id"


class SlurmEngine:
    pause = 5.0

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings

    def submit(self, job: Job) -> str:
        settings = self._settings
        licenses = ",".join(f"{provider}:1" for provider in job.providers) if settings.licenses else ""
        command = " ".join(map(quote, [settings.okstra, *job.words]))
        ended = self._ask(
            "sbatch",
            "--parsable",
            "--no-requeue",  # okstra decides what is done again
            "--export=NONE",  # a node has keys of its own
            f"--job-name={job.name}",
            f"--chdir={settings.folder}",
            f"--output={self._output_of('%j')}",
            *([f"--licenses={licenses}"] if licenses else []),
            *settings.options,
            f"--wrap=exec {command}",
        )
        return ended.partition(";")[0].strip()  # with the cluster's name behind it, where there are several

    def state(self, handle: str) -> JobState:
        """Raises WorkFailed (`fleet-unreachable`)."""
        asked = processes.run(
            ["squeue", "--noheader", "--states=all", f"--jobs={handle}", "--Format=State:20,exit_code:12"],
            timeout=_TIMEOUT_SECONDS,
        )
        words = asked.stdout.decode("utf-8", "replace").split()
        if not asked.ok and _UNKNOWN_JOB not in asked.complaint:
            raise _unreachable("squeue", asked.complaint)
        if len(words) < 2:
            return self._remembered(handle)
        wait_status = int(words[1]) if words[1].isdigit() else 0
        return _state_of(words[0], wait_status >> 8 if wait_status > 255 else -wait_status)

    def _remembered(self, handle: str) -> JobState:
        """By the accounting; lost where it knows nothing: then the ledger alone says what became of the stage."""
        asked = processes.run(
            ["sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={handle}", "--format=State,ExitCode"],
            timeout=_TIMEOUT_SECONDS,
        )
        state, _, code = asked.stdout.decode("utf-8", "replace").strip().partition("|")
        number = code.partition(":")[0]
        return _state_of(state.split(" ")[0], int(number) if number.isdigit() else 0) if asked.ok else JobState.LOST

    def cancel(self, handle: str) -> None:
        self._ask("scancel", handle)

    def output(self, handle: str) -> str:
        return files.read_tail(self._output_of(handle), _MOST_OUTPUT).decode("utf-8", "replace")

    def nodes(self) -> list[tuple[str, int, int]]:
        return []  # `sinfo` says more than okstra needs

    def close(self) -> None:
        """Nothing stays open."""

    def _output_of(self, handle: str) -> str:
        return os.path.join(self._settings.output, f"okstra-{handle}.txt")

    def _ask(self, *command: str) -> str:
        ended = processes.run(command, timeout=_TIMEOUT_SECONDS)
        if not ended.ok:
            raise _unreachable(command[0], ended.complaint)
        return ended.stdout.decode("utf-8", "replace")


def _state_of(word: str, status: int) -> JobState:
    if word in _WAITING:
        return JobState.WAITING
    if word in _RUNNING:
        return JobState.RUNNING
    if word in ("COMPLETED", "FAILED"):
        return state_at_end(status)
    return JobState.LOST  # cancelled, preempted, out of time or memory, or with its node


def _unreachable(program: str, complaint: str) -> WorkFailed:
    hint = "sinfo shows whether Slurm is there; what stages are done stays done, and the same command goes on"
    return WorkFailed("fleet-unreachable", f"{program}: {complaint}", hint=hint)
