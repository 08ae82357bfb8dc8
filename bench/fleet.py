"""`make fleet`: plays a plan of 20 stages on three nodes of this machine, each with a clone and a home of its own, over
a `git daemon`. Kills one node, cuts another off and lets it back, and audits what is there at the end.

`make bench` measures on the same ground (`fleet_rows.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "python"))

from support.faults import eventually  # noqa: E402
from support.fleets import free_port  # noqa: E402
from support.machines import Farm  # noqa: E402
from support.okstra import Okstra  # noqa: E402
from support.proxies import Proxy  # noqa: E402
from support.rehearsal import executed, install, part  # noqa: E402

Stages = Mapping[int, tuple[int, ...]]
STAGES: Stages = {**dict.fromkeys(range(1, 17), ()), 17: (1, 2), 18: (3, 4), 19: (5,), 20: (17, 18)}
BUILD = (
    {"run": "mkdir -p stage-$OKSTRA_STAGE && echo '#' > stage-$OKSTRA_STAGE/it.py"},
    {"commit": "feat: stage {{STAGE}}"},
    {"result": executed(1, 2)},
)
NODES = ("a", "b", "c")
KILLED, CUT = "a", "c"


class Played(NamedTuple):
    """`status` is how the placing ended; `lines` its progress; `seconds` how long it took."""

    status: int
    lines: tuple[str, ...]
    seconds: float
    said: str


class Ground:
    """The remote, the machine that places, and the nodes."""

    def __init__(self, folder: Path, nodes: Sequence[str], seconds: float, slots: int, stages: Stages) -> None:
        self.folder, self._slots = folder, slots
        self._parts: dict[str, subprocess.Popen[str]] = {}
        port = free_port()
        self._daemon = subprocess.Popen(
            [
                *("git", "daemon", "--export-all", "--enable=receive-pack", "--reuseaddr", "--listen=127.0.0.1"),
                *(f"--port={port}", f"--base-path={folder}", "--init-timeout=60", str(folder)),
            ],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(lambda: _listens(port))
        self.farm = Farm(folder, f"git://127.0.0.1:{port}/remote.git")
        self.lead = self.farm.machine("lead")
        self.plan = self.farm.approve(self.lead, stages)
        self.nodes = {name: self.farm.machine(name) for name in nodes}
        self.proxies = {CUT: (Proxy(port), Proxy(0))} if CUT in nodes else {}
        work = ({"run": f"sleep {seconds}"}, *BUILD)
        for machine in (self.lead, *self.nodes.values()):
            install(machine, part(*work, role="executor"))
        for machine in self.nodes.values():
            self.farm.join(machine)
        self.scheduler = free_port()
        self.file = self._fleet_file("fleet.toml", self.scheduler)
        self.lead.okstra.ok("fleet", "init", self.file)
        if self.proxies:
            git, scheduler = self.proxies[CUT]
            scheduler.target = self.scheduler
            self._fleet_file(f"fleet-{CUT}.toml", scheduler.port)
            self.nodes[CUT].repo.git("remote", "set-url", "origin", f"git://127.0.0.1:{git.port}/remote.git")

    def _fleet_file(self, name: str, port: int) -> Path:
        rows = [
            f'[[dask.node]]\nname = "{node}"\nproject = "{machine.repo.path}"\nhome = "{machine.home}"\n'
            f"slots = {self._slots}"
            for node, machine in self.nodes.items()
        ]
        path = self.folder / name
        dask = f'[dask]\nscheduler = "tls://127.0.0.1:{port}"\nnode_timeout = 8'
        path.write_text("\n".join(['schema = "fleet/1"', 'engine = "dask"', dask, *rows]) + "\n")
        return path

    def serve(self, name: str) -> None:
        okstra: Okstra = self.nodes[name].okstra if name in self.nodes else self.lead.okstra
        own = self.folder / f"fleet-{name}.toml"
        self._parts[name] = okstra.start("fleet", "up", own if own.exists() else self.file, "--serve", name)

    def kill(self, name: str) -> None:
        os.killpg(self._parts[name].pid, signal.SIGKILL)
        self._parts[name].communicate()

    def ended(self, name: str) -> bool:
        return self._parts[name].poll() is not None

    def start(self) -> subprocess.Popen[str]:
        words = ("--task-key", self.lead.task_key, "--task-type", "implementation", "--provider", "rehearsal")
        return self.lead.okstra.start("run", *words, "--all-ready", "--on", self.file, "--yes", "--json")

    def done(self) -> list[int]:
        shown = self.lead.okstra("stage", "list", "--plan", self.plan, "--json").data["stages"]
        return [stage["stage"] for stage in shown if stage["status"] == "done"]

    def at_work(self, name: str) -> list[str]:
        """The stages that the node holds, by the shared task."""
        known = self.nodes[name].home / "machine-id"
        mine = known.read_text().split()[0] if known.exists() else ""
        rows = _history(self)[-1]["stages"].items()
        return [stage for stage, row in rows if (row["status"], row["machine"]) == ("claimed", mine)]

    def close(self) -> None:
        for part_ in self._parts.values():
            try:
                os.killpg(part_.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for pair in self.proxies.values():
            for proxy in pair:
                proxy.close()
        os.killpg(self._daemon.pid, signal.SIGKILL)  # git starts the daemon proper as a child
        self._daemon.wait()


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def ground(
    nodes: Sequence[str] = NODES, *, seconds: float = 0.0, slots: int = 1, stages: Stages = STAGES
) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="okstra-fleet-"))
    made = None
    try:
        made = Ground(folder, nodes, seconds, slots, stages)
        yield made
    finally:
        if made is not None:
            made.close()
        shutil.rmtree(folder, ignore_errors=True)


def play() -> int:
    """The whole play. Returns 1 when the audit finds something."""
    with ExitStack() as stack:
        place = stack.enter_context(ground(seconds=4.0))
        for name in ("scheduler", *NODES):
            place.serve(name)
        began = time.monotonic()
        placing = place.start()
        told = _Watch(began)
        eventually(lambda: len(place.done()) >= 3 and place.at_work(KILLED), seconds=240)
        place.kill(KILLED)
        told(f"node {KILLED} is killed, with all its processes")
        eventually(lambda: len(place.done()) >= 6 and place.at_work(CUT), seconds=240)
        for proxy in place.proxies[CUT]:
            proxy.cut()
        told(f"node {CUT} is cut off from the scheduler and from the git remote")
        eventually(lambda: len(place.done()) >= 10, seconds=300)
        for proxy in place.proxies[CUT]:
            proxy.heal()
        told(f"node {CUT} is back, and {KILLED} is started again")
        place.serve(KILLED)
        if place.ended(CUT):
            place.serve(CUT)
        stdout, stderr = placing.communicate(timeout=600)
        told(f"the placing ended with {placing.returncode}")
        if placing.returncode:
            print(stdout, stderr[-4000:])
            return 1
        faults = audit(place)
        _print_table(place, stderr)
        for fault in faults:
            print(f"FAULT: {fault}")
        print(f"{len(faults)} faults found")
        return 1 if faults else 0


class _Watch:
    def __init__(self, began: float) -> None:
        self._began = began

    def __call__(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)


def audit(place: Ground) -> list[str]:
    """What must never be, by the whole history of the shared task: a stage that is done twice or not at all, two owners
    of one epoch, an epoch that goes down, a done commit that is not merged."""
    faults: list[str] = []
    owners: dict[tuple[str, int], str] = {}
    newest: dict[str, Row] = {}
    for state in _history(place):
        for stage, row in state["stages"].items():
            before = newest.get(stage)
            owner = owners.setdefault((stage, row["epoch"]), row["token"])
            if owner != row["token"]:
                faults.append(f"stage {stage}, epoch {row['epoch']} has two owners")
            if before is not None and before["epoch"] > row["epoch"]:
                faults.append(f"stage {stage}: its epoch went down to {row['epoch']}")
            if before is not None and before["status"] == "done" != row["status"]:
                faults.append(f"stage {stage} was done, and is {row['status']}")
            newest[stage] = row
    lead = place.lead.repo
    branch = str(next(iter(place.lead.registry["tasks"].values()))["branch"])
    for number in STAGES:
        row = newest.get(str(number), {})
        if row.get("status") != "done":
            faults.append(f"stage {number} is not done")
        elif lead.git("merge-base", row["head"], branch) != row["head"]:
            faults.append(f"stage {number}: {row['head'][:12]} is not in {branch}")
    names = lead.git("ls-tree", "-r", "--name-only", branch).splitlines()
    return [*faults, *(f"stage-{one}/it.py is not there" for one in STAGES if f"stage-{one}/it.py" not in names)]


Row = dict[str, Any]


def _history(place: Ground) -> list[Row]:
    """The shared task after each change, oldest first."""
    git = ["git", "-C", str(place.farm.bare)]
    asked = subprocess.run([*git, "for-each-ref", "--format=%(refname)", "refs/okstra/tasks/"], capture_output=True)
    (ref,) = asked.stdout.decode().split()
    log = subprocess.run([*git, "rev-list", "--first-parent", "--reverse", ref], capture_output=True, check=True)
    shown = [
        subprocess.run([*git, "show", f"{commit}:task.json"], capture_output=True, check=True).stdout
        for commit in log.stdout.decode().split()
    ]
    return [json.loads(one) for one in shown]


def _print_table(place: Ground, progress: str) -> None:
    placed = Counter(line.split("stage ", 1)[1].split(":")[0] for line in progress.splitlines() if ": placed" in line)
    machines = {
        (machine.home / "machine-id").read_text().split()[0]: name
        for name, machine in {"lead": place.lead, **place.nodes}.items()
        if (machine.home / "machine-id").exists()
    }
    last = _history(place)[-1]["stages"]
    print(f"\n{'stage':>5}  {'epoch':>5}  {'placed':>6}  node  run")
    for stage in sorted(last, key=int):
        row = last[stage]
        print(
            f"{stage:>5}  {row['epoch']:>5}  {placed[stage]:>6}  {machines.get(row['machine'], ''):<4}  {row['run_id']}"
        )
    taken = sum(row["epoch"] > 1 for row in last.values())
    print(f"\n{len(_history(place))} changes of the shared task; {taken} stages were taken over by another machine")


if __name__ == "__main__":
    sys.exit(play())
