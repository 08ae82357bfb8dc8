"""Run numbers: counted in the phase's folder, and claimed by the exclusive creation of one file."""

from __future__ import annotations

import os

from ..names import format_seq, number_in
from ..paths import RunFiles, TaskFiles, seq_claim_name
from ..system import files as fsio


def claim_run(task: TaskFiles, task_type: str, stage: int | None = None) -> RunFiles:
    """Claims the next run number of a phase (and stage); two runs never share one. Raises WorkFailed."""
    folder = os.path.join(task.run_dir(task_type, stage), "state")
    fsio.make_folder(folder)
    seq = next_seq(task, task_type, stage)
    while not fsio.claim(os.path.join(folder, seq_claim_name(format_seq(seq)))):
        seq = _next_free(task, task_type, stage, seq + 1)
    return task.run(task_type, seq, stage)


def next_seq(task: TaskFiles, task_type: str, stage: int | None = None) -> int:
    """The number that the next run would get; a number whose report already exists is skipped."""
    prefix = seq_claim_name("")
    try:
        names = os.listdir(os.path.join(task.run_dir(task_type, stage), "state"))
    except OSError:
        names = []
    numbers = [number_in(name[len(prefix) :]) for name in names if name.startswith(prefix)]
    return _next_free(task, task_type, stage, max((number for number in numbers if number is not None), default=0) + 1)


def _next_free(task: TaskFiles, task_type: str, stage: int | None, seq: int) -> int:
    while os.path.lexists(task.run(task_type, seq, stage).report):
        seq += 1
    return seq


def discard_run_files(run: RunFiles) -> None:
    """Removes what a run wrote before its manifest, incomplete files included; its logs and number stay."""
    for folder in ("manifests", "prompts", "state"):
        try:
            names = os.listdir(run.folder(folder))
        except OSError:
            continue
        for name in names:
            if f"-{run.seq}." in name:
                fsio.discard(os.path.join(run.folder(folder), name))
