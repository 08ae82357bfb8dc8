"""Many claimers on one plan, killed at any moment: `python -m support.claim_chaos CONFIG.json` plays it, and prints
what happened as one JSON object. `audit` reads the history that it left on the remote.

A claimer takes some stages in one change, from nobody or, once its own clock has seen a claim unchanged for a
lease, from whoever has it; commits something for each; and publishes it as done. Some sleep longer than the lease and
come back. Every claim and every publication that okstra reported is in a log.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from okstra_ctl.errors import Busy, Missing, OkstraError, Refused
from okstra_ctl.home_paths import HomePaths
from okstra_ctl.remote import exchange as exchanges
from okstra_ctl.remote.exchange import Change, Exchange, Seen, open_exchange
from okstra_ctl.remote.lease import now
from okstra_ctl.remote.lease_rules import Sightings, lapsed, watch
from okstra_ctl.remote.machine import this_holder
from okstra_ctl.remote.shared_task import (
    Hold,
    SharedTask,
    Takeover,
    Wish,
    claim_stages,
    publish_done,
    renew,
    take_over,
)
from okstra_ctl.remote.task_document import parse_task
from okstra_ctl.settings.claims_remote import NAMESPACE
from okstra_ctl.system import processes

from .repos import Repo
from .shared_tasks import AT, COMMIT, DIGEST, KEY

_MOST_ERRORS = 5
_IDENTITY = {f"GIT_{who}_{what}": "t@example.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Config(NamedTuple):
    """`seats` are folders with `home` and `clone`; the claimers are spread over them."""

    seats: list[str]
    claimers: int
    stages: int
    seconds: float
    """For how long claimers are killed; after that they finish."""
    every: float
    """One is killed about that often, in seconds."""
    most: int
    """The most stages that a claimer takes at once."""
    lease: float
    log: str
    seed: int


class Claimer:
    def __init__(self, config: Config, seat: str, seed: int) -> None:
        self.config, self.clone = config, os.path.join(seat, "clone")
        self.dice = random.Random(seed)
        home = HomePaths(os.path.join(seat, "home"))
        self.exchange: Exchange = open_exchange(home, self.clone, "origin", NAMESPACE, KEY)
        self.holder = this_holder(home)
        self.sightings: Sightings = {}
        self.idle = False

    def work(self) -> None:
        """Until every stage is done, or whoever started it is gone: a test that was given up leaves nothing behind."""
        parent = os.getppid()
        while os.getppid() == parent:
            self.idle = False
            with suppress(Missing, Busy):
                if self.round():
                    return
            # Whoever finds nothing waits for leases to end: 32 that look all the time leave the others no processor.
            time.sleep(self.dice.uniform(0, self.config.lease / 4 if self.idle else 2 * self.config.every))

    def round(self) -> bool:
        """True once all stages are done."""
        seen = self.look(self.exchange.read())
        if all(seen.task.is_done(stage) for stage in range(1, self.config.stages + 1)):
            return True
        token, most = secrets.token_hex(8), self.dice.randint(1, self.config.most)
        try:
            seen = self.exchange.change(lambda seen: self.claim(self.look(seen), token, most), patience=60)
        except Refused as error:
            assert error.code in ("stage-taken", "no-stage-ready"), error
            self.idle = True
            return False
        mine = {number: one for number, one in seen.task.stages.items() if one.claim.token == f"{token}-{number}"}
        held = [number for number in mine if seen.task.holds(number, f"{token}-{number}")]
        self.log("own", {number: mine[number].claim.epoch for number in held}, token)
        self.pause()
        self.publish({number: mine[number].claim.epoch for number in held}, token)
        return False

    def look(self, seen: Seen) -> Seen:
        self.sightings = watch(seen.task, self.sightings, now())
        return seen

    def claim(self, seen: Seen, token: str, most: int) -> Change:
        task, taken = seen.task, dict[int, str]()
        for stage in self.dice.sample(range(1, self.config.stages + 1), self.config.stages):
            wish, found = Wish(stage, COMMIT, f"{token}-{stage}"), task.stages.get(stage)
            if task.is_done(stage):
                continue
            if found is None or not found.claim.is_held:
                task = claim_stages(task, [wish], self.holder, plan_digest=DIGEST, anchor=COMMIT, at=AT)
            else:
                watched = lapsed(self.sightings.get(str(stage)), int(self.config.lease), now())
                if watched is None:
                    continue
                task = take_over(task, wish, self.holder, why=Takeover.LEASE, at=AT, watched=watched)
            taken[stage] = wish.token
            if len(taken) == most:
                break
        if not taken:
            raise Refused("no-stage-ready", "all are taken")
        # With the first sign of life: nobody takes over by a lease what never gave one.
        return Change(renew(task, taken), f"claim {len(taken)} stages")

    def pause(self) -> None:
        is_zombie = self.dice.random() < 0.04
        time.sleep(self.config.lease + self.dice.uniform(1, 4) if is_zombie else self.dice.uniform(0.01, 0.1))

    def publish(self, epochs: Mapping[int, int], token: str) -> None:
        """All at once; when one of them is fenced, each by itself."""
        heads = {stage: self.commit(f"work {stage} {token}") for stage in epochs}

        def done(stages: list[int]) -> None:
            def decide(seen: Seen) -> Change:
                task = seen.task
                for one in stages:
                    task = publish_done(task, one, epoch=epochs[one], token=f"{token}-{one}", head=heads[one])
                return Change(task, f"done {stages}", tuple(heads[one] for one in stages))

            self.exchange.change(decide, patience=120)
            self.log("done", {one: epochs[one] for one in stages}, token, [heads[one] for one in stages])

        try:
            if epochs:
                done(list(epochs))
        except Refused as error:
            assert error.code == "stage-not-held", error
            for one in epochs:
                try:
                    done([one])
                except Refused as single:
                    assert single.code == "stage-not-held", single
                    self.log("fenced", {one: epochs[one]}, token)

    def commit(self, message: str) -> str:
        words = ["git", "-C", self.clone, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", message]
        made = processes.run(words, env={**os.environ, **_IDENTITY})
        assert made.ok, made
        return made.stdout.decode().strip()

    def log(self, event: str, epochs: Mapping[int, int], token: str, heads: list[str] | None = None) -> None:
        row = {"event": event, "stages": {str(one): epoch for one, epoch in epochs.items()}, "token": token}
        with open(self.config.log, "a", encoding="utf-8") as file:
            file.write(json.dumps({**row, "heads": heads or []}) + "\n")


def play(config: Config) -> dict[str, int]:
    """Starts the claimers, kills them at random (alone, with their process group, with all that they started), starts
    them again, and lets them finish."""
    dice, seed = random.Random(config.seed), config.seed * 1000
    live: dict[int, int] = {}
    counts: Counter[str] = Counter()

    def spawn(place: int) -> None:
        nonlocal seed
        seed += 1
        pid = os.fork()
        if pid:
            live[pid] = place
            return
        status = 1
        try:
            os.setpgid(0, 0)
            random.seed(seed)
            Claimer(config, config.seats[place % len(config.seats)], seed).work()
            status = 0
        except (OkstraError, AssertionError, OSError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)

    for place in range(config.claimers):
        spawn(place)
    end = time.monotonic() + config.seconds
    while live:
        time.sleep(dice.uniform(0, 2 * config.every))
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            place = live.pop(pid)
            counts["errors"] += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
            if counts["errors"] > _MOST_ERRORS:
                end = 0.0
                for one in live:
                    os.killpg(one, signal.SIGKILL)
            elif os.WIFSIGNALED(status) or os.WEXITSTATUS(status):
                spawn(place)
        if time.monotonic() < end and live:
            kind = dice.choice(["process", "group", "all"])
            _kill(dice.choice(list(live)), kind)
            counts[f"killed, {kind}"] += 1
            with open(config.log, "a", encoding="utf-8") as file:
                file.write(json.dumps({"event": "killed", "stages": {}, "token": kind, "heads": []}) + "\n")
    return dict(counts)


def _kill(pid: int, kind: str) -> None:
    started = _below(pid) if kind == "all" else []
    with suppress(ProcessLookupError):
        (os.kill if kind == "process" else os.killpg)(pid, signal.SIGKILL)
    for one in started:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _below(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *_below(int(child))]
    return found


class Audit(NamedTuple):
    """What the history on the remote and the log say. `wrong` is empty when every step was allowed."""

    changes: int
    claims: int
    takeovers: int
    fenced: int
    done: int
    wrong: list[str]


def audit(remote: Repo, ref: str, log: Path, stages: int) -> Audit:
    before, wrong, claims, takeovers = SharedTask(KEY), [], 0, 0
    commits = remote.git("rev-list", "--first-parent", "--reverse", ref).split()
    for commit in commits:
        task = parse_task(remote.git("show", f"{commit}:task.json").encode(), KEY)
        for number, one in task.stages.items():
            old = before.stages.get(number)
            if one == old:
                continue
            if one.claim.status is Hold.CLAIMED:
                claims, takeovers = claims + 1, takeovers + (old is not None)
                fresh = old is None or (old.claim.status is not Hold.DONE and old.claim.token != one.claim.token)
                if not fresh or one.claim.epoch != (old.claim.epoch + 1 if old else 1):
                    wrong.append(f"{commit}: claim of {number}: {old} -> {one}")
            elif old is None or not old.claim.is_held or old.claim.token != one.claim.token:
                wrong.append(f"{commit}: done {number}: {old} -> {one}")
        wrong += [f"{commit}: stage {number} is gone" for number in before.stages.keys() - task.stages.keys()]
        before = task
    rows: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    owners: dict[tuple[str, int], set[str]] = {}
    done: Counter[str] = Counter()
    for row in rows:
        for stage, epoch in row["stages"].items():
            if row["event"] == "own":
                owners.setdefault((stage, epoch), set()).add(row["token"])
            done[stage] += row["event"] == "done"
    wrong += [f"{key} has owners {tokens}" for key, tokens in owners.items() if len(tokens) > 1]
    wrong += [f"stage {stage} was done {count} times" for stage, count in done.items() if count > 1]
    reachable = set(remote.git("rev-list", ref).split())
    wrong += [f"{head} is lost" for row in rows for head in row["heads"] if head not in reachable]
    finished = sum(before.is_done(stage) for stage in range(1, stages + 1))
    fenced = sum(len(row["stages"]) for row in rows if row["event"] == "fenced")
    return Audit(len(commits), claims, takeovers, fenced, finished, wrong)


if __name__ == "__main__":
    exchanges._FIRST_PAUSE = 0.2
    print(json.dumps(play(Config(**json.loads(Path(sys.argv[1]).read_text())))))
