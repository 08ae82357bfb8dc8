"""Stand-ins for Slurm's commands that print what the real ones print (22.05), and run jobs on this machine.

`install` puts sbatch, squeue, scancel and sacct into a folder for the PATH; what they share is files in another.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAMS = ("sbatch", "squeue", "scancel", "sacct")


def install(folder: Path) -> Path:
    """Returns the folder of the programs."""
    programs, state = folder / "slurm-bin", folder / "slurm-state"
    programs.mkdir(parents=True)
    state.mkdir()
    for name in PROGRAMS:
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{state}" {name} "$@"\n')
        path.chmod(0o755)
    return programs


def _sbatch(state: Path, flags: dict[str, str]) -> int:
    limits = json.loads((state / "licenses.json").read_text()) if (state / "licenses.json").exists() else {}
    wanted = [one.partition(":")[0] for one in flags.get("licenses", "").split(",") if one]
    if not set(wanted) <= set(limits):
        print("sbatch: error: Batch job submission failed: Invalid license specification", file=sys.stderr)
        return 1
    number = str(len(list(state.glob("*.job"))) + 1)
    output = flags["output"].replace("%j", number)
    keep = ("PATH", "HOME", "OKSTRA_HOME", "OKSTRA_PYTHON", "LANG", "TMPDIR", "OKSTRA_SANDBOX")
    environment = {name: os.environ[name] for name in keep if name in os.environ}  # the node's own
    with open(output, "wb") as file:
        job = subprocess.Popen(
            [sys.executable, __file__, str(state), "run", number, flags["wrap"]],
            cwd=flags["chdir"],
            env={**environment, "SLURM_JOB_ID": number},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    (state / f"{number}.job").write_text(json.dumps({"pid": job.pid, "flags": flags}))
    print(number)
    return 0


def _run(state: Path, number: str, script: str) -> int:
    status = subprocess.run(["sh", "-c", script]).returncode
    (state / f"{number}.end").write_text(str(status << 8 if status >= 0 else -status))
    return 0


def _squeue(state: Path, flags: dict[str, str]) -> int:
    job, end = state / f"{flags['jobs']}.job", state / f"{flags['jobs']}.end"
    if not job.exists():
        print("slurm_load_jobs error: Invalid job id specified", file=sys.stderr)
        return 1
    assert flags["Format"] == "State:20,exit_code:12"
    if not end.exists():
        print(f"{'RUNNING':20}{0:<12}")
    elif end.read_text() == "cancelled":
        print(f"{'CANCELLED':20}{15:<12}")
    else:
        code = int(end.read_text())
        print(f"{'FAILED' if code else 'COMPLETED':20}{code:<12}")
    return 0


def _scancel(state: Path, number: str) -> int:
    """As the real one: no word about a job that it does not know."""
    job = state / f"{number}.job"
    if job.exists() and not (state / f"{number}.end").exists():
        (state / f"{number}.end").write_text("cancelled")
        os.killpg(json.loads(job.read_text())["pid"], signal.SIGKILL)
    return 0


def main(state: Path, program: str, words: list[str]) -> int:
    flags = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    if program == "sbatch":
        return _sbatch(state, flags)
    if program == "run":
        return _run(state, words[0], words[1])
    if program == "squeue":
        return _squeue(state, flags)
    if program == "scancel":
        return _scancel(state, words[0])
    print("Slurm accounting storage is disabled", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
