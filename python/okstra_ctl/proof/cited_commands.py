"""Running the commands that a run's workers cite, each once, in a checkout of the commit that they speak of
(docs/design/evidence.md)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .. import git
from ..errors import WorkFailed
from ..names import REVIEW
from ..plan.rules import weakness
from ..results.commands import Seen, hides_secret, is_constant, needs_second_run, reaches_outside
from ..runs.find import KnownRun
from ..sandbox.choice import Sandbox
from ..sandbox.profile import Role
from ..services import Services
from ..settings.limits import ALWAYS, NEVER, EvidenceSettings
from ..settings.project import load_project
from ..system import files
from ..system.secrets import hide_in_log
from ..system.shell_lists import simple_commands
from ..worktrees.proofs import silent
from .checkout import HEAD, Checkouts, checkouts
from .command import NotRun, Runner

_WHY = {
    NotRun.NOT_FOUND: "exit 127: the command, or one that it calls, is not there",
    NotRun.NOT_EXECUTABLE: "exit 126: it can't be executed",
    NotRun.NO_SANDBOX: "nothing can contain it here",
}
_MOST_TOLD = 200
PATIENCE = 20
"""How many commands may use up their time, before those that follow are not run: nobody holds a run up with a list."""
Cited = Mapping[str, Sequence[int]]
"""Commands, each with the exit codes that workers claim."""


class Order(NamedTuple):
    """Where and how to run them. `log` takes what they print; `led` is false for a look at a run from outside, which
    leaves nothing in its record. With `twice`, each is run a second time, whatever the first run shows. `show` gets a
    word when another command uses the checkouts."""

    run: KnownRun
    commit: str
    sandbox: Sandbox
    settings: EvidenceSettings
    services: Services
    log: str
    stop: threading.Event
    led: bool = True
    checkout: str = HEAD
    twice: bool = False
    show: Callable[[str], None] = silent


def see_commands(order: Order, cited: Cited, known: Sequence[Seen], record: Callable[[Seen], None]) -> None:
    """Runs what is not known yet, and hands each result over as soon as it is there.

    Raises Interrupted, Missing (`dependency-missing`), Refused (`not-trusted`), Busy, WorkFailed when the log can't be
    written.
    """
    before = {one.command: one for one in known if one.commit == order.commit}
    wanted = {command: exits for command, exits in cited.items() if _is_open(order, before.get(command), exits)}
    for command in list(wanted):
        why = _never(order, command)
        if why:
            record(Seen(command, order.commit, (), why))
            del wanted[command]
    if wanted:
        _see_all(order, wanted, before, record)


def _is_open(order: Order, seen: Seen | None, cited: Sequence[int]) -> bool:
    """Whether the command has still to be run: for the first time, or once more where a worker is contradicted."""
    if seen is None:
        return True
    return not seen.why and len(seen.exits) == 1 and (order.twice or needs_second_run(cited, seen.exits[0]))


def _never(order: Order, command: str) -> str:
    """Why a command is not started at all; empty when it is."""
    if order.run.id.task_type == REVIEW:
        return "a review runs nothing of the change, which may be a stranger's"
    if order.settings.execute == NEVER:
        return "evidence.execute is never"
    if not order.commit:
        return "the run has no commit to check out"
    if not order.sandbox.contains and order.settings.execute != ALWAYS:
        return f"no sandbox: {_WHY[NotRun.NO_SANDBOX]}"
    if hides_secret(command):
        return "a secret in it was hidden"
    simple = simple_commands(command)
    if (simple is not None and is_constant(simple)) or weakness(command):
        return "it comes out the same whatever the code does"
    if simple is None:
        return "" if order.sandbox.contains else "okstra can't tell what it does, and nothing contains it here"
    outside = reaches_outside(simple)
    return f"`{outside}` reaches outside the checkout" if outside else ""


def _see_all(order: Order, wanted: Cited, before: Mapping[str, Seen], record: Callable[[Seen], None]) -> None:
    run = order.run
    project = load_project(run.project.root, order.services)
    repository = git.discover(run.project.root)
    if repository is None:
        for command in wanted:
            record(Seen(command, order.commit, (), "the project is in no git repository"))
        return
    files.open_log(order.log, anew=False).close()
    runner = Runner(
        run.project.root,
        order.services,
        order.sandbox,
        str(run.id),
        order.log,
        run if order.led else None,
        order.stop,
    )
    key, services, stop = run.id.task, order.services, order.stop
    try:
        with checkouts(project, repository, key, services, log_path=order.log, stop=stop, show=order.show) as places:
            _see_each(order, places, runner, wanted, before, record)
    finally:
        hide_in_log(order.log)


def _see_each(
    order: Order,
    places: Checkouts,
    runner: Runner,
    wanted: Cited,
    before: Mapping[str, Seen],
    record: Callable[[Seen], None],
) -> None:
    broken, begun = "", time.monotonic()
    for command, exits in wanted.items():
        if not broken and time.monotonic() - begun > PATIENCE * order.settings.timeout:
            broken = "the commands cited before it took all the time there is"
        seen = Seen(command, order.commit, (), broken)
        try:
            seen = seen if broken else _see(order, places, runner, command, exits, before.get(command))
        except WorkFailed as error:
            broken = f"its checkout could not be set up: {error.message[:_MOST_TOLD]}"
            seen = seen._replace(why=broken)
        record(seen)


def _see(
    order: Order, places: Checkouts, runner: Runner, command: str, cited: Sequence[int], seen: Seen | None
) -> Seen:
    """One command: a first run, and a second where the first contradicts a worker, each in a clean checkout."""
    found = seen or _run(order, places, runner, command)
    if not _is_open(order, found, cited):
        return found
    again = _run(order, places, runner, command)
    return again if again.why else again._replace(exits=(*found.exits, *again.exits))


def _run(order: Order, places: Checkouts, runner: Runner, command: str) -> Seen:
    place = places.at(order.checkout, order.commit)
    ran = runner.run_in(
        place,
        _moved(command, order.run.folder, place.path),
        Role.EVIDENCE,
        limit=order.settings.timeout,
        only_contained=order.settings.execute != ALWAYS,
    )
    exits = () if ran.exit is None else (ran.exit,)
    limit = f"stopped after {order.settings.timeout:g} s"
    why = "" if ran.why is None else _WHY.get(ran.why, limit)
    return Seen(command, order.commit, exits, why, ran.output)


def _moved(command: str, folder: str, checkout: str) -> str:
    """The command with the checkout's path where it names the worktree that the worker was in."""
    return re.sub(rf"(?<![\w./-]){re.escape(folder)}(?![\w.-])", lambda _: checkout, command)
