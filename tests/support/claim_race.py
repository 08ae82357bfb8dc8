"""Claimers that start in the same instant: `python -m support.claim_race SEAT CLAIMERS STAGES SEATS` has each of them
take one stage, and prints how long that took and how many tries, as JSON. Its seats are `SEAT-0`, `SEAT-1`, …"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.remote.exchange import Change, Exchange, Seen, open_exchange
from okstra_ctl.remote.machine import this_holder
from okstra_ctl.remote.shared_task import Wish, claim_stages
from okstra_ctl.settings.claims_remote import NAMESPACE

from .shared_tasks import AT, COMMIT, DIGEST, KEY


def exchange_at(seat: str) -> tuple[Exchange, HomePaths]:
    home = HomePaths(os.path.join(seat, "home"))
    return open_exchange(home, os.path.join(seat, "clone"), "origin", NAMESPACE, KEY), home


def take_one(seat: str, stages: int) -> Seen:
    """The first stage that is free."""
    one, home = exchange_at(seat)
    holder, token = this_holder(home), secrets.token_hex(8)

    def decide(seen: Seen) -> Change:
        free = next(stage for stage in range(1, stages + 1) if stage not in seen.task.stages)
        wishes = [Wish(free, COMMIT, token)]
        task = claim_stages(seen.task, wishes, holder, plan_digest=DIGEST, anchor=COMMIT, at=AT)
        return Change(task, f"claim stage {free}")

    return one.change(decide)


def race(seat: str, claimers: int, stages: int, seats: int) -> dict[str, float]:
    gate, answers = os.pipe(), os.pipe()
    for number in range(claimers):
        if os.fork():
            continue
        os.close(gate[1])
        os.read(gate[0], 1)
        try:
            tries = take_one(f"{seat}-{number % seats}", stages).tries
            os.write(answers[1], f"{tries}\n".encode())
        finally:
            os._exit(0)
    os.close(answers[1])
    time.sleep(0.5)
    began = time.monotonic()
    os.close(gate[1])
    with os.fdopen(answers[0]) as found:
        tries = [int(line) for line in found]
    taken = time.monotonic() - began
    return {"seconds": taken, "claims": len(tries), "tries": sum(tries) / max(1, len(tries))}


if __name__ == "__main__":
    print(json.dumps(race(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
