"""Playing stages of the corpus: each is prepared, committed, and handed to `okstra stage done`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .okstra import Project
from .stage_corpus import IGNORED, Sample, filled, plan_of


class Verdict(NamedTuple):
    """What became of a stage. `alone`: whether its exit check was green where the executor worked, which is all that
    its word would be believed by."""

    sample: Sample
    alone: bool
    outcome: str
    done: bool
    said: str

    @property
    def right(self) -> bool:
        return self.outcome in self.sample.expected and self.done is self.sample.sound


def play(project: Project, samples: Sequence[Sample]) -> list[Verdict]:
    """The samples as stages of one plan of the project, one after the other."""
    main = str(project.repo.path)
    base: dict[str, str] = {".gitignore": IGNORED}
    for sample in samples:
        base |= filled(sample.base, sample, main)
    project.repo.commit(base, "feat: what was there")
    plan = project.adopt_text(plan_of(samples))
    found = [_play(project, number, sample, main) for number, sample in enumerate(samples, 1)]
    listed = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    states = {stage["stage"]: stage["status"] == "done" for stage in listed}
    assert [one.done for one in found] == [states[number] for number in range(1, len(samples) + 1)]
    return found


def _play(project: Project, number: int, sample: Sample, main: str) -> Verdict:
    run = project.run_stage(str(number))
    assert run.status == 0, run
    at = Path(run.data["worktree"]["path"])
    project.repo.commit(filled(sample.work, sample, main), f"feat: {sample.name}", at=at)
    for name, text in filled(sample.lying, sample, main).items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(text, encoding="utf-8")
    own = subprocess.run(["bash", "-c", sample.check], cwd=at, env=project.okstra.environment, capture_output=True)
    ended = project.okstra("stage", "done", "--run", run.data["run_id"], "--json")
    record = json.loads((Path(run.data["run_dir"]) / "state" / "exit-check-001.json").read_text())
    said = "" if ended.status == 0 else ended.envelope["errors"][0]["message"]
    return Verdict(sample, own.returncode == 0, record["proof"]["outcome"], ended.status == 0, said)
