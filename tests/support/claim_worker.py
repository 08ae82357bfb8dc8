"""A process that takes and gives back stages in a loop, and logs what it held and when.

Started as a script: `claim_worker.py PROJECT_ROOT LOG COUNT [PATIENT]`. While it holds a stage it also holds a
file of its own beside its log, made exclusively: a second owner fails there, whatever okstra believes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from okstra_ctl.errors import Refused
from okstra_ctl.run import PreparedRun, PrepareInputs, prepare_task_bundle
from okstra_ctl.runs.find import find_run
from okstra_ctl.services import Services, open_services
from okstra_ctl.stages.claim import release_stage
from okstra_ctl.stages.done import finish_stage
from okstra_ctl.stages.exit_check import DoneOverrides
from okstra_ctl.worktrees.remove import remove_worktree
from okstra_ctl.worktrees.unsaved import SavePolicy

_MOMENT = 0.005


def take(inputs: PrepareInputs, services: Services, *, patient: bool) -> PreparedRun:
    """A stage of one's own. The patient wait while all are taken; the others may always expect one."""
    while True:
        try:
            return prepare_task_bundle(inputs, services)
        except Refused as refused:
            if not patient or refused.code != "no-stage-ready":
                raise
            time.sleep(_MOMENT)


@contextmanager
def held_alone(folder: str, stage: int) -> Iterator[None]:
    """Raises FileExistsError when another process believes that it holds the stage."""
    path = os.path.join(folder, f"stage-{stage}.held")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    yield
    os.unlink(path)


def work(root: str, log_path: str, count: int, *, patient: bool) -> None:
    services = open_services()
    inputs = PrepareInputs(root, "demo", "core", "T-1", "implementation")
    with open(log_path, "w", encoding="utf-8", buffering=1) as log:
        for turn in range(1, count + 1):
            prepared = take(inputs, services, patient=patient)
            taken_at = time.monotonic()
            stage = prepared.run.stage or 0
            with held_alone(os.path.dirname(log_path), stage):
                run = find_run(str(prepared.run), root, services)
                warnings = list(prepared.warnings)
                given_back_at = time.monotonic()
            if turn == count:  # the last one is done, and its worktree removed: the stage is nobody's any more
                warnings += finish_stage(run, DoneOverrides(no_change="a test"), services).warnings
                if prepared.run.stage_key is not None:
                    remove_worktree(prepared.run.stage_key, services, policy=SavePolicy(force=False))
            else:
                warnings += release_stage(run, services, force=False).warnings
            row = {
                "stage": stage,
                "epoch": prepared.epoch,
                "run_id": str(prepared.run),
                "held": [taken_at, given_back_at],
                "end": "done" if turn == count else "released",
                "took": time.monotonic() - given_back_at,
                "repaired": list(prepared.repaired),
                "warnings": warnings,
            }
            log.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]), patient="PATIENT" in sys.argv[4:])
