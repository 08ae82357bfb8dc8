"""Changing the shared state on a git remote: read, decide, push if nobody was faster, else again.

    exchange = open_exchange(home, clone, remote_name, namespace, key)
    seen = exchange.read()                                  # one connection
    seen = exchange.change(lambda seen: Change(claim_stages(seen.task, …), "claim stage 3"))

`change` calls its function once for each try, with what was just read; it may raise Refused, or return None when there
is nothing to do. What it does on this machine (an intent in the registry) has to be right for the last call. `change`
returns what stands on the remote afterwards. Somebody else may have changed that again, and an earlier try that nobody
answered may have been made late, in place of the last one: so whoever claims asks `seen.task.holds(stage, token)`.

After any push that failed or was not answered the remote is read again. Our commit is in the first-parent history: the
change was made. The tip moved otherwise: somebody was faster, decide anew. It stands where it stood: no race; after
three such tries `remote-refused`. Every commit has a random token, for an equal one would be "up to date" for two.

Two `change`s never wait for one another here: nothing of it may be called under a lock, and none is taken over the
network. Killed anywhere, it leaves either nothing on the remote or one whole change; `holds` says which, by the token
that the caller wrote down before.
"""

from __future__ import annotations

import random
import re
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from ..errors import Busy, InternalError, Missing, Refused, Unreadable
from ..git.command import text
from ..git.transport import place_of
from ..home_paths import HomePaths
from ..names import TaskKey
from ..services import Services
from ..settings import trust
from ..settings.claims_remote import check_namespace
from ..settings.project import Project
from ..system.locks import locked_kinds
from ..system.processes import Finished
from ..system.text import DocumentError, printable
from .archive import archive_ref, archived_tip
from .ref_names import task_ref
from .rewound import merged
from .shared_task import SharedTask
from .side_repository import SideRepository, Tree, open_side
from .task_document import SharedFiles, dump_files, parse_files

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 30.0, 1.2
_TRIES_WITHOUT_RACE = 3
_LEFT_LOCK = re.compile(rb"Unable to create '([^'\n]+\.lock)': File exists")
PATIENCE = 600.0
"""Seconds for which a change is tried again while others are faster."""


class Seen(NamedTuple):
    """The state on the remote at `tip`, which is empty while the task has none. `tries`: how many pushes it took."""

    tip: str
    files: SharedFiles
    tree: Tree | None = None
    tries: int = 0
    is_archived: bool = False
    """The task is over, and its ref gone: `tip` is where it was (`archive.py`)."""

    @property
    def task(self) -> SharedTask:
        return self.files.task


class Change(NamedTuple):
    """The next state. `plan` and `rows` of None stay as they are. `commits` become further parents: the remote then has
    them, and keeps them."""

    task: SharedTask
    subject: str
    commits: tuple[str, ...] = ()
    plan: bytes | None = None
    rows: bytes | None = None


Decide = Callable[[Seen], "Change | None"]


class Exchange:
    """One task's ref on one remote. `side` is the repository in this home that has what was read."""

    def __init__(self, side: SideRepository, ref: str, key: TaskKey, archive: str = "") -> None:
        self.side, self.ref, self.key, self.archive = side, ref, key, archive

    def read(self) -> Seen:
        """What the remote has now. Raises Missing (`remote-unreachable`), Unreadable (`remote-rewound`,
        `remote-unreadable`)."""
        _forbid_locks()
        sight = self.side.read(self.ref)
        archived = "" if sight.tip or not self.archive else archived_tip(self.side, self.archive, self.ref)
        if archived and self.side.is_descendant(archived, sight.before):
            self.side.keep_seen(self.ref, archived, sight.before)
            return self._seen(archived)._replace(is_archived=True)
        if not sight.follows:
            raise self._rewound(sight.tip, sight.before)
        return self._seen(sight.tip)

    def last_seen(self) -> Seen:
        """What this home saw last. Asks nobody. Raises Unreadable (`remote-unreadable`)."""
        return self._seen(self.side.seen(self.ref))

    def change(self, decide: Decide, *, patience: float = PATIENCE) -> Seen:
        """Raises as `read`, and what `decide` raises; Refused (`remote-refused`), Busy when `patience` seconds were not
        enough."""
        deadline = time.monotonic() + patience
        token = secrets.token_hex(16)
        seen, pushed, unmoved, tries = self.read(), list[str](), 0, 0
        while True:
            change = decide(seen)
            if change is None:
                return seen._replace(tries=tries)
            made = self._made(seen, change, token)
            pushed.append(made.tip)
            tries += 1
            old = "" if seen.is_archived else seen.tip
            answer = self.side.push(self.ref, made.tip, old, with_commits=bool(change.commits) or seen.is_archived)
            if answer.ok:
                self.side.keep_seen(self.ref, made.tip, seen.tip)
                return made._replace(tries=tries)
            _pause(tries)
            now = self._read_in_doubt(tries)
            if self.side.own_among(now.tip, pushed, since=seen.tip):
                return now._replace(tries=tries)
            unmoved = unmoved + 1 if now.tip == seen.tip else 0
            if unmoved >= _TRIES_WITHOUT_RACE:
                raise self._refused(answer)
            if time.monotonic() > deadline:
                raise self._too_busy(tries)
            seen = now

    def republish(self) -> Seen:
        """Restores what this home saw last to a remote that lost it; what came there since stays in the history, and
        counts (`rewound.py`). Only for a person who asked for it. Raises as `change`."""
        _forbid_locks()
        sight = self.side.read(self.ref)
        last = sight.before
        if sight.follows:
            return self._seen(sight.tip)
        ours = self._seen(last)
        commit = last
        if sight.tip and not self.side.is_descendant(last, sight.tip):
            state = merged(ours.task, self._seen(sight.tip).task)
            change = Change(state, "restore what the remote lost", (sight.tip,))
            commit = self._made(ours, change, secrets.token_hex(16)).tip
        answer = self.side.push(self.ref, commit, sight.tip, with_commits=True)
        if not answer.ok and self.side.read(self.ref).tip != commit:
            raise self._refused(answer)
        self.side.keep_seen(self.ref, commit, last)
        return self._seen(commit)

    def _seen(self, tip: str) -> Seen:
        if not tip:
            return Seen("", SharedFiles(SharedTask(self.key)))
        try:
            tree = self.side.tree(tip)
            return Seen(tip, parse_files(tree.data, self.key), tree)
        except DocumentError as error:
            raise self.side.unreadable(self.ref, error) from error

    def _made(self, seen: Seen, change: Change, token: str) -> Seen:
        """The change as a commit, not pushed yet."""
        before = seen.files
        plan = before.plan if change.plan is None else change.plan
        rows = before.rows if change.rows is None else change.rows
        try:
            after = SharedFiles(change.task, plan, rows)
            data = dump_files(after)
        except DocumentError as error:
            raise Refused("remote-refused", f"other machines could not read it: {error}", where=self.ref) from error
        above = [seen.tip] if seen.tip else []
        if change.commits and not above:  # the first parent is always a state
            above = [self.side.write({}, None, (), f"okstra: begin\n\nToken: {token}\n")]
        message = f"okstra: {change.subject}\n\n{self.key}\nToken: {token}\n"
        tip, tree = self.side.write_whole(data, seen.tree, (*above, *change.commits), message)
        return Seen(tip, after, tree)

    def _read_in_doubt(self, tries: int) -> Seen:
        """As `read`, after a push: the remote is asked a few times, for our change may have been made."""
        for attempt in range(_TRIES_WITHOUT_RACE):
            try:
                return self.read()
            except Missing as error:
                failed = error
                _pause(tries + attempt)
        raise Missing(
            failed.code,
            f"{failed.message}\nwhether it took the change is not known",
            where=failed.where,
            hint="once the network is back, call the command again: a change that was made is recognised",
        ) from failed

    def _refused(self, answer: Finished) -> Refused:
        words = self.side.words_of(answer) if answer.status >= 0 else "it did not answer in time"
        hint = "okstra remote check tries each step, and says which one fails"
        lock = _LEFT_LOCK.search(answer.stderr)
        if lock is not None:
            words = f"a git that was killed there left the lock {printable(text(lock[1]))}"
            hint = "once no git works in that repository, whoever runs it removes that file; then call this again"
        return Refused(
            "remote-refused",
            f"the remote {self.side.place.name} did not take the change: {words}",
            where=f"{self.side.place.shown} {self.ref}",
            hint=hint,
        )

    def _rewound(self, tip: str, before: str) -> Unreadable:
        what = f"is at {tip[:12]}, which does not follow from" if tip else "is gone; this machine saw"
        return Unreadable(
            "remote-rewound",
            f"the task's ref on {self.side.place.name} {what} {before[:12]}",
            where=f"{self.side.place.shown} {self.ref}",
            hint="nothing is claimed; somebody's `push --mirror` or a restored backup may be why. "
            "okstra reconcile --publish puts back what this machine saw, and keeps what came since",
            data={"tip": tip, "seen": before},
        )

    def _too_busy(self, tries: int) -> Busy:
        message = f"other machines were faster {tries} times"
        return Busy("busy", message, where=f"{self.side.place.shown} {self.ref}", hint="try again later")


def exchange_of(project: Project, key: TaskKey, services: Services) -> Exchange | None:
    """The task's ref, as the project's settings have it; None when claims are off. Asks nobody yet.

    Raises as `open_exchange`, and Refused (`not-trusted`): settings come with a repository, and what they name is used
    with a person's login.
    """
    claims = project.config.claims
    if not claims.remote:
        return None
    trust.require_trusted(project.root, project.config.commands, services)
    return open_exchange(services.home, project.root, claims.remote, claims.namespace, key)


def open_exchange(home: HomePaths, clone: str, remote: str, namespace: str, key: TaskKey) -> Exchange:
    """The task's ref on the remote that the clone knows by that name. Asks nobody yet.

    Raises UsageError (`bad-config`, `bad-identity`), Refused (`remote-refused`) for a shallow clone.
    """
    ref = task_ref(check_namespace(namespace), key)
    return Exchange(open_side(home, place_of(clone, remote)), ref, key, archive_ref(namespace))


def _pause(tries: int) -> None:
    """Full jitter: those who lost together come back apart. It grows slowly: each lost try says that somebody's was
    made, and twice as long at each leaves the last ones of a crowd asleep beside a remote that is idle."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * _GROWTH ** (tries - 1))))


def _forbid_locks() -> None:
    if locked_kinds():
        raise InternalError("internal-error", "the network would be waited for under a lock")
