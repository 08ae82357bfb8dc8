"""Reading what people and agents write: plans, citations; and what is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

from families import Family
from measure import Row, compare, run
from scenes import OKSTRA, plan_of, scene

_PLAN = {1_000: 2.0}
_INSTALL = {1: 3.0}


def plan_check(kilobytes: int) -> Row:
    place, stages = scene(1), min(100, kilobytes)
    plan = place.folder / "large.md"
    plan.write_text(plan_of(stages, filler=kilobytes * 1_000 // stages), encoding="utf-8")
    parsing = (
        "from markdown_it import MarkdownIt\n"
        f"MarkdownIt('commonmark').enable('table').parse(open({str(plan)!r}, encoding='utf-8').read())"
    )
    check = partial(run, [OKSTRA, "plan", "check", str(plan)], cwd=str(place.repo), env=place.env)
    parse = partial(run, [sys.executable, "-I", "-c", parsing])
    return compare("", check, "", parse, rounds=5, goal=_PLAN.get(kilobytes))


def install_unchanged(_: int) -> Row:
    """In a home of its own, with the checkout's Python: what is installed is hashed, and nothing written."""
    place = scene(1)
    env = {**place.env, "OKSTRA_PYTHON": sys.executable}
    install = [OKSTRA, "install", "--json"]
    done = json.loads(subprocess.run(install, env=env, capture_output=True, text=True, check=True).stdout)
    if done["status"] != "ok":
        raise SystemExit("okstra could not be installed")
    files = [str(path) for path in place.home.rglob("*") if path.is_file()]
    hashing = (
        "const fs = require('fs'), crypto = require('crypto'); for (const file of process.argv.slice(1))"
        " crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')"
    )
    hashed = partial(run, ["node", "-e", hashing, *files], env=env)
    return compare("", partial(run, install, env=env), "", hashed, rounds=11, goal=3.0)


FAMILIES = (
    Family("plan", "plan check", "markdown-it-py alone", "kB", plan_check, _PLAN),
    Family(
        "install", "install, nothing changed", "node that hashes the same", "", install_unchanged, _INSTALL, sizes=(1,)
    ),
)
