"""The rows of the table: each function measures one line of the speed goals."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from evidence_rows import isolation_receipt, thousand_citations
from led_rows import led_run
from measure import Row, compare, run, seconds, settle, spread
from scenes import OKSTRA, TASK, Scene, fill_index, fill_ledger, fill_registry, plan_of, scene

PYTHON = sys.executable
BEHIND = 2.5  # seconds in which what okstra owes the disk is surely settled


# Files in the repository: the goal, and how often it is tried. Between the two goals of the design nothing is asked.
STAGES = {10: (None, 15), 100: (4.0, 15), 1_000: (None, 9), 10_000: (1.0, 9)}


def one_stage(files: int) -> list[Row]:
    goal, rounds = STAGES[files]
    with scene(files) as place:
        place.plan(rounds + 5)
        settle()
        what = f"run --render-only, one stage, {files:,} files"
        row = compare(
            what, place.take_stage, "git worktree add -b", place.bare_add, rounds=rounds, goal=goal, rest=BEHIND
        )
        own = (row.ours.median - row.theirs.median) * 1e3
        return [row._replace(note=f"{own:.0f} ms beyond git" + (" (goal: 60)" if files == 100 else ""))]


def eight_at_once() -> list[Row]:
    with scene(10_000) as place:
        place.plan(60)
        settle()

        def together() -> None:
            argv = [OKSTRA, *place.take_stage_args()]
            running = [
                subprocess.Popen(argv, cwd=place.repo, env=place.env, stdout=subprocess.DEVNULL) for _ in range(8)
            ]
            statuses = [process.wait() for process in running]
            if any(statuses):
                raise SystemExit("a run failed")

        def one_by_one() -> None:
            for _ in range(8):
                place.bare_add()

        what, against = "8 runs at once, 10,000 files", "8 bare adds in a row"
        return [compare(what, together, against, one_by_one, rounds=5, goal=0.9, rest=BEHIND)]


def remove_10000_files() -> list[Row]:
    rounds = 4
    with scene(10_000) as place:
        place.plan(rounds + 1)
        for _ in range(rounds + 1):
            place.take_stage()
            place.bare_add()
        numbers = {"ours": 0, "theirs": 0}
        for number in range(1, rounds + 2):
            place.okstra("stage", "done", "--run", f"{TASK}/implementation/stage-{number}/001", "--no-change", "bench")
        settle()

        def ours() -> None:
            numbers["ours"] += 1
            place.okstra("worktree", "remove", f"{TASK}#stage-{numbers['ours']}")

        def theirs() -> None:
            time.sleep(BEHIND)  # the deleting that goes on behind ours must not slow git down
            numbers["theirs"] += 1

        ours(), theirs(), place.bare_remove(1)
        mine, other = [], []
        for number in range(2, rounds + 2):
            mine.append(seconds(ours))
            theirs()
            other.append(seconds(lambda number=number: place.bare_remove(number)))  # type: ignore[misc]
        ratio = spread(mine).median / spread(other).median
        return [
            Row("worktree remove, 10,000 files", "git worktree remove --force", spread(mine), spread(other), ratio, 0.3)
        ]


def light_commands() -> list[Row]:
    with scene(10) as place:
        plan = place.plan(5)
        result, asked = _result_of_a_run(place), place.okstra("wizard", "init", "--json")
        state: str = json.loads(asked)["data"]["state"]
        commands: list[tuple[str, ...]] = [
            ("list",),
            ("status",),
            ("stage", "list", "--plan", plan),
            ("worktree", "list"),
            ("check", "result", result),
            ("wizard", "step", "--state", state, "--answer=bench:none"),
            ("--version",),
        ]
        return [
            compare(
                f"okstra {' '.join(word for word in words[:2] if not word.startswith('--') or len(words) == 1)}",
                lambda words=words: run([OKSTRA, *words], cwd=str(place.repo), env=place.env),  # type: ignore[misc]
                "python -I -c pass",
                lambda: run([PYTHON, "-I", "-c", "pass"]),
                rounds=41,
                goal=4.0,
            )
            for words in commands
        ]


def _result_of_a_run(place: Scene) -> str:
    """A worker's result, by rehearsal."""
    flags = ("--task-key", TASK, "--task-type", "error-analysis", "--provider", "rehearsal", "--yes", "--json")
    run_dir = Path(json.loads(place.okstra("run", *flags))["data"]["run_dir"])
    return str(next(run_dir.glob("worker-results/rehearsal-a-worker-error-analysis-*.md")))


def worktree_list() -> list[Row]:
    with scene(10) as place:
        place.plan(100)
        for _ in range(100):
            place.take_stage()
        return [
            compare(
                "worktree list, 100 worktrees",
                lambda: run([OKSTRA, "worktree", "list"], cwd=str(place.repo), env=place.env),
                "git worktree list --porcelain",
                lambda: run(["git", "-C", str(place.repo), "worktree", "list", "--porcelain"], env=place.env),
                rounds=15,
                goal=6.0,
            )
        ]


def choosing_among_10000() -> list[Row]:
    with scene(100) as small, scene(100) as large:
        for place, size in ((small, 10), (large, 10_000)):
            plan = place.plan(30)
            fill_registry(place.home / ".okstra", size)
            fill_ledger(plan, size)
        row = compare(
            "choosing a stage, 10,000 reservations and rows",
            large.take_stage,
            "the same with 10",
            small.take_stage,
            rounds=15,
            goal=2.0,
        )
        return [row._replace(note=f"registry lock held {_lock_held(large):.0f} ms at the 95th percentile (goal: 50)")]


def _lock_held(place: Scene) -> float:
    """Milliseconds at the 95th percentile that a transaction on this registry holds its lock."""
    from okstra_ctl.core.home_paths import HomePaths
    from okstra_ctl.core.identity import TaskKey
    from okstra_ctl.edges.registry import Registry

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


def list_10000_runs() -> list[Row]:
    """All of them, and what is shown without `--all`: that must not grow with what ever was."""
    with scene(10) as place, scene(10) as small:
        index = [str(path) for path in fill_index(place.home / ".okstra", 10_000)]
        fill_index(small.home / ".okstra", 2_000)
        reading = f"import json\nfor path in {index!r}:\n for line in open(path, 'rb'): json.loads(line)"

        def listing(of: Scene, *flags: str) -> Callable[[], object]:
            return lambda: run([OKSTRA, "list", *flags], cwd=str(of.repo), env=of.env)

        parsing = lambda: run([PYTHON, "-I", "-c", reading])  # noqa: E731
        whole, parsed = "list --all over 10,000 runs", "python that reads and parses each line"
        return [
            compare(whole, listing(place, "--all"), parsed, parsing, rounds=11, goal=2.0),
            compare("list, 10,000 runs recorded", listing(place), parsed, parsing, rounds=11, goal=2.0),
            compare("list, 9,000 ended runs", listing(place), "1,800 ended", listing(small), rounds=11, goal=2.0),
        ]


def check_1mb_plan() -> list[Row]:
    with scene(1) as place:
        plan = place.folder / "large.md"
        plan.write_text(plan_of(100, filler=10_000), encoding="utf-8")
        parsing = (
            "from markdown_it import MarkdownIt\n"
            f"MarkdownIt('commonmark').enable('table').parse(open({str(plan)!r}, encoding='utf-8').read())"
        )
        return [
            compare(
                f"plan check, {plan.stat().st_size / 1e6:.1f} MB",
                lambda: run([OKSTRA, "plan", "check", str(plan)], cwd=str(place.repo), env=place.env),
                "markdown-it-py alone",
                lambda: run([PYTHON, "-I", "-c", parsing]),
                rounds=5,
                goal=2.0,
            )
        ]


def install_unchanged() -> list[Row]:
    """In a home of its own, with the checkout's Python: what is installed is hashed, and nothing written."""
    with scene(1) as place:
        env = {**place.env, "OKSTRA_PYTHON": PYTHON}
        install = [OKSTRA, "install", "--json"]
        done = json.loads(subprocess.run(install, env=env, capture_output=True, text=True, check=True).stdout)
        if done["status"] != "ok":
            raise SystemExit("okstra could not be installed")
        files = [str(path) for path in place.home.rglob("*") if path.is_file()]
        hashing = (
            "const fs = require('fs'), crypto = require('crypto'); for (const file of process.argv.slice(1))"
            " crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')"
        )
        return [
            compare(
                "install, nothing changed",
                lambda: run(install, env=env),
                "node that hashes the same files",
                lambda: run(["node", "-e", hashing, *files], env=env),
                rounds=11,
                goal=3.0,
            )
        ]


ROWS: dict[str, Callable[[], list[Row]]] = {
    **{f"stage-{files}": partial(one_stage, files) for files in STAGES},
    "eight": eight_at_once,
    "remove": remove_10000_files,
    "light": light_commands,
    "worktrees": worktree_list,
    "choosing": choosing_among_10000,
    "list": list_10000_runs,
    "plan": check_1mb_plan,
    "install": install_unchanged,
    "evidence": thousand_citations,
    "receipt": isolation_receipt,
    "led": led_run,
}
