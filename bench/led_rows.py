"""What a led run costs okstra itself, beside its workers: processor time and memory of its own process alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from families import Family
from measure import Row, row_of
from scenes import REQUEST, ROOT, Scene, scene

_FINDINGS, _ANALYSTS, _ROUNDS = 200, 3, 5
_FILES = 50
# In one process, so that the figures are okstra's: children are counted apart by the kernel.
_OWN = """
import contextlib, io, json, resource, sys
sys.path.insert(0, sys.argv[1])
from okstra_ctl.cli import main
out = io.StringIO()
with contextlib.redirect_stdout(out):
    status = main(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"status": status, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss}))
"""
# A worker that finds 200 things, and agrees with all that others found.
_WORKER = r"""
import os, sys
env = os.environ
sys.stdin.read()
front = "---\ntask-key: {OKSTRA_TASK_KEY}\ntask-type: {OKSTRA_PHASE}\nworker: {OKSTRA_WORKER_ID}\n".format(**env)
front += "provider: mine\nmodel: none\ncommit: {OKSTRA_COMMIT}\n---\n".format(**env)
if env.get("OKSTRA_ROUND"):
    text = front + "## Verdicts\n" + "".join(
        f"### {item} AGREE\n- reason: yes\n" for item in env["OKSTRA_ITEMS"].split())
else:
    who = env["OKSTRA_WORKER_ID"]
    found = "".join(
        f"### F-{n:03d} [low] Thing {n} of {who}\n- claim: thing {n} of {who} is so\n"
        f"- evidence: d{at % FILES}/f{at % FILES}.txt:{1 + at // FILES} `file {at % FILES}`\n"
        for n in range(1, COUNT + 1) for at in [COUNT * int(who[1:]) + n - 1])
    text = front + "## 1. Findings\n" + found + "".join(
        f"## {s}\nnone\n" for s in ("2. Evidence gaps", "3. Risks", "4. Open questions", "5. Recommendation"))
open(env["OKSTRA_RESULT"], "w").write(text)
"""


def rehearsal(_: int) -> Row:
    place = scene(_FILES)
    return _row([_own(place, "--provider", "rehearsal") for _ in range(_ROUNDS)])


def many_findings(_: int) -> Row:
    place = scene(_FILES)
    script = place.folder / "worker.py"
    script.write_text(_WORKER.replace("FILES", str(_FILES)).replace("COUNT", str(_FINDINGS)))
    names = [f"w{number}" for number in range(_ANALYSTS)]
    providers = {name: {"argv": [sys.executable, str(script), name], "family": name} for name in names}
    config = place.home / ".okstra" / "config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"providers": providers}))
    return _row([_own(place, "--provider", "rehearsal", "--workers", ",".join(names)) for _ in range(3)])


def _row(runs: list[dict[str, float]]) -> Row:
    memory = max(one["memory"] for one in runs) / 1024
    pairs = [(one["cpu"], 2.0) for one in runs]
    return row_of("", "", pairs, goal=1.0, note=f"{memory:.0f} MB at most")


def _own(place: Scene, *flags: str) -> dict[str, float]:
    run = (
        "run",
        "--task-group",
        "led",
        "--task-id",
        "T-1",
        "--task-type",
        "improvement-discovery",
        REQUEST,
        "--yes",
        "--json",
    )
    argv = [sys.executable, "-I", "-c", _OWN, str(Path(ROOT) / "python"), *run, *flags, "--lead", "auto"]
    done = subprocess.run(argv, cwd=place.repo, env=place.env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if answer["status"] != 0:
        raise SystemExit(f"the run failed: {done.stderr}")
    return answer


FAMILIES = (
    Family("led", "led rehearsal run: okstra's own processor time", "2 s", "", rehearsal, {1: 1.0}, sizes=(1,)),
    Family(
        "led-large",
        f"led run of {_ANALYSTS} analysts with {_FINDINGS} findings each: the same",
        "2 s",
        "",
        many_findings,
        {1: 1.0},
        sizes=(1,),
    ),
)
