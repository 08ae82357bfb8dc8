"""What the sandbox adds to the start and end of a worker."""

from __future__ import annotations

import threading
import uuid

from families import Family
from measure import Row, row_of, seconds
from scenes import Scene, scene

from okstra_ctl.agents.supervised_process import run_supervised
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.choice import Containment
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services

_ALLOWED = 0.015
_ROUNDS = 25


def worker(_: int) -> Row:
    place = scene(50)
    services = open_services(place.env)
    sandbox = sandbox_of(str(place.repo), services)
    if not sandbox.contains:
        raise SystemExit(f"no sandbox starts here: {sandbox.probed.why}")

    def contained() -> None:
        _start(place, containment(sandbox, Role.READER, str(place.repo), str(place.repo)))

    _start(place, None)
    pairs = [(seconds(contained) - seconds(lambda: _start(place, None)), _ALLOWED) for _ in range(_ROUNDS)]
    return row_of("", "", pairs, goal=1.0, note=str(sandbox.probed.kind))


def _start(place: Scene, contained: Containment | None) -> None:
    ended = run_supervised(
        ("true",),
        name="bench",
        folder=str(place.repo),
        log=str(place.folder / "worker.log"),
        token=uuid.uuid4().hex,
        limit=60,
        environment=place.env,
        stop=threading.Event(),
        home=str(place.home / ".okstra"),
        run_id="bench",
        containment=contained,
    )
    if ended.status != 0:
        raise SystemExit(f"it ended with {ended.status}: {ended.complaint}")


FAMILIES = (
    Family("sandbox", "a contained worker: what its start and end take longer", "15 ms", "", worker, {1: 1.0}, (1,)),
)
