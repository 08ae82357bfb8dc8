"""What claims between machines cost: one, and many at once, over `git daemon` with 80 ms there and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from families import Family
from measure import Row, row_of, seconds
from scenes import ROOT, scene

sys.path.insert(0, str(ROOT / "tests"))

from okstra_ctl.remote.exchange import Change
from okstra_ctl.remote.shared_task import Approval, approve
from support.claim_race import exchange_at, take_one
from support.git_servers import Proxy, git_daemon, proxied
from support.remotes import Remote, Seat
from support.sealed import in_environment
from support.shared_tasks import AT, DIGEST

_ONE_WAY, _ROUNDS, _SEATS, _CLAIMERS, _GOAL = 0.04, 7, 8, 32, 20.0


def one(_: int) -> Row:
    """Beside the same two commands of git by hand."""
    with _remote() as (folder, proxy, environment), in_environment(environment):
        seat = str(folder / "seat-0")
        take_one(seat, 1000)
        git, url = ["git", "-C", str(folder / "seat-0" / "clone")], f"git://127.0.0.1:{proxy.port}/remote.git"
        pairs, connections = [], 0
        for number in range(_ROUNDS):
            before = proxy.connections
            ours = seconds(lambda: take_one(seat, 1000))
            connections = max(connections, proxy.connections - before)
            by_hand = [
                ["fetch", "--quiet", "--no-tags", url, "+refs/heads/main:refs/hand/main"],
                ["push", "--quiet", "--no-verify", url, f"HEAD:refs/hand/{number}"],
            ]
            theirs = seconds(lambda words=by_hand: [subprocess.run([*git, *one], check=True) for one in words])
            pairs.append((ours, theirs))
    return row_of("", "", pairs, goal=2.0, note=f"{connections} connections (goal: 2)")


def many(_: int) -> Row:
    with _remote() as (folder, _, environment):
        found = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "python")])
        words = [sys.executable, "-m", "support.claim_race", str(folder / "seat"), *map(str, (_CLAIMERS, 1000, _SEATS))]
        pairs, tries = [], []
        for _ in range(3):
            raced = subprocess.run(words, env={**environment, "PYTHONPATH": found}, capture_output=True, check=True)
            told = json.loads(raced.stdout)
            if told["claims"] != _CLAIMERS:
                raise SystemExit(f"{told['claims']} of {_CLAIMERS} claimed: {raced.stderr.decode()}")
            pairs.append((told["seconds"], _GOAL))
            tries.append(told["tries"])
    return row_of("", "", pairs, goal=1.0, note=f"{sum(tries) / len(tries):.1f} tries each")


@contextmanager
def _remote() -> Iterator[tuple[Path, Proxy, dict[str, str]]]:
    """A remote behind the proxy, and machines with an approved plan on it; the remote has 1,000 branches."""
    place = scene(10)
    folder = place.folder / "claims"
    (folder / "served").mkdir(parents=True)
    remote = Remote.make(folder / "served" / "remote.git", place.env)
    orders = "".join(f"create refs/heads/b{number} refs/heads/main\n" for number in range(1000))
    subprocess.run(
        ["git", "-C", str(remote.path), "update-ref", "--stdin"], input=orders.encode(), check=True, env=place.env
    )
    with git_daemon(remote.path.parent, place.env) as port, proxied(port, delay=_ONE_WAY) as proxy:
        with in_environment(place.env):
            for number in range(_SEATS):
                Seat(folder / f"seat-{number}", remote, url=f"git://127.0.0.1:{proxy.port}/remote.git")
            approval = Approval(DIGEST, "", AT)
            exchange_at(str(folder / "seat-0"))[0].change(lambda seen: Change(approve(seen.task, approval), "approve"))
        yield folder, proxy, dict(place.env)


FAMILIES = (
    Family("claim", "a claim on a git remote 80 ms away", "git fetch and git push by hand", "", one, {1: 2.0}, (1,)),
    Family("claims-32", "32 claims of one plan at once, 80 ms away", "20 s", "", many, {1: 1.0}, (1,)),
)
