"""`make peers`: okstra beside tools that do a like job, on what each offers without a model, an account or a network.

Fetches the peers once (`peer_install.py`), makes both the same scene, runs each command in turn with okstra's nearest
one, and prints a table; `--write` keeps it in docs/benchmarks.md. What a peer has no like command for is named, with
the reason. Needs a registry the first time; the measuring itself runs without a network where the system can do that.
"""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import first_minutes
import peer_scenes
from families import BEHIND
from measure import Action, Row, compare, run, settle
from peer_install import PEERS, Peer, install
from peer_scenes import UNITS, PeerScene
from scenes import OKSTRA, TASK, Scene, scene

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- peers -->", "<!-- /peers -->"
ROUNDS = 5
FILES = 100
SEALED = "OKSTRA_BENCH_SEALED"
START, LIST, NEXT = "run --render-only", "stage list", "run --dry-run --stage auto"
WORKTREES = "worktree list"
STARTED = 8  # worktrees that `worktree list` finds on either side

NOT_COMPARED = (
    "bernstein, starting a unit: a worktree is made in the course of a run, which starts a server and an "
    "agent; no command makes one alone.",
    "orkestra, starting a unit: `orkestra run` makes the worktree when it starts the task's agent, and goes on to the "
    "task's end.",
    "orkestra, choosing the next: the scheduler chooses inside `orkestra run`; no command names its choice.",
    "task-master, starting a unit: it works in the one checkout; `task-master start` opens a client, which needs an "
    "account.",
    "worktrunk: it comes by Homebrew, cargo or winget; the machine that made this table has none of their registries.",
)


class Sides:
    """okstra's commands and one peer's, each in its own copy of the repository."""

    def __init__(self, place: Scene, peer: Peer) -> None:
        self.place, self.theirs, self.plan = place, PeerScene(place, peer), place.plan(UNITS)

    def compare(self, ours: str, *theirs: str, more: tuple[str, ...] = (), note: str = "") -> Row:
        """`more` arguments are not shown in the table."""
        return self.compare_each(ours, " ".join(theirs), lambda: (*theirs, *more), note=note)

    def compare_each(
        self, ours: str, named: str, theirs: Callable[[], tuple[str, ...]], *, note: str = "", rest: float = 0.0
    ) -> Row:
        """`theirs` gives each round's arguments."""
        scene = self.theirs

        def call() -> None:
            run([scene.peer.program, *theirs()], cwd=str(scene.repo), env=scene.env)

        settle()
        against = f"{scene.peer.command} {named}"
        goal = float("inf")  # a comparison, not a goal
        return compare(ours, self._okstra(ours), against, call, rounds=ROUNDS, goal=goal, note=note, rest=rest)

    def _okstra(self, name: str) -> Action:
        argv = {
            START: self.place.take_stage_args(),
            LIST: ("stage", "list", "--plan", self.plan, "--json"),
            WORKTREES: ("worktree", "list", "--json"),
            NEXT: ("run", "--task-key", TASK, "--task-type", "implementation", "--dry-run", "--stage", "auto"),
        }[name]
        return lambda: run([OKSTRA, *argv], cwd=str(self.place.repo), env=self.place.env)


def spec_kitty(peer: Peer) -> Iterator[Row]:
    both = Sides(scene(FILES), peer)
    mission = peer_scenes.spec_kitty(both.theirs)
    at = ("--mission", mission)
    yield both.compare(LIST, "agent", "tasks", "status", "--json", more=at)
    yield both.compare(NEXT, "next", "--json", more=at)
    package = (f"WP{n:02d}" for n in itertools.count(1))
    yield both.compare_each(
        START, "implement WP…", lambda: ("implement", next(package), *at, "--json"), note="no prompt", rest=BEHIND
    )
    verb = ("agent", "action", "implement")
    yield both.compare_each(
        START, "agent action implement WP…", lambda: (*verb, next(package), "--agent", "claude", *at), rest=BEHIND
    )


def task_master(peer: Peer) -> Iterator[Row]:
    both = Sides(scene(FILES), peer)
    peer_scenes.task_master(both.theirs)
    yield both.compare(LIST, "list", "--json")
    yield both.compare(NEXT, "next", "--format", "json")


def bernstein(peer: Peer) -> Iterator[Row]:
    both = Sides(scene(FILES), peer)
    peer_scenes.bernstein(both.theirs)
    yield both.compare(NEXT, "backlog", "claim", "--json", note="takes the unit, too; okstra's only chooses")
    with peer_scenes.bernstein_server(both.theirs):
        yield both.compare(LIST, "list-tasks", "--json", note="asks its server, which runs already")


def orkestra(peer: Peer) -> Iterator[Row]:
    both = Sides(scene(FILES), peer)
    peer_scenes.orkestra(both.theirs)
    yield both.compare(LIST, "status", "--json", note="3 tasks; okstra lists 40 stages")


def git_worktree_runner(peer: Peer) -> Iterator[Row]:
    both = Sides(scene(FILES), peer)
    part = (f"part-{n}" for n in itertools.count(1))
    yield both.compare_each(
        START,
        "new part-…",
        lambda: ("new", next(part), "--porcelain", "--no-fetch"),
        note="no claim, no prompt",
        rest=BEHIND,
    )
    for _ in range(STARTED - ROUNDS - 1):  # as many on both sides; the rounds and their warm-up made the others
        both.place.take_stage()
        both.theirs.call("new", next(part), "--porcelain", "--no-fetch")
    yield both.compare(WORKTREES, "list", "--porcelain", note=f"{STARTED} worktrees")


MEASURES: dict[str, Callable[[Peer], Iterator[Row]]] = {
    "spec-kitty-cli": spec_kitty,
    "task-master-ai": task_master,
    "bernstein": bernstein,
    "git-worktree-runner": git_worktree_runner,
    "orkestra-runtime": orkestra,
}


def main(args: list[str]) -> int:
    if args not in ([], ["--write"]):
        print("usage: peers.py [--write]", file=sys.stderr)
        return 2
    missing = [f"{peer.name}: {why}" for peer in PEERS if (why := install(peer))]
    if SEALED not in os.environ:
        _seal(args)
    there = [peer for peer in PEERS if not any(line.startswith(f"{peer.name}:") for line in missing)]
    rows: list[Row] = []
    for peer in there:
        print(f"measuring beside {peer.name} …", file=sys.stderr)
        rows += MEASURES[peer.name](peer)
    page = _page(rows, there, missing)
    print(page)
    if args:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{page}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 0


def _seal(args: list[str]) -> None:
    """Starts itself again in a network namespace with loopback only, where the system has such."""
    up = 'ip link set lo up && exec "$@"'
    inside = ["unshare", "--map-root-user", "--net", "sh", "-c", up, "sh"]
    try:
        able = subprocess.run([*inside, "true"], capture_output=True).returncode == 0
    except OSError:
        able = False
    env = {**os.environ, SEALED: "cut off" if able else "not cut off: no unshare here"}
    argv = [sys.executable, __file__, *args]
    os.execvpe((inside if able else argv)[0], [*inside, *argv] if able else argv, env)


def _page(rows: list[Row], there: list[Peer], missing: list[str]) -> str:
    versions = ", ".join(f"{peer.name} {peer.version} ({_runtime(peer)})" for peer in there)
    order = [START, WORKTREES, LIST, NEXT]
    rows = sorted(rows, key=lambda row: (order.index(row.what), row.against))
    lines = [
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, okstra with Python "
        f"{platform.python_version()}; network {os.environ[SEALED]}. {versions}.",
        "",
        "| okstra | the other | okstra | the other | ratio | note |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures = f"{row.ours} | {row.theirs} | **{row.ratio:.2f}**"
        lines.append(f"| {row.what} | {row.against} | {figures} | {row.note} |")
    lines += ["", "Not compared:", ""]
    lines += [f"- {line}" for line in (*NOT_COMPARED, *missing)]
    return "\n".join([*lines, "", *first_minutes.section()])


def _runtime(peer: Peer) -> str:
    if peer.registry == "git":
        return "bash"
    if peer.registry == "npm":
        node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
        return f"Node.js {node.lstrip('v')}"
    python = str(peer.bin / "python")
    return subprocess.run([python, "--version"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
