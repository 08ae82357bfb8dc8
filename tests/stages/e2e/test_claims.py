"""Processes that take and give back the stages of one task in a loop: no stage has two owners, no row is lost."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import figures, index_file, invariants
from support.okstra import Project
from support.plans import independent
from support.sealed import ROOT

WORKER = ROOT / "tests" / "support" / "claim_worker.py"


class Race(NamedTuple):
    """How many processes, how often each, on how many stages."""

    workers: int
    turns: int
    stages: int


def play(project: Project, folder: Path, race: Race, *, seconds: float) -> list[dict[str, Any]]:
    """Lets the processes run to their end; answers what they logged. All start before any is waited for."""
    project.adopt(independent(race.stages))
    assert project.run_phase().status == 0, "the task worktree is there before the race"
    patient = ["PATIENT"] if race.stages < race.workers else []
    logs = [folder / f"worker-{number}.jsonl" for number in range(race.workers)]
    environment = {**project.okstra.environment, "PYTHONPATH": str(ROOT / "python")}
    processes = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(project.repo.path), str(log), str(race.turns), *patient],
            cwd=project.repo.path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for log in logs
    ]
    deadline = time.monotonic() + seconds
    try:
        said = [process.communicate(timeout=max(1.0, deadline - time.monotonic()))[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * race.workers, "\n".join(filter(None, said))
    return [json.loads(line) for log in logs for line in log.read_text().splitlines()]


def check(project: Project, race: Race, held: Sequence[dict[str, Any]]) -> None:
    assert len(held) == race.workers * race.turns
    assert [row for row in held if row["warnings"] or row["repaired"]] == []
    _check_one_owner_at_a_time(held)
    _check_epochs(held)
    _check_ledger(project, held)
    assert project.registry["stages"] == {}
    left = {branch for branch in project.repo.branches() if branch.startswith("feat-t-1-s")}
    assert len(left) == len(held), "each hold had a branch of its own"
    invariants.check(project, left_branches=left)


def _check_one_owner_at_a_time(held: Sequence[dict[str, Any]]) -> None:
    """The time that a worker logged lies inside the time that it held the stage: so these must not overlap."""
    by_stage = defaultdict(list)
    for row in held:
        by_stage[row["stage"]].append(row)
    for stage, rows in by_stage.items():
        rows.sort(key=lambda row: float(row["held"][0]))
        for before, after in itertools.pairwise(rows):
            assert before["held"][1] < after["held"][0], f"stage {stage} was held twice: {before} {after}"
            assert before["epoch"] < after["epoch"], f"stage {stage}: an epoch went back: {before} {after}"


def _check_epochs(held: Sequence[dict[str, Any]]) -> None:
    given = Counter((row["stage"], row["epoch"]) for row in held)
    assert [one for one, count in given.items() if count > 1] == []
    for stage in {stage for stage, _ in given}:
        epochs = sorted(epoch for of, epoch in given if of == stage)
        assert epochs == list(range(1, len(epochs) + 1)), f"stage {stage}"


def _check_ledger(project: Project, held: Sequence[dict[str, Any]]) -> None:
    """Each hold has its two rows; no row is there twice, none is of nobody."""
    ids = Counter(row["id"] for row in project.ledger)
    expected = {f"{row['run_id']}@{row['epoch']}:{status}" for row in held for status in ("started", row["end"])}
    assert expected - ids.keys() == set(), "lost rows"
    assert ids.keys() - expected == set(), "rows of nobody"
    assert [one for one, count in ids.items() if count > 1] == []
    copy = (project.repo.path / ".okstra" / "discovery" / "runs.jsonl").read_text().splitlines()
    told = {(row["run_id"], row["event"]) for row in map(json.loads, copy)}
    assert {row["run_id"] for row in held} <= {row["run_id"] for row in index_file.rows(project.home)}
    assert {(row["run_id"], event) for row in held for event in ("prepared", row["end"])} <= told


def test_4_processes_15_times_each(project: Project, tmp_path: Path) -> None:
    """As many stages as processes: whoever wants one finds one, so nobody is refused."""
    race = Race(workers=4, turns=15, stages=4)
    check(project, race, play(project, tmp_path, race, seconds=110))


@pytest.mark.stress
def test_8_processes_1000_times_each(project: Project, tmp_path: Path) -> None:
    race = Race(workers=8, turns=1000, stages=8)
    begin = time.monotonic()
    held = play(project, tmp_path, race, seconds=3600)
    took = time.monotonic() - begin
    check(project, race, held)
    told = (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores: {race.workers} processes × {race.turns:,} claims on "
        f"{race.stages} stages: {len(held):,} claims and as many ends in {took:.0f} s, {len(held) / took:.1f} a "
        "second; stages with two owners 0, failed for another's sake 0, rows lost 0, rows written twice 0."
    )
    print(told)
    figures.keep("claims", lambda _: told)
