"""Many commands of every kind on one task at once, struck by signals at random; then what must be true is checked.

A person works meanwhile: commits what a stage is for, and leaves files uncommitted. Both must be somewhere in the end.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from . import invariants
from .okstra import Ended, Project
from .rehearsal import led_args

STRIKES = ("kill okstra", "kill the group", "stop", "INT", "TERM", "HUP")
_GIT_WORK = ("-c", "user.name=Person", "-c", "user.email=person@localhost")


class Called(NamedTuple):
    """One command, and how it ended; `strike` is how it was struck, or empty."""

    args: tuple[str, ...]
    strike: str
    ended: Ended

    def __repr__(self) -> str:
        return f"okstra {' '.join(self.args)}    [{self.strike or 'undisturbed'}]\n{self.ended}"


class Chaos:
    """The turmoil, and what it made."""

    def __init__(self, project: Project, *, at_once: int, seconds: float, seed: int, stages: int) -> None:
        self.project, self.at_once, self.seconds, self.seed, self.stages = project, at_once, seconds, seed, stages
        self.calls: list[Called] = []
        self.commits: list[str] = []
        self.files: list[str] = []  # contents that a person left uncommitted
        self._guard = threading.Lock()
        self._busy: Counter[str] = Counter()  # stages that a command may be about to end just now

    def rage(self) -> None:
        deadline = time.monotonic() + self.seconds
        with ThreadPoolExecutor(self.at_once) as pool:
            loops = [pool.submit(self._loop, number, deadline) for number in range(self.at_once)]
        for loop in loops:
            loop.result()

    def _loop(self, number: int, deadline: float) -> None:
        rng = random.Random(f"{self.seed} {number}")
        while time.monotonic() < deadline:
            self._turn(rng)

    def _turn(self, rng: random.Random) -> None:
        key, claim = self._a_stage(rng)
        run = str(claim["run_id"]) if claim else ""
        task = ("--task-key", self.project.task_key)
        choices: list[tuple[int, Callable[[], object]]] = [
            (
                6,
                lambda: self._call(rng, *self.project.run_args(rng.choice(["auto", str(rng.randint(1, self.stages))]))),
            ),
            (2, lambda: self._call(rng, "integrate", *task, "--json")),
            (2, lambda: self._call(rng, "gc", *rng.choice([(), ("--max", "1K"), ("--dry-run",)]), "--json")),
            (4, lambda: self._call(rng, "reconcile", "--apply", "--json")),
            (1, lambda: self._call(rng, "backfill", "--json")),
            (1, lambda: self._call(rng, "list", "--json")),
            (1, lambda: self._call(rng, "worktree", "list", "--json")),
            (1, lambda: self._call(rng, *led_args(self.project, "error-analysis"))),
        ]
        if claim:
            choices += [
                (5, lambda: self._work(rng, key, claim)),
                (4, lambda: self._end(rng, key, "stage", "done", "--run", run, "--json")),
                (3, lambda: self._end(rng, key, "stage", "release", "--run", run, *self._by_force(rng), "--json")),
                (2, lambda: self._call(rng, "rerun", run, "--render-only", "--json")),
                (2, lambda: self._end(rng, key, "worktree", "remove", key, *self._by_force(rng), "--json")),
                (2, lambda: self._call(rng, "worktree", "restore", self._any_key(rng), "--json")),
                (1, lambda: self._call(rng, "resume", self._led_run(rng) or run, "--json")),
            ]
        rng.choices([act for _, act in choices], [weight for weight, _ in choices])[0]()

    def _a_number(self, rng: random.Random) -> str:
        return rng.choice(["auto", str(rng.randint(1, self.stages))])

    @staticmethod
    def _by_force(rng: random.Random) -> tuple[str, ...]:
        return rng.choice([(), ("--force",)])

    def _a_stage(self, rng: random.Random) -> tuple[str, dict[str, Any]]:
        stages = sorted(self.project.registry["stages"].items())
        return rng.choice(stages) if stages else ("", {})

    def _any_key(self, rng: random.Random) -> str:
        return rng.choice([self.project.task_key, f"{self.project.task_key}#stage-{rng.randint(1, self.stages)}"])

    def _led_run(self, rng: random.Random) -> str:
        manifests = sorted(self.project.task_root.glob("runs/error-analysis/manifests/run-manifest-*.json"))
        if not manifests:
            return ""
        seq = rng.choice(manifests).stem.rsplit("-", 1)[1]
        return f"{self.project.task_key}/error-analysis/{seq}"

    def _end(self, rng: random.Random, key: str, *args: str) -> None:
        """A command after which nobody may count on the stage's worktree any more."""
        with self._guard:
            self._busy[key] += 1
        try:
            self._call(rng, *args)
        finally:
            with self._guard:
                self._busy[key] -= 1

    def _work(self, rng: random.Random, key: str, claim: dict[str, Any]) -> None:
        """A person's work in a stage that nobody is ending: a commit, or a file left uncommitted."""
        with self._guard:
            now = self.project.registry["stages"].get(key)
            if self._busy[key] or now != claim or claim["status"] != "active" or not Path(claim["path"]).is_dir():
                return
            folder = Path(claim["path"]) / key.rsplit("#", 1)[1]
            text = f"{rng.random()}\n"
            folder.mkdir(exist_ok=True)
            (folder / f"{rng.randrange(10**9)}.txt").write_text(text)
            if rng.random() < 0.2:
                self.files.append(text)
                return
            git = ["git", "-C", claim["path"], *_GIT_WORK]
            environment = self.project.okstra.environment
            subprocess.run([*git, "add", "--all"], env=environment, check=True, capture_output=True)
            message = ("-m", f"feat: work on {key}")
            subprocess.run([*git, "commit", "--quiet", *message], env=environment, check=True, capture_output=True)
            head = subprocess.run([*git, "rev-parse", "HEAD"], env=environment, check=True, capture_output=True)
            self.commits.append(head.stdout.decode().strip())

    def _call(self, rng: random.Random, *args: str) -> None:
        process = self.project.okstra.start(*args)
        strike = rng.choice(STRIKES) if rng.random() < 0.35 else ""
        if strike:
            striker = threading.Thread(
                target=_strike, args=(process.pid, strike, rng.uniform(0, 1.5), rng.uniform(0.1, 1.5))
            )
            striker.start()
        stdout, stderr = process.communicate(timeout=300)
        if strike:
            striker.join()
        with self._guard:
            self.calls.append(Called(args, strike, Ended(process.returncode, stdout, stderr)))

    # --- what must be true in the end

    def settle(self) -> None:
        """What a person would call after a bad day: all that it finds is put right, or is a person's to decide."""
        for _ in range(2):
            ended = self.project.okstra("reconcile", "--apply", "--json")
            assert "Traceback" not in ended.stderr and ended.status in (0, 4), ended
        left = {finding["kind"] for finding in ended.data["findings"] if not finding["done"]}
        assert left <= {"interrupted", "folder-gone"}, ended

    def check(self) -> None:
        wrong = [call for call in self.calls if self._is_wrong(call)]
        log = self.project.home / "logs" / "internal-errors.log"
        assert not wrong and not log.exists(), "\n".join([*map(repr, wrong), log.read_text() if log.exists() else ""])
        done = [call.ended.data for call in self.calls if call.args[:2] == ("stage", "done") and call.ended.status == 0]
        recorded = {(row["run_id"], row["head_commit"]) for row in self.project.ledger if row["status"] == "done"}
        assert {(data["run_id"], data["head_commit"]) for data in done} <= recorded, (
            "a `done` that was answered is lost"
        )
        heads = [data["head_commit"] for data in done]
        claims = self.project.registry["stages"]
        invariants.check(
            self.project,
            worked_in={*claims, self.project.task_key},
            left_branches=self.project.repo.branches() - {"main"},
            commits=[*self.commits, *heads],
        )
        starts = Counter((row["stage"], row["epoch"]) for row in self.project.ledger if row["status"] == "started")
        assert [hold for hold, count in starts.items() if count > 1] == [], "a hold was given out twice"
        assert self._lost_files() == []

    def _is_wrong(self, call: Called) -> bool:
        ended = call.ended
        if "Traceback" in ended.stderr or ended.status == 70 or "internal-error" in ended.stdout:
            return True
        return ended.status >= 0 and ended.status not in {0, 1, 2, 3, 4, 69, 75, 130}

    def _lost_files(self) -> list[str]:
        """Of what a person left uncommitted: in no worktree, and kept by no ref."""
        git = self.project.repo.git
        listed = git("rev-list", "--objects", "--all").splitlines()
        kept = {line.split()[0] for line in listed}
        standing = {
            path.read_text()
            for claim in self.project.registry["stages"].values()
            for path in Path(claim["path"]).glob("stage-*/*.txt")
        }
        return [text for text in self.files if text not in standing and _blob_id(self.project, text) not in kept]

    @property
    def figures(self) -> str:
        strikes = Counter(call.strike for call in self.calls if call.strike)
        struck = ", ".join(f"{count} × {name}" for name, count in sorted(strikes.items()))
        return (
            f"{self.at_once} processes at once for {self.seconds:.0f} s: {len(self.calls):,} commands, "
            f"{sum(strikes.values())} struck ({struck}); {len(self.commits)} commits and {len(self.files)} "
            f"uncommitted files of a person's, none lost; claims without their folder 0, internal errors 0."
        )

    @property
    def endings(self) -> str:
        """For whoever looks into it: how often each kind of command ended how."""
        counted: dict[str, Counter[int]] = {}
        for call in self.calls:
            name = " ".join(call.args[:2]) if call.args[0] in ("stage", "worktree") else call.args[0]
            counted.setdefault(name, Counter())[call.ended.status] += 1
        return "\n".join(f"{name}: {dict(counts)}" for name, counts in sorted(counted.items()))


def _strike(group: int, how: str, after: float, stopped_for: float) -> None:
    time.sleep(after)
    try:
        if how == "kill the group":
            os.killpg(group, signal.SIGKILL)
        elif how == "stop":
            os.kill(group, signal.SIGSTOP)
            time.sleep(stopped_for)
            os.kill(group, signal.SIGCONT)
        else:
            os.kill(group, signal.SIGKILL if how == "kill okstra" else signal.Signals[f"SIG{how}"])
    except (ProcessLookupError, PermissionError):
        return


def _blob_id(project: Project, text: str) -> str:
    hashed = subprocess.run(
        ["git", "-C", str(project.repo.path), "hash-object", "--stdin"],
        input=text,
        env=project.repo.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return hashed.stdout.strip()
