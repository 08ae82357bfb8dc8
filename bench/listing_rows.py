"""Light commands and listings, in homes that hold more and more."""

from __future__ import annotations

import json
import sys
from functools import cache, partial
from pathlib import Path

from families import SIZES, Family
from fillings import fill_index, fill_ledger, fill_worktrees
from measure import Action, Row, compare, run
from scenes import OKSTRA, REQUEST, TASK, Scene, scene

PYTHON = sys.executable
_LIGHT = {10: 4.0}
_WORKTREES = {100: 6.0}
_LISTS = {10_000: 2.0}


def worktree_list(count: int) -> Row:
    place = scene(10)
    fill_worktrees(place, count)
    git = ["git", "-C", str(place.repo), "worktree", "list", "--porcelain"]
    return compare(
        "",
        _okstra(place, "worktree", "list"),
        "",
        lambda: run(git, env=place.env),
        rounds=15,
        goal=_WORKTREES.get(count),
    )


def light(name: str, size: int) -> Row:
    """A light command in a home with so many runs, a tenth of them open, and a ledger with so many rows."""
    place, commands = _light_scene(size)
    bare = partial(run, [PYTHON, "-I", "-c", "pass"])
    return compare("", _okstra(place, *commands[name]), "", bare, rounds=21, goal=_LIGHT.get(size))


@cache
def _light_scene(size: int) -> tuple[Scene, dict[str, tuple[str, ...]]]:
    place = scene(10)
    plan = place.plan(5)
    run_flags = (
        "--task-key",
        TASK,
        "--task-type",
        "error-analysis",
        REQUEST,
        "--provider",
        "rehearsal",
        "--yes",
        "--json",
    )
    run_dir = Path(json.loads(place.okstra("run", *run_flags))["data"]["run_dir"])
    state: str = json.loads(place.okstra("wizard", "init", "--json"))["data"]["state"]
    fill_ledger(plan, size)
    fill_index(place.home / ".okstra", size)
    return place, {
        "list": ("list",),
        "status": ("status",),
        "stage list": ("stage", "list", "--plan", plan),
        "check result": ("check", "result", str(next(run_dir.glob("worker-results/rehearsal-a-worker-*.md")))),
        "wizard step": ("wizard", "step", "--state", state, "--answer=bench:none"),
    }


def list_all(runs: int) -> Row:
    return _listing(runs, "--all")


def list_recent(runs: int) -> Row:
    return _listing(runs)


def _listing(runs: int, *flags: str) -> Row:
    place, index = _indexed(runs)
    reading = f"import sqlite3\nprint(len(sqlite3.connect({index!r}).execute('SELECT * FROM runs').fetchall()))"
    parsing = partial(run, [PYTHON, "-I", "-c", reading])
    return compare("", _okstra(place, "list", *flags), "", parsing, rounds=11, goal=_LISTS.get(runs))


@cache
def _indexed(runs: int) -> tuple[Scene, str]:
    place = scene(10)
    return place, str(fill_index(place.home / ".okstra", runs))


def _okstra(place: Scene, *words: str) -> Action:
    return partial(run, [OKSTRA, *words], cwd=str(place.repo), env=place.env)


_HELD = "runs and ledger rows"
_PARSED = "python that reads each row by sqlite3"

FAMILIES = (
    *(
        Family(name.replace(" ", "-"), name, "python -I -c pass", _HELD, partial(light, name), _LIGHT)
        for name in ("list", "status", "stage list", "check result", "wizard step")
    ),
    Family("worktrees", "worktree list", "git worktree list --porcelain", "worktrees", worktree_list, _WORKTREES),
    Family("list-all", "list --all", _PARSED, "runs", list_all, _LISTS, SIZES),
    Family("list-recent", "list", _PARSED, "runs", list_recent, _LISTS, SIZES),
)
