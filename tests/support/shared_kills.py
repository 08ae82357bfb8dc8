"""Commands on a shared task, struck at changes to the file system, their git's among them, and called again."""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .faults import Point, Preload, Scene, eventually, group_lives, sample
from .machines import Farm
from .okstra import Ended, Project

_MOST_STEPS = 4
_LEFT_LOCK = re.compile(r"a git that was killed there left the lock (\S+\.lock)")


class Ready(NamedTuple):
    """A command on a machine, A unless it says another, and what must be true once it was struck and called again.

    `guided`: before it is called again, all is done that okstra itself names after the kill.
    """

    words: tuple[str, ...]
    check: Callable[[Play, Ended], None]
    on: Project | None = None
    guided: bool = False


class Play:
    """Two machines in a folder that can be put back to the moment before the command under test."""

    def __init__(self, farm: Farm, preload: Preload) -> None:
        self.scene, self.preload, self.farm = Scene(farm.folder), preload, farm
        self.a, self.b = self.farm.machine("a"), self.farm.machine("b")

    @property
    def shared(self) -> dict[str, Any]:
        return self.farm.shared(self.a.task_key)

    def points(self, ready: Ready) -> list[Point]:
        self.scene.keep()
        ended, points = self.preload.points((ready.on or self.a).okstra, *ready.words)
        assert ended.status == 0, ended
        return points

    def strike(self, ready: Ready, point: Point, fault: str) -> Ended:
        """From the kept state; then, undisturbed, what okstra names, and the same command again."""
        self.scene.restore()
        machine = ready.on or self.a
        environment = self.preload.environment(at=point.number, do=fault)
        process = machine.okstra.start(*ready.words, **environment)
        process.communicate(timeout=120)
        eventually(lambda: not group_lives(process.pid), seconds=60)
        if ready.guided:
            self.go_on(machine, ready.words[0])
        return self.call(machine, *ready.words)

    def call(self, machine: Project, *words: str) -> Ended:
        """What whoever runs the remote does about a lock that its killed git left is done, as the error names it."""
        ended = machine.okstra(*words)
        lock = _LEFT_LOCK.search(ended.stderr)
        if lock is None or not lock[1].startswith(str(self.farm.bare)):
            return ended
        Path(lock[1]).unlink()
        return self.call(machine, *words)

    def go_on(self, machine: Project, killed: str) -> None:
        """Does what `okstra next` names until that is new work, and then what `okstra reconcile` names."""
        for _ in range(_MOST_STEPS):
            step = machine.okstra("next", "--json")
            words = shlex.split(step.data["next"])[1:] if step.status == 0 else []
            if not words or words[0] in {"run", "integrate"} - {killed}:
                break
            ended = self.call(machine, *words, *(["--yes"] if words[:2] == ["plan", "approve"] else []), "--json")
            assert ended.status == 0 or ended.codes == ["nothing-to-integrate"], (words, ended)
        findings = machine.okstra("reconcile", "--json").data["findings"]
        for found in findings:
            ended = self.call(machine, *shlex.split(found["try"])[1:], "--json")
            # `reconcile --apply` fails for what it can't apply, and names the command, which is called next.
            unnamed = {one["try"] for one in ended.envelope["errors"]} - {one["try"] for one in findings}
            by_hand = set(ended.codes) == {"left-to-do"} and not unnamed
            assert ended.status == 0 or ended.codes == ["nothing-to-integrate"] or by_hand, (found, ended)
        left = machine.okstra("reconcile", "--json").data["findings"] if findings else []
        assert left == [], left

    def check_claims_agree(self, owner: Project | None = None) -> None:
        """What the remote says is that machine's (A's), it knows, and the other way round."""
        owner = owner or self.a
        here = {
            claim["remote_token"]: (key, claim["status"])
            for key, claim in owner.registry["stages"].items()
            if claim.get("remote_token")
        }
        machine = (owner.home / "machine-id").read_text().split()[0]
        there = {one["token"]: one for one in self.shared["stages"].values() if one["machine"] == machine}
        held = {token for token, one in there.items() if one["status"] == "claimed"}
        assert held == {token for token, (_, status) in here.items() if status == "active"}
        assert all(status != "provisioning" for _, status in here.values())


Rows = Mapping[str, Callable[[Play], Ready]]


def strike_all(play: Play, row: str, ready: Ready, most: int, faults: Sequence[str], dice: random.Random) -> int:
    """How many points were struck, chosen by `dice`; each must have ended well."""
    points = play.points(ready)
    struck = 0
    for fault in faults:
        for point in sample(dice, points, most):
            try:
                again = play.strike(ready, point, fault)
                ready.check(play, again)
            except AssertionError as wrong:
                raise AssertionError(f"{row}, {fault} at {point}: {wrong}") from wrong
            struck += 1
    return struck
