"""Starting a run: one, eight at once, among many reservations, after many runs."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from families import BEHIND, Family
from fillings import fill_ledger, fill_registry, fill_runs
from measure import Row, compare, settle
from scenes import OKSTRA, REQUEST, TASK, Scene, scene

from okstra_ctl.claims.registry import Registry
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.names import TaskKey

_ONE = {100: 4.0, 10_000: 1.0}
_EIGHT = {10_000: 0.9}
_CHOOSING = {10_000: 2.0}


def one_stage(files: int) -> Row:
    place, rounds = scene(files), 9 if files < 1_000 else 7
    place.plan(rounds + 1)
    settle()
    row = compare("", place.take_stage, "", place.bare_add, rounds=rounds, goal=_ONE.get(files), rest=BEHIND)
    own = (row.ours.median - row.theirs.median) * 1e3
    return row._replace(note=f"{own:.0f} ms beyond git" + (" (goal: 60)" if files == 100 else ""))


def eight_at_once(files: int) -> Row:
    place, rounds = scene(files), 5
    place.plan(8 * (rounds + 1))
    settle()

    def together() -> None:
        argv = [OKSTRA, *place.take_stage_args()]
        running = [subprocess.Popen(argv, cwd=place.repo, env=place.env, stdout=subprocess.DEVNULL) for _ in range(8)]
        statuses = [process.wait() for process in running]
        if any(statuses):
            raise SystemExit("a run failed")

    def one_by_one() -> None:
        for _ in range(8):
            place.bare_add()

    return compare("", together, "", one_by_one, rounds=rounds, goal=_EIGHT.get(files), rest=BEHIND)


def choosing(entries: int) -> Row:
    small, large, rounds = scene(100), scene(100), 11
    for place, size in ((small, 10), (large, entries)):
        plan = place.plan(rounds + 1)
        fill_registry(place.home / ".okstra", size)
        fill_ledger(plan, size)
    row = compare("", large.take_stage, "", small.take_stage, rounds=rounds, goal=_CHOOSING.get(entries))
    return row._replace(note=f"lock held {_lock_held(large):.0f} ms at the 95th percentile (goal: 50)")


def _lock_held(place: Scene) -> float:
    """Milliseconds at the 95th percentile that a transaction on this registry holds its lock."""
    registry, held = Registry(HomePaths(str(place.home / ".okstra"))), []
    key = TaskKey.parse(TASK)
    for number in range(40):
        start = time.perf_counter()
        with registry.transaction() as doc:
            claim = doc.task(key)
            if claim is None:
                raise SystemExit("the task has no claim")
            doc.put_task(key, claim._replace(created_at=str(number)))
        held.append((time.perf_counter() - start) * 1e3)
    return sorted(held)[int(len(held) * 0.95)]


def after_many_runs(runs: int) -> Row:
    """The next run of a task that has so many, against the second run of a new one."""
    argv = ("run", "--task-key", TASK, "--task-type", "error-analysis", REQUEST, "--render-only")
    old, new = scene(10), scene(10)
    for place, count in ((old, runs), (new, 1)):
        answer = json.loads(place.okstra(*argv, "--json"))
        fill_runs(Path(answer["data"]["run_dir"]), count)
    return compare("", lambda: old.okstra(*argv), "", lambda: new.okstra(*argv), rounds=11, goal=None)


FAMILIES = (
    Family("start", "run --render-only of one stage", "git worktree add -b", "files", one_stage, _ONE),
    Family("eight", "8 such runs at once", "8 bare adds in a row", "files", eight_at_once, _EIGHT),
    Family("choosing", "the same among reservations", "among 10", "reservations and ledger rows", choosing, _CHOOSING),
    Family("history", "the next run of an old task", "of a new one", "runs of the task", after_many_runs),
)
